// How messages find their consumers, and how they leave without one.
#include "broker/queue/log_readers.h"
#include "broker/queue/queue_host.h"
#include "broker/queue/queue_leases.h"
#include "broker/queue/topic_source.h"
#include "io/logger.h"

namespace naru {
namespace {

constexpr int handed_out_max = 1000;         // in one turn, then others have theirs
constexpr size_t looked_ahead_max = 20'000;  // messages, in search of keys whose turn it is
constexpr size_t run_bytes = 256 * KiB;      // of a backlog read back at once
constexpr io::Millis unread_ms = 500;        // until it is tried again after the disk failed
constexpr io::Millis unreadable_ms = 2;      // until a record that is not durable yet is asked for again
constexpr io::Millis failed_ms = 1000;       // until a disk that failed is asked again

void tell_unreadable(const std::string& queue, const Error& error) {
  io::log(io::Level::error, "messages of a queue cannot be read from the disk; trying again",
          {{"queue", queue}, {"reason", error.reason}, {"errno", error.detail}});
}

}  // namespace

Result<void> Queue::add(QueueConsumer& consumer) {
  if (consumer.start) return add_reader(consumer);
  if (exclusively_ || (consumer.exclusive && taking_ > 0)) return fail(Code::busy, "in exclusive use");
  consumer.holder_ = host_.new_holder();
  auto& line = takers_[consumer.priority];
  consumer.place_ = line.insert(line.end(), &consumer);
  ++taking_;
  exclusively_ = consumer.exclusive;
  consumer.added_ = true;
  if (settings_.single_active_consumer) {
    choose_active();
  } else {
    list(consumer);
  }
  last_used_ms = host_.loop.now();
  changed();
  return {};
}

Result<void> Queue::add_reader(QueueConsumer& consumer) {
  append_batches();
  if (!readers_) readers_ = std::make_unique<LogReaders>(host_, *this);
  consumer.place_ = reading_.insert(reading_.end(), &consumer);
  consumer.added_ = true;
  readers_->add(*opened(0).log, consumer);
  last_used_ms = host_.loop.now();
  changed();
  return {};
}

void Queue::remove(QueueConsumer& consumer) {
  if (!std::exchange(consumer.added_, false) || erased_) return;
  if (consumer.start) {
    reading_.erase(consumer.place_);
    readers_->remove(consumer);
  } else {
    auto line = takers_.find(consumer.priority);
    line->second.erase(consumer.place_);
    if (line->second.empty()) takers_.erase(line);
    --taking_;
    exclusively_ = false;
    unlist(consumer);
  }
  if (active_ == &consumer) {
    active_ = nullptr;
    choose_active();
  }
  last_used_ms = host_.loop.now();
  changed();
}

void Queue::choose_active() {
  if (active_) return;
  if (takers_.empty()) return;
  active_ = takers_.begin()->second.front();
  list(*active_);
}

void Queue::wake(QueueConsumer& consumer) {
  if (consumer.start) return changed();
  if (settings_.single_active_consumer && active_ != &consumer) return;
  list(consumer);
  changed();
}

void Queue::list(QueueConsumer& consumer) {
  if (std::exchange(consumer.listed_, true)) return;
  auto& line = ready_[consumer.priority];
  consumer.turn_ = line.insert(line.end(), &consumer);
}

void Queue::unlist(QueueConsumer& consumer) {
  if (!std::exchange(consumer.listed_, false)) return;
  ready_[consumer.priority].erase(consumer.turn_);
}

/// Whose turn it is: of the highest priority at which somebody takes messages, who waits for longest. Who got one goes
/// to the end of the line (hand_out).
QueueConsumer* Queue::next_consumer() {
  for (auto at = ready_.begin(); at != ready_.end();) {
    auto& list = at->second;
    while (!list.empty()) {
      QueueConsumer* first = list.front();
      if (first->can_take()) return first;
      unlist(*first);
    }
    at = ready_.erase(at);
  }
  return nullptr;
}

/// The message whose turn it is, of those that were looked ahead to.
std::optional<Queue::Next> Queue::take_fair() {
  look_ahead();
  while (auto place = fair_->next()) {
    AckCursor& cursor = *levels_[place->level]->cursor;
    if (cursor.held(place->offset)) return Next{place->level, {place->offset, cursor.count(place->offset)}};
    fair_->done(*place);  // by somebody who had it before
  }
  return std::nullopt;
}

/// Whether more has to be read before somebody is served: others may wait behind those that are known.
bool Queue::load_ahead() {
  if (fair_) look_ahead();
  if (groups_ && levels_[0]->cursor) look_at_groups();
  size_t known = fair_ ? fair_->waiting() : groups_ ? groups_->size() : looked_ahead_max;
  if (known >= looked_ahead_max / 2) return false;
  auto unknown = first_unknown();
  if (unknown) load_and_go_on(*unknown).detach();
  return unknown.has_value();
}

void Queue::look_ahead() {
  constexpr int at_once_max = 4096;
  if (fair_->waiting() > looked_ahead_max / 2) return;
  for (int n = 0; n < at_once_max && fair_->waiting() < looked_ahead_max; ++n) {
    auto next = take_oldest(getter_);
    if (!next) break;
    Open& level = *levels_[next->level];
    level.cursor->uncount(next->taken.offset);
    uint64_t key = level.keys->key_of(next->taken.offset);
    if (key == 0 && !settings_.fair_key) key = RecordKeys::own_key(next->taken.offset);
    fair_->add({next->level, next->taken.offset}, key);
  }
}

std::optional<Queue::Next> Queue::take_next(HolderId holder, Order order) {
  auto next = groups_ ? take_grouped() : fair_ ? take_fair() : take_oldest(holder, order);
  // Whoever takes it counts its bytes.
  if (next && leases_) (void)leases_->bytes.forget({next->level, next->taken.offset});
  return next;
}

std::optional<Queue::Next> Queue::take_oldest(HolderId holder, Order order) {
  for (size_t n = 0; n < levels_.size(); ++n) {
    size_t i = order == Order::lowest_first ? n : levels_.size() - 1 - n;
    if (settings_.topic) i = (first_level_ + n) % levels_.size();
    Open& level = *levels_[i];
    if (!level.cursor) continue;
    Offset end = level.end();
    if (level.keys) {
      end = level.keys->learn(level.window, *level.cursor, end);
      if (settings_.order_key)
        holder = host_.new_holder();  // a key is busy for everybody, also for whoever has a message of it
    }
    if (auto taken = level.cursor->take(end, holder)) {
      first_level_ = i + 1;
      return Next{static_cast<uint8_t>(i), *taken};
    }
  }
  return std::nullopt;
}

/// What has to be read before it is known whether anything can be taken: keys that are not in memory.
std::optional<Queue::Next> Queue::first_unknown() {
  for (size_t i = levels_.size(); i-- > 0;) {
    Open& level = *levels_[i];
    if (!level.cursor || !level.keys) continue;
    if (groups_ && is_looked_ahead()) continue;
    Offset end = known_end(level);
    Offset next = level.cursor->first_open(level.keys->learn(level.window, *level.cursor, end));
    if (next < end && !level.keys->is_full()) return Next{static_cast<uint8_t>(i), {next}};
  }
  return std::nullopt;
}

void Queue::put_back(const Next& next) {
  AckCursor& cursor = *levels_[next.level]->cursor;
  if (!cursor.held(next.taken.offset)) return;  // it was settled meanwhile
  if (groups_) {
    cursor.uncount(next.taken.offset);
    return groups_->returned(next.taken.offset);
  }
  if (!fair_) return (void)cursor.untake(next.taken.offset);
  cursor.uncount(next.taken.offset);
  fair_->put_back({next.level, next.taken.offset});
}

void Queue::dispatch() {
  if (loading_) return;
  for (int handed = 0;; ++handed) {
    QueueConsumer* consumer = next_consumer();
    if (!consumer) return;
    if (handed == handed_out_max) return changed();
    if (load_ahead()) return;
    auto next = take_next(consumer->holder_);
    if (!next) {
      if (auto unknown = first_unknown()) load_and_go_on(*unknown).detach();
      return;
    }
    StoredRecord record;
    switch (levels_[next->level]->window.find(next->taken.offset, &record)) {
      case RecordWindow::Found::elsewhere: put_back(*next); return load_and_go_on(*next).detach();
      case RecordWindow::Found::gone: mark_settled(id_of(next->level, next->taken.offset)); break;
      case RecordWindow::Found::here: hand_out(*consumer, *next, record); break;
    }
  }
}

/// To somebody who waits and acknowledges nothing, before it is written anywhere: nothing would be left of it. False if
/// it has to go the long way, behind others or for others.
bool Queue::hand_over(const NewMessage& message) {
  if (readers_ && readers_->any()) return false;
  if (taking_ == 0 || settings_.retains() || settings_.order_key || fair_ || loading_) return false;
  if (settings_.grouped || message.delayed_to) return false;
  QueueConsumer* consumer = next_consumer();
  if (!consumer || !consumer->no_ack) return false;
  for (auto& level : levels_)
    if (level->header.count > 0 || (level->cursor && level->cursor->peek(level->end()))) return false;
  headers_.clear();
  for (const Header& header : message.headers) append_header(headers_, header);
  StoredRecord record;
  record.timestamp = host_.loop.wall();
  record.key = message.key;
  record.value = message.body;
  record.headers = Headers(headers_, static_cast<int32_t>(message.headers.size()));
  ++counters_.published;
  ++counters_.delivered;
  auto& line = ready_[consumer->priority];
  line.splice(line.end(), line, line.begin());
  consumer->take(*this, {.id = {.body_bytes = static_cast<uint32_t>(message.body.size())}, .record = record});
  return true;
}

void Queue::hand_out(QueueConsumer& consumer, const Next& next, const StoredRecord& record) {
  Delivery out = delivery(next, record);
  if (is_counted(next.level, next.taken.offset)) ready_bytes_ -= out.id.body_bytes;
  if (has_expired(record, out.attempt)) return die(out.id, record, Death::expired);
  ++counters_.delivered;
  auto& line = ready_[consumer.priority];
  line.splice(line.end(), line, line.begin());
  if (out.redelivered) ++counters_.redelivered;
  if (consumer.no_ack) mark_settled(out.id);
  consumer.take(*this, out);
}

io::Task<> Queue::load_and_go_on(Next next) {
  auto self = shared_from_this();
  (void)co_await bring(next.level, next.taken.offset);
}

io::Task<Result<void>> Queue::load(Open& level, Offset offset) {
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

io::Task<bool> Queue::get(bool no_ack, std::function<void(const Delivery&, int64_t left)> take) {
  if (settings_.is_stream) co_return false;  // nothing is taken from it
  auto self = shared_from_this();
  last_used_ms = host_.loop.now();
  append_batches();
  apply_settled(host_.append_published());
  trim_to_limits();
  while (!erased_) {
    auto next = take_next(getter_);
    if (!next) {
      auto unknown = first_unknown();
      if (!unknown) co_return false;
      bool brought = co_await bring(unknown->level, unknown->taken.offset);
      if (!brought) co_return false;
      continue;
    }
    StoredRecord record;
    bool counted = is_counted(next->level, next->taken.offset);  // now: what somebody holds is not counted later
    MessageId id = id_of(next->level, next->taken.offset);
    auto found = co_await find(next->level, next->taken.offset, &record);
    if (erased_) co_return false;
    if (found == RecordWindow::Found::elsewhere) {
      put_back(*next);
      co_return false;
    }
    if (found == RecordWindow::Found::gone) {
      mark_settled(id);
      continue;
    }
    id.body_bytes = static_cast<uint32_t>(record.body().size());
    if (counted) ready_bytes_ -= id.body_bytes;
    if (has_expired(record, next->taken.attempt)) {
      die(id, record, Death::expired);
      continue;
    }
    ++counters_.got;
    if (no_ack) mark_settled(id);
    int64_t left = 0;
    for (auto& level : levels_)
      if (level->cursor) left += level->cursor->counts(level->end()).ready;
    Delivery out = delivery(*next, record);
    if (out.redelivered) ++counters_.redelivered;
    take(out, left);
    co_return true;
  }
  co_return false;
}

/// Not while dispatch() stands still: consumers come first.
void Queue::trim_to_limits() {
  if (loading_ || trimming_ || settings_.overflow != Overflow::drop_head || !over_limits()) return;
  drop_heads().detach();
}

/// Drops the oldest messages, of the lowest priority first, until the limits hold.
io::Task<> Queue::drop_heads() {
  auto self = shared_from_this();
  trimming_ = true;
  while (!erased_ && over_limits()) {
    if (must_wait_to_bury()) {
      if (host_.core.stopping) break;
      co_await host_.room_for_more();
      continue;
    }
    auto next = take_next(getter_, Order::lowest_first);
    if (!next) break;
    StoredRecord record;
    bool counted = is_counted(next->level, next->taken.offset);
    auto found = co_await find(next->level, next->taken.offset, &record);
    if (erased_) break;
    if (found == RecordWindow::Found::elsewhere) {
      put_back(*next);
      break;
    }
    MessageId id = id_of(next->level, next->taken.offset, record.body().size());
    if (found == RecordWindow::Found::here) {
      if (counted) ready_bytes_ -= id.body_bytes;
      die(id, record, Death::maxlen);
    } else {
      mark_settled(id);
    }
  }
  trimming_ = false;
}

void Queue::expire_heads() {
  if (!expiring_ && !erased_) expire_heads_now().detach();
}

/// The oldest message that is with nobody, looked ahead to or not.
std::optional<Offset> Queue::oldest_idle(uint8_t index) {
  auto head = levels_[index]->cursor->peek(levels_[index]->end());
  auto ahead = fair_ ? fair_->oldest(index) : groups_ ? groups_->oldest() : std::nullopt;
  return ahead && (!head || *ahead < *head) ? ahead : head;
}

/// Lets go of messages at the head that have expired, and comes back when the next one will have.
io::Task<> Queue::expire_heads_now() {
  auto self = shared_from_this();
  expiring_ = true;
  std::optional<int64_t> earliest;
  for (size_t i = 0; i < levels_.size(); ++i) {
    auto its_level = levels_[i];
    Open& level = *its_level;
    while (!erased_ && level.cursor && its_level == levels_[i]) {
      auto head = oldest_idle(static_cast<uint8_t>(i));
      // The same as last time, whose time is known: consumers take others, and this one need not be read again.
      bool is_known = head && *head == level.head_seen;
      if (is_known && (!level.head_expires || *level.head_expires > host_.loop.wall())) {
        if (level.head_expires) earliest = std::min(earliest.value_or(INT64_MAX), *level.head_expires);
        break;
      }
      if (!head) break;
      StoredRecord record;
      auto found = co_await find(static_cast<uint8_t>(i), *head, &record);
      if (erased_ || found != RecordWindow::Found::here) break;
      // Somebody may have taken it while it was read.
      if (oldest_idle(static_cast<uint8_t>(i)) != head) continue;
      auto at = expiry_of(record);
      level.head_seen = *head;
      level.head_expires = at;
      if (!at) break;
      if (*at > host_.loop.wall()) {
        earliest = std::min(earliest.value_or(*at), *at);
        break;
      }
      if (must_wait_to_bury()) {
        if (host_.core.stopping) break;
        co_await host_.room_for_more();
        continue;
      }
      if (!level.cursor->held(*head)) {
        if (level.keys && level.keys->learn(level.window, *level.cursor, level.end()) <= *head) break;
        HolderId holder = settings_.order_key ? host_.new_holder() : getter_;
        if (!level.cursor->take(*head + 1, holder)) continue;  // its key is busy: it is looked at when its turn comes
      }
      MessageId id = id_of(static_cast<uint8_t>(i), *head, record.body().size());
      if (is_counted(id.level, id.offset)) ready_bytes_ -= id.body_bytes;
      die(id, record, Death::expired);
    }
  }
  expiring_ = false;
  if (!erased_ && earliest) expiry_.arm(host_.loop.now() + std::max<int64_t>(*earliest - host_.loop.wall(), 0) + 1);
}

}  // namespace naru
