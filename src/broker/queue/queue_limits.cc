// The limits of a queue, by messages and by bytes.
//
// How many bytes are ready: publishing and handing out keep the number; what was there at a start is read once, where
// there is such a limit, and counted as the reading comes by: until then it does not count, whatever happens to it.
#include "broker/queue/queue_host.h"

namespace naru {
namespace {

constexpr size_t run_bytes = 256 * KiB;
constexpr io::Millis unreadable_ms = 2;  // until a record that is not durable yet is asked for again

}  // namespace

/// `coming`: with one more message of that size. Quorum queues look only at what they have, as RabbitMQ's.
bool Queue::over_limits(std::optional<int64_t> coming) {
  if ((!settings_->max_length && !settings_->max_bytes) || settings_->is_stream || settings_->topic) return false;
  int64_t ready = coming ? 1 : 0, bytes = ready_bytes_;
  if (coming && !settings_->counts_deliveries) bytes += *coming;
  ready += waiting_ahead();
  for (auto& level : levels_) {
    if (!level->cursor) continue;
    auto counts = level->cursor->counts(level->end());
    ready += counts.ready + counts.delayed + level->header.count;
  }
  return (settings_->max_length && ready > *settings_->max_length) ||
         (settings_->max_bytes && bytes > *settings_->max_bytes && ready > 0);
}

/// Not while dispatch() stands still: consumers come first.
void Queue::trim_to_limits() {
  if (loading_ || trimming_ || settings_->overflow != Overflow::drop_head || !over_limits()) return;
  drop_heads().detach();
}

/// Drops the oldest messages, of the lowest priority first, until the limits hold.
io::Task<> Queue::drop_heads() {
  auto self = shared_from_this();
  trimming_ = true;
  while (!erased_ && over_limits()) {
    if (burials_.must_wait()) {
      if (host_.core.stopping) break;
      co_await host_.room_for_more();
      continue;
    }
    auto next = take_next(getter_, Order::lowest_first);
    if (!next) break;
    StoredRecord record;
    bool counted = is_counted(next->level, next->taken.offset);
    uint64_t purges = purges_;
    auto found = co_await find(next->level, next->taken.offset, &record);
    if (erased_) break;
    if (found == RecordWindow::Found::elsewhere) {
      put_back(*next);
      break;
    }
    MessageId id = id_of(next->level, next->taken.offset, record.body().size());
    if (found == RecordWindow::Found::here) {
      if (counted && purges == purges_) ready_bytes_ -= id.body_bytes;
      burials_.bury(id, record, Death::maxlen);
    } else {
      mark_settled(id);
    }
  }
  trimming_ = false;
}

bool Queue::is_counted(uint8_t index, Offset offset) const {
  const QueueLevel& level = *levels_[index];
  return offset < level.uncounted || offset >= level.uncounted_end;
}

void Queue::count_backlog() {
  if (!settings_->max_bytes || settings_->is_stream || settings_->topic || counting_ || erased_) return;
  auto is_behind = [](const auto& level) { return level->uncounted < level->uncounted_end; };
  if (std::ranges::any_of(levels_, is_behind)) count_backlog_now().detach();
}

/// All that is there, as after a start.
void Queue::count_anew() {
  if (!settings_->max_bytes || counting_) return;
  ready_bytes_ = 0;
  ++purges_;
  for (auto& level : levels_) {
    if (!level->cursor) continue;
    level->uncounted = level->cursor->floor();
    level->uncounted_end = level->end();
  }
  count_backlog();
}

io::Task<> Queue::count_backlog_now() {
  counting_ = true;
  auto self = shared_from_this();
  RecordWindow window;
  for (auto& level : levels_) {
    while (!erased_ && level->uncounted < level->uncounted_end) {
      Offset at = level->cursor->first_open(level->uncounted);
      StoredRecord record;
      auto found = at < level->uncounted_end ? window.find(at, &record) : RecordWindow::Found::gone;
      if (found == RecordWindow::Found::elsewhere) {
        auto loading = window.load(host_.loop, *level->log, at, run_bytes);
        auto loaded = co_await loading;
        if (loaded) continue;
        if (loaded.error().code != Code::out_of_range) break;  // the disk fails: who consumes will hear of it
        co_await host_.loop.sleep_until(host_.loop.now() + unreadable_ms);
        continue;
      }
      bool is_ready = found == RecordWindow::Found::here && !level->cursor->held(at);
      if (is_ready) ready_bytes_ += static_cast<int64_t>(record.body().size());
      level->uncounted = std::min(at + 1, level->uncounted_end);
    }
    window.clear();
  }
  counting_ = false;
  if (!erased_) changed();  // there may be too much
}

}  // namespace naru
