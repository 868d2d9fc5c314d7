#include "broker/queue/burials.h"

#include "broker/queue/queue_host.h"

namespace naru {

/// They go somewhere, or are dropped.
bool Burials::are_kept() const { return queue_.settings().dead_letter_exchange && host_.dead_letters; }

bool Burials::must_wait() const { return queue_.settings().dead_letter_exchange && !host_.has_room(); }

void Burials::bury(const MessageId& id, const StoredRecord& record, Death why) {
  if (!are_kept()) return queue_.mark_settled(id);
  if (must_wait()) return wait_for_room(id, why);
  auto earlier = half_buried_.extract({id.level, id.offset});
  std::vector<uint64_t> takers = earlier ? std::move(earlier.mapped()) : std::vector<uint64_t>();
  bool buried = host_.dead_letters->bury(queue_, record, why, takers);
  const QueueSettings& settings = queue_.settings();
  bool is_tried_again = settings.keeps_dead_letters && settings.overflow == Overflow::reject_publish;
  if (!buried && is_tried_again) {
    if (!takers.empty()) half_buried_.emplace(std::pair(id.level, id.offset), std::move(takers));
    return try_again(id, why).detach();
  }
  QueueHost::Together together(host_);
  queue_.mark_settled(id);
}

void Burials::find_and_bury(const MessageId& id, Death why) {
  if (!are_kept()) return queue_.mark_settled(id);
  StoredRecord record;
  switch (queue_.levels_[id.level]->window.find(id.offset, &record)) {
    case RecordWindow::Found::here: return bury(id, record, why);
    case RecordWindow::Found::gone: return queue_.mark_settled(id);
    case RecordWindow::Found::elsewhere: return read_and_bury(id, why).detach();
  }
}

io::Task<> Burials::read_and_bury(MessageId id, Death why) {
  auto alive = queue_.shared_from_this();
  StoredRecord record;
  auto found = RecordWindow::Found::elsewhere;
  while (!queue_.is_erased() && found == RecordWindow::Found::elsewhere && !host_.core.stopping)
    found = co_await queue_.find(id.level, id.offset, &record);
  if (queue_.is_erased() || found == RecordWindow::Found::elsewhere) co_return;  // it is there after the next start
  if (found == RecordWindow::Found::here) {
    bury(id, record, why);
  } else {
    queue_.mark_settled(id);
  }
}

void Burials::wait_for_room(const MessageId& id, Death why) {
  waiting_.emplace_back(id, why);
  if (!std::exchange(waits_, true)) bury_waiting().detach();
}

io::Task<> Burials::bury_waiting() {
  auto alive = queue_.shared_from_this();
  while (!waiting_.empty()) {
    co_await host_.room_for_more();
    if (queue_.is_erased() || host_.core.stopping) break;  // it is there after the next start
    for (auto [id, why] : std::exchange(waiting_, {}))
      if (!queue_.is_done(id)) queue_.reject(id, why);
  }
  waits_ = false;
}

/// Somewhere it found no place.
io::Task<> Burials::try_again(MessageId id, Death why) {
  constexpr io::Millis retry_ms = 1000;
  auto alive = queue_.shared_from_this();
  co_await host_.loop.sleep_until(host_.loop.now() + retry_ms);
  if (queue_.is_erased() || host_.core.stopping) co_return;
  if (!queue_.is_done(id)) co_return queue_.reject(id, why);
  half_buried_.erase({id.level, id.offset});
}

}  // namespace naru
