#include "broker/queue/burials.h"

#include "broker/queue/queue_host.h"
#include "broker/queue/topic_source.h"

namespace naru {

/// They go somewhere, or are dropped.
bool Burials::are_kept() const { return queue_.settings().dead_letter_exchange && host_.dead_letters; }

bool Burials::must_wait() const { return queue_.settings().dead_letter_exchange && !host_.has_room(); }

void Burials::bury(const MessageId& id, const StoredRecord& record, Death why) {
  if (!are_kept()) {
    half_buried_.erase(place_of(id));
    return queue_.mark_settled(id);
  }
  if (must_wait()) return wait_for_room({id, why});
  auto earlier = half_buried_.extract(place_of(id));
  std::vector<uint64_t> takers = earlier ? std::move(earlier.mapped()) : std::vector<uint64_t>();
  bool buried = host_.dead_letters->bury(queue_, record, why, takers);
  const QueueSettings& settings = queue_.settings();
  bool is_tried_again = settings.keeps_dead_letters && settings.overflow == Overflow::reject_publish;
  if (!buried && is_tried_again) {
    if (!takers.empty()) half_buried_.emplace(place_of(id), std::move(takers));
    return try_again_later({id, why});
  }
  ++buried_;
  QueueHost::Together together(host_);
  queue_.mark_settled(id);
}

void Burials::find_and_bury(const MessageId& id, Death why) {
  if (!are_kept()) return queue_.mark_settled(id);
  if (!to_read_.empty()) return read_later({id, why});  // not before those that were given up before it
  StoredRecord record;
  switch (queue_.levels_[id.level]->window.find(id.offset, &record)) {
    case RecordWindow::Found::here: return bury(id, record, why);
    case RecordWindow::Found::gone: return queue_.mark_settled(id);
    case RecordWindow::Found::elsewhere: return read_later({id, why});
  }
}

void Burials::read_later(const Letter& letter) {
  to_read_.push_back(letter);
  if (!std::exchange(reads_, true)) read_all().detach();
}

/// In the order in which they came, which mostly is that of the log: a run that is read has many of them.
io::Task<> Burials::read_all() {
  auto alive = queue_.shared_from_this();
  while (!to_read_.empty() && !queue_.is_erased() && !host_.core.stopping) {
    if (must_wait()) {
      co_await host_.room_for_more();
      continue;
    }
    auto [id, why] = to_read_.front();
    const auto& source = queue_.levels_[id.level]->source;
    if (queue_.is_done(id) || (source && source->is_forgotten())) {  // its topic is gone, and may have a successor
      half_buried_.erase(place_of(id));
      to_read_.pop_front();
      continue;
    }
    StoredRecord record;
    auto found = queue_.levels_[id.level]->window.find(id.offset, &record);
    if (found == RecordWindow::Found::elsewhere) {
      // Consumers have their turn: nothing is handed to them while something is read, and what is read for them has to
      // stay until they have it.
      co_await host_.next_turn();
      if (queue_.loading_) {
        io::Wakeup wakeup;
        queue_.load_waiters_.push_back(&wakeup);
        co_await wakeup;
        co_await host_.next_turn();
      }
      if (queue_.is_done(id)) continue;
      found = co_await queue_.find(id.level, id.offset, &record);
      if (found == RecordWindow::Found::elsewhere || queue_.is_done(id)) continue;
    }
    to_read_.pop_front();
    if (found == RecordWindow::Found::here) {
      bury(id, record, why);
    } else {
      queue_.mark_settled(id);
    }
  }
  to_read_.clear();  // what is left is there after the next start
  reads_ = false;
}

void Burials::wait_for_room(const Letter& letter) {
  waiting_.push_back(letter);
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

void Burials::try_again_later(const Letter& letter) {
  refused_.push_back(letter);
  if (!std::exchange(tries_, true)) try_all_again().detach();
}

/// A few at a time, in turn, as long as there is no place for them: there may be very many.
io::Task<> Burials::try_all_again() {
  constexpr io::Millis retry_ms = 1000;
  constexpr size_t few = 32, many = 65'536;
  auto alive = queue_.shared_from_this();
  size_t at_once = few;
  uint64_t before = buried_;
  while (!refused_.empty()) {
    co_await host_.loop.sleep_until(host_.loop.now() + retry_ms);
    if (queue_.is_erased() || host_.core.stopping) break;
    at_once = buried_ > before ? std::min(2 * at_once, many) : few;
    before = buried_;
    for (size_t n = std::min(at_once, refused_.size()); n > 0; --n) {
      auto [id, why] = refused_.front();
      refused_.pop_front();
      if (queue_.is_done(id)) {
        half_buried_.erase(place_of(id));
      } else {
        queue_.reject(id, why);
      }
    }
  }
  tries_ = false;
}

}  // namespace naru
