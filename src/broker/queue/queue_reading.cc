// Messages that are not in memory are read back from where they are stored, one run at a time.
#include "broker/queue/queue_host.h"
#include "broker/queue/topic_source.h"
#include "io/logger.h"

namespace naru {
namespace {

constexpr size_t run_bytes = 256 * KiB;  // of a backlog read back at once
constexpr io::Millis unread_ms = 500;    // until it is tried again after the disk failed
constexpr io::Millis unreadable_ms = 2;  // until a record that is not durable yet is asked for again
constexpr io::Millis failed_ms = 1000;   // until a disk that failed is asked again

void tell_unreadable(const std::string& queue, const Error& error) {
  io::log(io::Level::error, "messages of a queue cannot be read from the disk; trying again",
          {{"queue", queue}, {"reason", error.reason}, {"errno", error.detail}});
}

}  // namespace

io::Task<RecordWindow::Found> Queue::read(Offset offset, StoredRecord* record) {
  auto self = shared_from_this();
  co_return co_await find(0, offset, record);
}

/// Found::elsewhere: the queue is gone, or the disk fails; then it is a while later, and the record is where it was.
io::Task<RecordWindow::Found> Queue::find(uint8_t index, Offset offset, StoredRecord* record) {
  auto level = levels_[index];
  while (!erased_) {
    if (level != levels_[index]) co_return RecordWindow::Found::gone;  // with its topic
    auto found = level->window.find(offset, record);
    if (found != RecordWindow::Found::elsewhere) co_return found;
    bool brought = co_await bring(index, offset);
    if (!brought && level == levels_[index]) break;
  }
  co_return RecordWindow::Found::elsewhere;
}

io::Task<> Queue::load_and_go_on(Next next) {
  auto self = shared_from_this();
  (void)co_await bring(next.level, next.taken.offset);
}

io::Task<Result<void>> Queue::load(QueueLevel& level, Offset offset) {
  if (level.source) return level.source->load(level.window, offset, run_bytes);
  return level.window.load(host_.loop, *level.log, offset, run_bytes);
}

/// Reads the run that begins at `offset` into memory, or waits until another run has been read: look again then. False
/// if the queue is gone, or the disk fails.
io::Task<bool> Queue::bring(uint8_t index, Offset offset) {
  if (loading_) {
    io::Wakeup wakeup;
    load_waiters_.push_back(&wakeup);
    co_await wakeup;
    co_return !erased_;
  }
  if (erased_) co_return false;
  loading_ = true;
  auto level = levels_[index];
  bool loaded = false;
  while (!erased_ && !loaded && !host_.core.stopping) {
    auto loading = load(*level, offset);
    auto result = co_await loading;
    loaded = result.has_value();
    if (loaded || level != levels_[index]) break;
    bool is_early = result.error().code == Code::out_of_range;
    if (!is_early) tell_unreadable(name, result.error());
    co_await host_.loop.sleep_until(host_.loop.now() + (is_early ? unreadable_ms : failed_ms));
    if (!is_early) break;  // who asked may ask again
  }
  // What cannot be read now may be readable later; to ask at once again would be all that this core does.
  bool is_tried_again = !erased_ && !loaded && level == levels_[index] && !host_.core.stopping;
  if (is_tried_again) co_await host_.loop.sleep_until(host_.loop.now() + unread_ms);
  loading_ = false;
  if (!erased_) {
    if (level != levels_[index]) level->window.clear();
    host_.count_kept(*this, level->window);
    // Whoever asked for it, dispatch() has stood still meanwhile. Who is going away does not try again.
    if (!host_.core.stopping) changed();
  }
  for (io::Wakeup* waiter : std::exchange(load_waiters_, {})) waiter->wake();
  co_return loaded && !erased_;
}

}  // namespace naru
