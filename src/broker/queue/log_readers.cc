#include "broker/queue/log_readers.h"

#include "broker/queue/queue_host.h"
#include "io/logger.h"

namespace naru {
namespace {

constexpr int looked_at_max = 1000;  // records for one reader in one turn, then others have theirs
// Of a backlog read at once for one reader, and for all of them.
constexpr size_t run_bytes_min = 32 * KiB, run_bytes_max = 256 * KiB, runs_bytes = 8 * MiB;
constexpr io::Millis retry_ms = 1000;
constexpr int warm_tries = 3;  // the index, the batches; and memory can be so short that they are gone again

}  // namespace

void LogReaders::add(Log& log, QueueConsumer& consumer) {
  if (!log_) {
    log_ = &log;
    log.add_waiter(this);
  }
  auto reader = std::make_shared<Reader>();
  reader->consumer = &consumer;
  readers_.push_back(reader);
  switch (consumer.start->kind) {
    case ReadStart::Kind::first: reader->next = log.bounds().begin; break;
    case ReadStart::Kind::next: reader->next = log.bounds().end; break;
    case ReadStart::Kind::offset: reader->next = Offset(std::max<int64_t>(consumer.start->value, 0)); break;
    case ReadStart::Kind::last:
    case ReadStart::Kind::time: seek(reader).detach(); break;
  }
}

void LogReaders::remove(QueueConsumer& consumer) {
  for (ReaderPtr& reader : readers_) {
    if (reader->consumer != &consumer) continue;
    reader->consumer = nullptr;
    forget_run(*reader);
  }
  if (!serving_) std::erase_if(readers_, [](const ReaderPtr& reader) { return !reader->consumer; });
}

std::vector<QueueConsumer*> LogReaders::close() {
  if (log_) log_->remove_waiter(this);
  log_ = nullptr;
  std::vector<QueueConsumer*> left;
  for (ReaderPtr& reader : readers_) {
    QueueConsumer* consumer = std::exchange(reader->consumer, nullptr);
    if (consumer) left.push_back(consumer);
    forget_run(*reader);
  }
  if (!serving_) readers_.clear();
  return left;
}

size_t LogReaders::size() const {  // those that have left while others were served are not counted
  return static_cast<size_t>(std::ranges::count_if(readers_, [](const ReaderPtr& reader) { return reader->consumer; }));
}

void LogReaders::forget_run(Reader& reader) {
  if (reader.busy) return;  // load() does it when it comes back
  reader.run.clear();
  host_.count_kept(queue_, reader.run);
}

void LogReaders::drop_kept() {
  for (ReaderPtr& reader : readers_) forget_run(*reader);
}

void LogReaders::on_readable(uint64_t) {
  if (any()) host_.mark(queue_);
}

Offset LogReaders::wanted_from(Offset kept, Offset end) const {
  for (const ReaderPtr& reader : readers_)
    if (reader->next >= kept) end = std::min(end, reader->next);
  return end;
}

void LogReaders::dispatch(RecordWindow& recent) {
  if (readers_.empty()) return;
  serving_ = true;
  if (++first_ >= readers_.size()) first_ = 0;
  for (size_t n = 0, count = readers_.size(); n < count && log_; ++n) serve(readers_[(first_ + n) % count], recent);
  serving_ = false;
  std::erase_if(readers_, [](const ReaderPtr& reader) { return !reader->consumer; });
}

void LogReaders::serve(const ReaderPtr& reader, RecordWindow& recent) {
  for (int looked = 0; log_ && reader->consumer && !reader->busy && reader->consumer->can_take(); ++looked) {
    Bounds bounds = log_->bounds();
    Offset at = reader->next = std::max(reader->next, bounds.begin);
    if (at >= bounds.high_watermark) return;
    if (looked == looked_at_max) return host_.mark(queue_);
    StoredRecord record;
    auto found = recent.find(at, &record);
    if (found == RecordWindow::Found::elsewhere) found = reader->run.find(at, &record);
    if (found == RecordWindow::Found::elsewhere) return load(reader).detach();
    reader->next = at + 1;
    if (found == RecordWindow::Found::gone || !reader->consumer->wants(record)) continue;
    ++queue_.counters_.delivered;
    MessageId id{.offset = at, .body_bytes = static_cast<uint32_t>(record.body().size()), .is_copy = true};
    reader->consumer->take(queue_, {.id = id, .record = record});
  }
}

/// Has another thread bring into memory what a look would wait for. False if the log is gone.
io::Task<bool> LogReaders::warm(std::optional<io::FileRange> range) {
  if (range) {
    auto job = [&range] {
      range->file->load(range->at, range->length);
      return true;
    };
    co_await io::work(host_.loop, io::Lane::reads, job);
  }
  co_return log_ != nullptr;
}

/// Finds the last batch, or a time.
io::Task<> LogReaders::seek(ReaderPtr reader) {
  auto self = queue_.shared_from_this();
  reader->busy = true;
  ReadStart start = *reader->consumer->start;
  Bounds bounds = log_->bounds();
  reader->next = bounds.end;
  if (start.kind == ReadStart::Kind::last && bounds.high_watermark > bounds.begin) {
    Offset last = bounds.high_watermark - 1;
    bool there = true;
    for (int i = 0; i < warm_tries && there; ++i) there = co_await warm(log_->missing(last));
    if (there) {
      auto slice = log_->read(last, 1);
      if (slice) reader->next = slice->first;
    }
  } else if (start.kind == ReadStart::Kind::time) {
    auto log = [this] { return log_; };
    auto found = co_await find_by_time(host_.loop, log, start.value);
    if (found && *found) reader->next = (*found)->offset;
  }
  reader->busy = false;
  if (log_) host_.mark(queue_);
}

/// Reads the run of batches that begins with the reader's next record.
io::Task<> LogReaders::load(ReaderPtr reader) {
  auto self = queue_.shared_from_this();
  reader->busy = true;
  bool there = true;
  for (int i = 0; i < warm_tries && there; ++i) there = co_await warm(log_->missing(reader->next));
  Result<void> loaded;
  if (there) {
    size_t bytes = std::clamp(runs_bytes / std::max<size_t>(readers_.size(), 1), run_bytes_min, run_bytes_max);
    auto loading = reader->run.load(host_.loop, *log_, reader->next, bytes);
    loaded = co_await loading;
    bool failed = !loaded && loaded.error().code != Code::out_of_range;  // that is what retention has taken meanwhile
    if (failed) {
      io::log(io::Level::error, "a queue's log cannot be read",
              {{"queue", queue_.name}, {"offset", reader->next.value}, {"reason", loaded.error().reason}});
      co_await host_.loop.sleep_until(host_.loop.now() + retry_ms);
    }
  }
  reader->busy = false;
  host_.count_kept(queue_, reader->run);
  if (!reader->consumer) forget_run(*reader);
  if (log_) host_.mark(queue_);
}

}  // namespace naru
