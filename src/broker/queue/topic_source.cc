#include "broker/queue/topic_source.h"

#include "broker/queue/log_place.h"
#include "broker/queue/queue_host.h"

namespace naru {
namespace {

constexpr uint64_t topic_cursor_mark = uint64_t{1} << 63;
constexpr int number_bits = 16;

bool has_cursor(const Log& log, CursorId id) {
  return std::ranges::any_of(log.cursors(), [id](const Log::Attached& one) { return one.id == id; });
}

}  // namespace

CursorId topic_cursor(uint64_t queue_id, int32_t partition) {
  return CursorId(topic_cursor_mark | queue_id << number_bits | static_cast<uint64_t>(partition));
}

std::optional<uint64_t> queue_of_cursor(CursorId cursor) {
  if (!(cursor.value & topic_cursor_mark)) return std::nullopt;
  return (cursor.value & ~topic_cursor_mark) >> number_bits;
}

/// Stands beside the log and tells core 0 of what is new. Lives and dies on the log's core.
class TopicSource::Watch final : public ReadWaiter {
 public:
  Watch(Core& first, Core& owner, Log& log, TopicSource& source, std::weak_ptr<Queue> queue)
      : first_(first), owner_(owner), log_(&log), source_(source.weak_from_this()), queue_(std::move(queue)) {
    log.add_waiter(this);
  }
  ~Watch() override {
    if (log_) log_->remove_waiter(this);
  }
  void on_readable(uint64_t) override { tell(); }
  void on_trimmed() override { tell(); }
  void on_gone() override { log_ = nullptr; }

 private:
  void tell() {
    Bounds bounds = log_->bounds();
    auto call = [bounds, source = source_, queue = queue_] {
      auto there = queue.lock();
      auto its = source.lock();
      if (!there || !its || its->erased_) return;
      its->end = std::max(its->end, bounds.high_watermark);
      its->skip_to(bounds.begin);
      its->host_.mark(*there);
    };
    &first_ == &owner_ ? owner_.loop.post(std::move(call)) : first_.loop.send(std::move(call));
  }
  Core &first_, &owner_;
  Log* log_;
  std::weak_ptr<TopicSource> source_;
  std::weak_ptr<Queue> queue_;
};

TopicSource::TopicSource(Queue& queue, QueueHost& host, TopicPtr its_topic, int32_t its_partition, CursorId id)
    : topic(std::move(its_topic)), partition(its_partition), queue_(queue), host_(host), id_(id) {}

TopicSource::~TopicSource() = default;

Core& TopicSource::owner() const { return host_.core.broker.owner(stream()); }

/// On the owner.
Result<TopicSource::Found> TopicSource::find(Core& owner) {
  Log* log = owner.find_log(*topic, partition);
  if (!log) return fail(Code::not_found, "the topic is gone");
  Found found;
  owner.store.cursor(id_, stream()).save(found.cursor);
  found.end = log->bounds().high_watermark;
  found.watch = std::make_unique<Watch>(host_.core, owner, *log, *this, queue_.weak_from_this());
  return found;
}

io::Task<> TopicSource::attach() {
  auto self = queue_.shared_from_this();
  auto alive = shared_from_this();
  auto work = [this](Core& there) { return find(there); };
  auto found = co_await on(host_.core, owner(), work);
  while (!found) {
    // The owner has not heard of the topic yet, or it is gone already.
    constexpr io::Millis pause_ms = 2;
    if (erased_ || !host_.core.catalog()->find(topic->id)) co_return;
    co_await host_.loop.sleep_until(host_.loop.now() + pause_ms);
    found = co_await on(host_.core, owner(), work);
  }
  watch_ = std::move(found->watch);
  if (erased_) co_return take_down(host_.core, owner(), std::move(watch_), stream(), id_).detach();
  auto copy = AckCursor::load(found->cursor);
  CHECK(copy);  // made a moment ago
  cursor = std::move(*copy);
  end = std::max(end, found->end);
  queue_.source_ready(*this);
}

/// On the owner.
io::Task<Result<Slice>> TopicSource::read(Core& there, Offset offset, size_t bytes_max, Offset& begin) {
  constexpr int tries = 3;  // the index, the batches; and memory can be so short that they are gone again
  for (int i = 0; i <= tries; ++i) {
    Log* log = there.find_log(*topic, partition);
    if (!log) co_return fail(Code::closed, "the topic is gone");
    begin = log->bounds().begin;
    if (offset < begin) co_return fail(Code::out_of_range, "no longer there");
    auto range = i < tries ? log->missing(offset) : std::nullopt;
    if (!range) co_return log->read(offset, bytes_max);
    auto job = [&range] {
      range->file->load(range->at, range->length);
      return true;
    };
    co_await io::work(there.loop, io::Lane::reads, job);
  }
  co_return fail(Code::closed);
}

io::Task<Result<void>> TopicSource::load(RecordWindow& window, Offset offset, size_t bytes_max) {
  Offset begin{};
  auto work = [&](Core& there) { return read(there, offset, bytes_max, begin); };
  auto slice = co_await on(host_.core, owner(), work);
  if (erased_) co_return fail(Code::closed);
  skip_to(begin);
  if (offset < begin) {
    window.note_gone(offset, begin);
    co_return Result<void>();
  }
  if (!slice) co_return std::unexpected(slice.error());
  auto loading = window.load(host_.loop, *slice, offset);
  co_return co_await loading;
}

io::Task<Result<Offset>> TopicSource::place_of(ReadStart from) {
  auto work = [&](Core& there) {
    auto log = [&] { return there.find_log(*topic, partition); };
    return place_in_log(there.loop, log, from);
  };
  auto place = co_await on(host_.core, owner(), work);
  co_return place;
}

/// What retention took is settled over there already.
void TopicSource::skip_to(Offset begin) {
  if (cursor.floor() < begin) (void)cursor.settle(cursor.floor(), begin);
}

void TopicSource::change(const Change& change) {
  cursor.apply(change);
  changes_.push_back(change);
  if (!sending_ && !erased_) send().detach();
}

io::Task<Result<void>> TopicSource::stored() {
  constexpr io::Millis pause_ms = 1;
  auto alive = shared_from_this();
  while (sending_ && !erased_ && !host_.core.stopping) co_await host_.loop.sleep_until(host_.loop.now() + pause_ms);
  if (erased_ || sending_) co_return fail(Code::closed, "the topic is gone, or the broker stops");
  auto work = [](Core& there) -> io::Task<Result<void>> {
    auto stored = co_await there.store.durable(there.store.journal().end());
    co_return stored;
  };
  auto stored = co_await on(host_.core, owner(), work);
  co_return stored;
}

/// What was settled as a dead letter is at its new place before it leaves the old one, also where these are on cores
/// with journals of their own.
io::Task<> TopicSource::send() {
  auto self = queue_.shared_from_this();
  auto alive = shared_from_this();
  sending_ = true;
  host_.count_sending(+1);
  while (!changes_.empty() && !erased_) {
    auto changes = std::exchange(changes_, {});
    if (&owner() != &host_.core) {
      auto durable = co_await host_.store.durable(host_.store.journal().end());
      if (!durable) break;
    }
    auto work = [&](Core& there) {
      Log* log = there.store.find(stream());
      if (!log || !has_cursor(*log, id_)) return false;
      for (const Change& change : changes) there.store.change(id_, change);
      return true;
    };
    (void)co_await on(host_.core, owner(), work);
  }
  sending_ = false;
  host_.count_sending(-1);
}

void TopicSource::forget() {
  cursor = AckCursor();
  end = Offset(0);
  erase();
}

void TopicSource::erase() {
  erased_ = true;
  if (watch_) take_down(host_.core, owner(), std::move(watch_), stream(), id_).detach();
}

io::Task<> TopicSource::take_down(Core& first, Core& owner, std::unique_ptr<Watch> watch, StreamId stream,
                                  CursorId id) {
  auto work = [&](Core& there) {
    watch.reset();
    if (there.store.find(stream)) there.store.forget_cursor(id);
    return true;
  };
  co_await on(first, owner, work);
}

}  // namespace naru
