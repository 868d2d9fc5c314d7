// What was acknowledged comes back, where the queue keeps it.
#include "broker/queue/log_place.h"
#include "broker/queue/queue_host.h"
#include "broker/queue/topic_source.h"

namespace naru {

io::Task<Result<int64_t>> Queue::replay(ReadStart from) {
  auto self = shared_from_this();
  if (settings_->is_stream || settings_->grouped)
    co_return fail(Code::unsupported, "who reads a stream, or a FIFO queue of SQS, keeps its own place");
  if (!settings_->retains() && !settings_->topic)
    co_return fail(Code::unsupported, "the queue keeps nothing that was acknowledged: see x-naru-retain");
  if (from.kind == ReadStart::Kind::offset && levels_.size() > 1)
    co_return fail(Code::unsupported, "an offset says nothing about several logs: name a time");
  append_batches();
  apply_settled(host_.append_published());  // what was acknowledged in this turn comes back, too
  int64_t came_back = 0;
  for (size_t i = 0; i < levels_.size() && !erased_; ++i) {
    auto level = levels_[i];
    if (!level->cursor) continue;  // no message was ever there, or nobody knows yet
    auto finding = place_of(*level, from);
    auto place = co_await finding;
    if (erased_ || level != levels_[i]) continue;
    if (!place) co_return std::unexpected(place.error());
    int64_t done = level->cursor->done_count();
    reopen(*level, *place);
    came_back += done - level->cursor->done_count();
    if (!level->source) continue;
    auto storing = level->source->stored();  // on its own core; who asks waits for this one's disk
    auto stored = co_await storing;
    if (!stored) co_return std::unexpected(stored.error());
  }
  if (erased_) co_return fail(Code::not_found, "the queue is gone");
  count_anew();
  changed();
  co_return came_back;
}

io::Task<Result<Offset>> Queue::place_of(QueueLevel& level, ReadStart from) {
  if (level.source) co_return co_await level.source->place_of(from);
  auto log = [&] { return level.log; };
  co_return co_await place_in_log(host_.loop, log, from);
}

/// Nothing from there on is done. What is held or waits for its time stays so.
void Queue::reopen(QueueLevel& level, Offset from) {
  AckCursor& cursor = *level.cursor;
  Offset done_end = cursor.done_end();
  if (from >= done_end) return;
  Offset floor = std::min(cursor.floor(), from);
  std::vector<Change> changes{{floor, floor, Change::Kind::seek}};
  for (auto [first, last] : cursor.done().ranges())
    if (first < from.value) changes.push_back({Offset(first), std::min(Offset(last), from), Change::Kind::settle});
  cursor.doubt_below(done_end);
  for (const Change& change : changes) write_down(level, change);
  know_keys(level);
  level.head_seen = Offset(-1);
  level.window.clear();
  host_.count_kept(*this, level.window);
  has_ttl_ = true;  // what came back may have expired: nobody knows without looking
}

}  // namespace naru
