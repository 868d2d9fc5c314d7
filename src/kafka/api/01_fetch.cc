// Fetch, v4-12. Hands out record batches as ranges of segment files; waits until there are min_bytes of them, an error
// to tell, or max_wait_ms has passed. Nobody polls: a waiting fetch is a waiter on the logs it asked for.
// * v5 log start offset  * v7 sessions  * v9 leader epochs  * v10 zstd  * v11 rack  * v12 flexible, divergence
// Not here: sessions (KIP-227) are never granted, which every client accepts; isolation levels see the same until there
// are transactions. The first batch of the first partition that has one comes whole, whatever the limits.
#include "kafka/messages/01_fetch.h"

#include "kafka/api.h"
#include "kafka/cold_data.h"
#include "kafka/errors.h"

namespace naru::kafka {
namespace {

constexpr int32_t response_bytes_max = 55 * 1024 * 1024;  // Kafka's fetch.max.bytes
constexpr uint64_t waits_always_bytes = 4 * KiB;          // the memory of a fetch of ten partitions
constexpr io::Millis look_ms = 2'000;                     // so often a larger one looks whether memory has become short

struct Part {
  TopicPtr topic;
  int32_t partition = 0;
  Offset from;
  int32_t bytes_max = 0, leader_epoch = -1, last_epoch = -1;
  // What came of it:
  ErrorCode error = ErrorCode::none;
  Bounds bounds{Offset(-1), Offset(-1), Offset(-1)};
  EpochStart diverging{-1, Offset(-1)};
  io::FileRange range;
};

ErrorCode check_epoch(const Part& part, int32_t present) {
  if (part.leader_epoch < 0 || part.leader_epoch == present) return ErrorCode::none;
  return part.leader_epoch < present ? ErrorCode::fenced_leader_epoch : ErrorCode::unknown_leader_epoch;
}

/// Reads one partition; `bytes_left` bounds the response. At least one batch if nothing was found before.
void read(Core& owner, Part& part, uint64_t bytes_left, bool first) {
  part.error = check_epoch(part, owner.store.epoch());
  if (part.error != ErrorCode::none) return;
  Log* found = owner.find_log(*part.topic, part.partition);
  if (!found) {  // deleted while the fetch waited
    part.error = ErrorCode::unknown_topic_or_partition;
    return;
  }
  Log& log = *found;
  part.bounds = log.bounds();
  if (part.last_epoch >= 0) {
    EpochStart known = log.end_of_epoch(part.last_epoch);
    if (known.epoch >= 0 && (known.epoch < part.last_epoch || known.start < part.from)) {
      part.diverging = known;
      return;
    }
  }
  uint64_t limit = std::min<uint64_t>(static_cast<uint64_t>(std::max(part.bytes_max, 0)), bytes_left);
  if (limit == 0 && !first) {
    if (part.from < part.bounds.begin || part.from > part.bounds.high_watermark)
      part.error = ErrorCode::offset_out_of_range;
    return;
  }
  auto slice = log.read(part.from, limit);
  if (!slice) {
    part.error =
        slice.error().code == Code::out_of_range ? ErrorCode::offset_out_of_range : ErrorCode::kafka_storage_error;
    return;
  }
  // Only the very first batch may break the limits.
  if (!first && slice->range.length > limit) return;
  part.range = std::move(slice->range);
}

/// What has to be read from the disk before this partition can be looked at without waiting.
std::optional<io::FileRange> missing(Core& owner, const Part& part) {
  Log* log = owner.find_log(*part.topic, part.partition);
  return log ? log->missing(part.from) : std::nullopt;
}

io::Task<> load(Core& owner, const Part& part) {
  auto what = [&owner, &part] { return missing(owner, part); };
  return load_missing(owner, what);
}

/// Counts what becomes readable in the logs of one core on behalf of a fetch that waits. Touched by that core alone.
class Waiting final : public ReadWaiter {
 public:
  Waiting(Core& owner, Core& asker, uint64_t need, std::shared_ptr<io::Wakeup> wakeup)
      : owner_(owner), asker_(asker), need_(need), wakeup_(std::move(wakeup)) {}
  void add(Log& log) {
    logs_.push_back(log.stream());
    log.add_waiter(this);
  }
  void remove_all() {
    for (StreamId stream : logs_)
      if (Log* log = owner_.store.find(stream)) log->remove_waiter(this);
    logs_.clear();
  }
  void on_readable(uint64_t bytes) override {
    seen_ += bytes;
    if (seen_ >= need_) wake();
  }
  void on_gone() override { wake(); }

 private:
  void wake() {
    if (std::exchange(woken_, true)) return;
    // From inside of a log: the fetch goes on when that is done.
    auto call = [wakeup = wakeup_] { wakeup->wake(); };
    &owner_ == &asker_ ? owner_.loop.post(std::move(call)) : asker_.loop.send(std::move(call));
  }
  Core &owner_, &asker_;
  uint64_t need_, seen_ = 0;
  bool woken_ = false;
  std::vector<StreamId> logs_;
  std::shared_ptr<io::Wakeup> wakeup_;
};

/// One fetch: its partitions by the core that owns them.
class Fetching {
 public:
  Fetching(Core& core, const Peer& peer, const FetchRequest& request)
      : core_(core), peer_(peer), by_core_(core.broker.cores.size()) {
    CatalogPtr catalog = core.catalog();
    bytes_max_ = static_cast<uint64_t>(std::clamp(request.max_bytes, 0, response_bytes_max));
    // Kafka: what one asks for cannot be more than what one would take.
    bytes_min_ = std::min<uint64_t>(static_cast<uint64_t>(std::max(request.min_bytes, 0)), bytes_max_);
    for (const auto& asked : request.topics) {
      TopicPtr topic = catalog->find(asked.topic);
      topics_.emplace_back(asked.topic, asked.partitions.size());
      for (const auto& p : asked.partitions) {
        bool known = topic && p.partition >= 0 && static_cast<size_t>(p.partition) < topic->partitions.size();
        parts_.push_back({.topic = known ? topic : nullptr,
                          .partition = p.partition,
                          .from = Offset(p.fetch_offset),
                          .bytes_max = p.partition_max_bytes,
                          .leader_epoch = p.current_leader_epoch,
                          .last_epoch = p.last_fetched_epoch,
                          .error = known ? ErrorCode::none : ErrorCode::unknown_topic_or_partition,
                          .range = {}});
      }
    }
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (!parts_[i].topic) continue;
      auto& of_core = by_core_[core.broker.owner(stream_of(parts_[i])).index];
      if (of_core.empty()) order_.push_back(static_cast<size_t>(&of_core - by_core_.data()));
      of_core.push_back(i);
    }
  }

  io::Task<> read_all() {
    bytes_ = 0;
    for (Part& part : parts_) part.range = {};
    for (size_t i : order_) {
      auto work = [this, i](Core& owner) { return read_of(owner, by_core_[i]); };
      co_await naru::on(core_, *core_.broker.cores[i], work);
    }
  }

  /// Nothing more to wait for: enough is here, or something to tell.
  bool satisfied() const {
    // What was unknown from the start keeps nobody from waiting for the rest, as in Kafka.
    auto tells = [](const Part& part) {
      return part.topic && (part.error != ErrorCode::none || part.diverging.epoch >= 0);
    };
    return bytes_ >= bytes_min_ || order_.empty() || std::ranges::any_of(parts_, tells);
  }

  /// Resumes when more has become readable, or at the deadline. A large one that waits holds memory: it resumes before
  /// long when others wait for that.
  io::Task<> wait(io::Millis deadline, bool large) {
    auto wakeup = std::make_shared<io::Wakeup>();
    std::optional<io::Timer> timer;
    auto look = [&, wakeup] {
      io::Millis now = core_.loop.now();
      if (now >= deadline || core_.budget.is_short()) return wakeup->wake();
      timer->arm(std::min(deadline, now + look_ms));
    };
    timer.emplace(core_.loop, look);
    timer->arm(large ? std::min(deadline, core_.loop.now() + look_ms) : deadline);
    std::vector<std::unique_ptr<Waiting>> waiting(by_core_.size());
    bool moved = false;
    for (size_t i = 0; i < by_core_.size(); ++i) {
      if (by_core_[i].empty()) continue;
      Core& owner = *core_.broker.cores[i];
      waiting[i] = std::make_unique<Waiting>(owner, core_, bytes_min_ - bytes_, wakeup);
      auto enlist = [this, i, &waiting, &moved](Core& there) {
        for (size_t n : by_core_[i]) {
          Log* found = there.find_log(*parts_[n].topic, parts_[n].partition);
          if (!found) {
            moved = true;
            continue;
          }
          Log& log = *found;
          // What came between reading and now would not be told any more.
          if (log.bounds().high_watermark != parts_[n].bounds.high_watermark) moved = true;
          waiting[i]->add(log);
        }
        return true;
      };
      co_await naru::on(core_, owner, enlist);
    }
    core_.parked.insert(wakeup);
    peer_.waiting = wakeup;
    if (!moved && !core_.stopping && !peer_.gone) co_await *wakeup;
    core_.parked.erase(wakeup);
    for (size_t i = 0; i < by_core_.size(); ++i) {
      if (!waiting[i]) continue;
      auto leave = [&waiting, i](Core&) {
        waiting[i]->remove_all();
        return true;
      };
      co_await naru::on(core_, *core_.broker.cores[i], leave);
    }
  }

  Reply respond(const RequestHeader& header, bool committed) {
    FetchResponse response;
    Reply reply;
    size_t next = 0;
    for (const auto& [name, count] : topics_) {
      auto& topic = response.responses.emplace_back();
      topic.topic = name;
      for (size_t i = 0; i < count; ++i) {
        Part& part = parts_[next++];
        auto& out = topic.partitions.emplace_back();
        out.partition_index = part.partition;
        out.error_code = part.error;
        bool known = part.error == ErrorCode::none;  // with an error nothing is told, not even of a log that is there
        out.high_watermark = known ? part.bounds.high_watermark.value : -1;
        out.last_stable_offset = out.high_watermark;
        out.log_start_offset = known ? part.bounds.begin.value : -1;
        if (!committed) out.aborted_transactions.reset();
        if (part.diverging.epoch >= 0) out.diverging_epoch = {part.diverging.epoch, part.diverging.start.value};
        if (part.range.length == 0) continue;
        out.records.size = static_cast<uint32_t>(part.range.length);
        out.records.slice = static_cast<int32_t>(reply.slices.size());
        reply.slices.push_back(std::move(part.range));
      }
    }
    reply.frame = encode_response(header, response);
    return reply;
  }

 private:
  io::Task<bool> read_of(Core& owner, const std::vector<size_t>& parts) {
    for (size_t n : parts) {
      if (missing(owner, parts_[n])) co_await load(owner, parts_[n]);
      read(owner, parts_[n], bytes_max_ - std::min(bytes_max_, bytes_), bytes_ == 0);
      bytes_ += parts_[n].range.length;
    }
    co_return true;
  }
  static StreamId stream_of(const Part& part) { return part.topic->partitions[static_cast<size_t>(part.partition)]; }

  Core& core_;
  const Peer& peer_;
  std::vector<Part> parts_;
  std::vector<std::pair<std::string_view, size_t>> topics_;  // name, how many of the parts; borrows the request
  std::vector<std::vector<size_t>> by_core_;
  std::vector<size_t> order_;  // of cores: whose partition is named first, which clients rotate, has the bytes first
  uint64_t bytes_max_ = 0, bytes_min_ = 0, bytes_ = 0;
};

io::Task<Reply> handle(Context on, ByteView body) {
  auto decoded = decode_counted<FetchRequest>(on, body, 0);
  Reply reply;
  if (!decoded) {
    reply.close = true;
    co_return reply;
  }
  const FetchRequest* request = &decoded->message;
  // A session that nobody was granted; epoch 0 and -1 ask for a full answer, which is what everyone gets.
  if (request->session_id != 0 && request->session_epoch > 0) {
    FetchResponse refused;
    refused.error_code = ErrorCode::fetch_session_id_not_found;
    reply.frame = encode_response(on.header, refused);
    co_return reply;
  }
  Fetching fetching(on.core, on.peer, *request);
  co_await fetching.read_all();
  io::Millis deadline = on.core.loop.now() + request->max_wait_ms;
  // Who waits holds memory. When many who ask for much hold half of it, the others are answered at once.
  io::Budget& budget = on.core.budget;
  bool large = decoded->memory.bytes() > waits_always_bytes;
  if (large && (budget.used() > budget.total() / 2 || budget.is_short())) deadline = 0;
  while (!fetching.satisfied() && on.core.loop.now() < deadline && !on.core.stopping && !on.peer.gone) {
    co_await fetching.wait(deadline, large);
    co_await fetching.read_all();
    if (large && budget.is_short()) break;
  }
  co_return fetching.respond(on.header, request->isolation_level == 1);
}

}  // namespace

extern const Handler fetch{1, handle};

}  // namespace naru::kafka
