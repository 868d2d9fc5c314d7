// How many bytes are ready in a queue, for its limit by bytes. Publishing and handing out keep the number; what was
// there at a start is read once, where there is such a limit, and counted as the reading comes by: until then it does
// not count, whatever happens to it.
#include "broker/queue/queue_host.h"

namespace naru {
namespace {

constexpr size_t run_bytes = 256 * KiB;
constexpr io::Millis unreadable_ms = 2;  // until a record that is not durable yet is asked for again

}  // namespace

bool Queue::is_counted(uint8_t index, Offset offset) const {
  const Open& level = *levels_[index];
  return offset < level.uncounted || offset >= level.uncounted_end;
}

void Queue::count_backlog() {
  if (!settings_.max_bytes || settings_.is_stream || settings_.topic || counting_ || erased_) return;
  auto is_behind = [](const auto& level) { return level->uncounted < level->uncounted_end; };
  if (std::ranges::any_of(levels_, is_behind)) count_backlog_now().detach();
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
