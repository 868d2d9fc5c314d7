#include "broker/queue/queue_host.h"

namespace naru {

QueueHost::QueueHost(Core& its_core, bool was_unclean)
    : core(its_core), loop(its_core.loop), store(its_core.store), unclean(was_unclean), retry_(its_core.loop, [this] {
        plan();
      }) {}

void QueueHost::mark(Queue& queue) {
  if (!std::exchange(queue.dirty_, true)) dirty_.push_back(queue.shared_from_this());
  plan();
}

std::shared_ptr<const QueueSettings> QueueHost::shared(QueueSettings settings) {
  if (!settings_ || *settings_ != settings) settings_ = std::make_shared<const QueueSettings>(std::move(settings));
  return settings_;
}

void QueueHost::enlist(Queue& queue) {
  if (queue.settings_->topic || queue.settings_->to_topic) with_topics_.push_back(&queue);
  for (size_t i = 0; i < queue.levels_.size(); ++i)
    by_stream_[queue.levels_[i]->ids.stream] = {&queue, static_cast<uint8_t>(i)};
}

void QueueHost::strike(Queue& queue) {
  if (queue.keeper_) keepers_.erase(*queue.keeper_);
  queue.keeper_.reset();
  std::erase(with_topics_, &queue);
  for (auto& level : queue.levels_) by_stream_.erase(level->ids.stream);
}

void QueueHost::catalog_changed() {
  for (Queue* queue : with_topics_) queue->attach_topic(*core.catalog());
}

Log* QueueHost::queue_log(StreamId stream) {
  auto found = by_stream_.find(stream);
  return found == by_stream_.end() ? nullptr : found->second.queue->opened(found->second.level).log;
}

Result<Appended> QueueHost::append_to_queue(StreamId stream, std::span<uint8_t> batch, const BatchHeader& header,
                                            int64_t value_bytes) {
  auto found = by_stream_.find(stream);
  if (found == by_stream_.end()) return fail(Code::not_found, "the queue is gone");
  return found->second.queue->append_produced(found->second.level, batch, header, value_bytes);
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
  for (auto& queue : queues) queue->apply_settled(appended);
  if (appended) tell_waiters();
  for (auto& queue : queues) queue->end_turn();
  drop_oldest_kept();
  let_go_.clear();
  if (!blocked_) return;
  // With the next turn that has something to do, or when there may be space again.
  for (auto& queue : queues)
    if (queue->waits_for_space() && !std::exchange(queue->dirty_, true)) dirty_.push_back(queue);
  retry_.arm(loop.now() + retry_ms);
}

void QueueHost::tell_waiters() {
  JournalPosition position = store.journal().end();
  for (TurnWaiter* waiter : std::exchange(waiters_, {})) {
    waiter->waiting_ = false;
    waiter->on_appended(position);
  }
}

io::Task<> QueueHost::next_turn() {
  io::Wakeup wakeup;
  loop.send([&wakeup] { wakeup.wake(); });
  co_await wakeup;
}

io::Task<> QueueHost::room_for_more() {
  constexpr io::Millis blocked_ms = 200;
  while (!has_room() && !core.stopping) {
    if (is_blocked()) {
      co_await loop.sleep_until(loop.now() + blocked_ms);
    } else {
      co_await store.journal().room();
    }
  }
}

bool QueueHost::append_published() {
  bool all = true;
  for (auto& queue : dirty_) all &= queue->append_batches();
  return all && !blocked_;
}

void QueueHost::count_kept(Queue& queue, RecordWindow& window) {
  kept_bytes_ += window.grown();
  if (window.bytes() > 0 && !queue.keeper_ && !queue.erased_) queue.keeper_ = keepers_.insert(keepers_.end(), &queue);
}

/// At the end of a turn, when nobody holds a record of a queue's memory.
void QueueHost::drop_oldest_kept() {
  while (kept_bytes_ > kept_bytes_max && !keepers_.empty()) {
    Queue* oldest = keepers_.front();
    keepers_.pop_front();
    oldest->keeper_.reset();
    oldest->drop_kept();
  }
}

}  // namespace naru
