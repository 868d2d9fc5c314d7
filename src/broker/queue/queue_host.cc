#include "broker/queue/queue_host.h"

namespace naru {

QueueHost::QueueHost(io::Loop& its_loop, Store& its_store, bool was_unclean)
    : loop(its_loop), store(its_store), unclean(was_unclean), retry_(its_loop, [this] {
        planned_ = false;
        plan();
      }) {}

void QueueHost::mark(Queue& queue) {
  if (std::exchange(queue.dirty_, true)) return;
  dirty_.push_back(queue.shared_from_this());
  plan();
}

void QueueHost::call_when_appended(TurnWaiter& waiter) {
  if (std::exchange(waiter.waiting_, true)) return;
  waiters_.push_back(&waiter);
  plan();
}

void QueueHost::forget(TurnWaiter& waiter) {
  if (std::exchange(waiter.waiting_, false)) std::erase(waiters_, &waiter);
}

void QueueHost::plan() {
  if (std::exchange(planned_, true)) return;
  loop.at_turn_end([this] {
    planned_ = false;
    end_turn();
  });
}

void QueueHost::end_turn() {
  constexpr io::Millis retry_ms = 500;
  auto queues = std::exchange(dirty_, {});
  bool appended = true;
  for (auto& queue : queues) {
    queue->dirty_ = false;
    appended &= queue->append_batches();
  }
  blocked_ = !appended;
  if (blocked_) {
    planned_ = true;  // not at the end of the next turn: when there may be space again
    for (auto& queue : queues) mark(*queue);
    retry_.arm(loop.now() + retry_ms);
    return;
  }
  for (auto& queue : queues) queue->apply_settled();
  JournalPosition position = store.journal().end();
  for (TurnWaiter* waiter : std::exchange(waiters_, {})) {
    waiter->waiting_ = false;
    waiter->on_appended(position);
  }
  for (auto& queue : queues) queue->end_turn();
  drop_oldest_kept();
}

void QueueHost::count_kept(Queue& queue, size_t before, size_t after) {
  kept_bytes_ += after - before;
  if (before == 0 && after > 0) keepers_.push_back(queue.weak_from_this());
}

/// At the end of a turn, when nobody holds a record of a queue's memory.
void QueueHost::drop_oldest_kept() {
  while (kept_bytes_ > kept_bytes_max && !keepers_.empty()) {
    auto oldest = keepers_.front().lock();
    keepers_.pop_front();
    if (oldest) kept_bytes_ -= oldest->drop_kept();
  }
}

}  // namespace naru
