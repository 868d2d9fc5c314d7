// How messages find their consumers.
#include "broker/queue/log_readers.h"
#include "broker/queue/queue_host.h"
#include "broker/queue/queue_leases.h"

namespace naru {
namespace {

constexpr int handed_out_max = 1000;         // in one turn, then others have theirs
constexpr size_t looked_ahead_max = 20'000;  // messages, in search of keys whose turn it is

}  // namespace

size_t Queue::consumer_count() const { return takers_.size() + (readers_ ? readers_->size() : 0); }

Result<void> Queue::add(QueueConsumer& consumer) {
  if (consumer.start) {
    append_batches();
    if (!readers_) readers_ = std::make_unique<LogReaders>(host_, *this);
    readers_->add(*opened(0).log, consumer);
  } else {
    consumer.holder_ = host_.new_holder();
    if (auto added = takers_.add(consumer); !added) return added;
  }
  consumer.added_ = true;
  last_used_ms = host_.loop.now();
  changed();
  return {};
}

void Queue::remove(QueueConsumer& consumer) {
  if (!std::exchange(consumer.added_, false) || erased_) return;
  if (consumer.start) {
    readers_->remove(consumer);
  } else {
    takers_.remove(consumer);
  }
  last_used_ms = host_.loop.now();
  changed();
}

void Queue::wake(QueueConsumer& consumer) {
  if (!consumer.start) takers_.wake(consumer);
  changed();
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

/// Messages that were looked ahead to: the cursor knows them as held, and they are with nobody.
int64_t Queue::waiting_ahead() const {
  return static_cast<int64_t>(fair_ ? fair_->waiting() : groups_ ? groups_->waiting() : 0);
}

void Queue::look_ahead() {
  constexpr int at_once_max = 4096;
  if (fair_->waiting() > looked_ahead_max / 2) return;
  for (int n = 0; n < at_once_max && fair_->waiting() < looked_ahead_max; ++n) {
    auto next = take_oldest(getter_);
    if (!next) break;
    QueueLevel& level = *levels_[next->level];
    level.cursor->uncount(next->taken.offset);
    uint64_t key = level.keys->key_of(next->taken.offset);
    if (key == 0 && !settings_->fair_key) key = RecordKeys::own_key(next->taken.offset);
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
    if (settings_->topic) i = (first_level_ + n) % levels_.size();
    QueueLevel& level = *levels_[i];
    if (!level.cursor) continue;
    Offset end = level.end();
    if (level.keys) {
      end = level.keys->learn(level.window, *level.cursor, end);
      if (settings_->order_key)
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
    QueueLevel& level = *levels_[i];
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
    QueueConsumer* consumer = takers_.next();
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
  if (takers_.size() == 0 || settings_->retains() || settings_->order_key || fair_ || loading_) return false;
  if (settings_->grouped || message.delayed_to) return false;
  QueueConsumer* consumer = takers_.next();
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
  takers_.served(*consumer);
  consumer->take(*this, {.id = {.body_bytes = static_cast<uint32_t>(message.body.size())}, .record = record});
  return true;
}

void Queue::hand_out(QueueConsumer& consumer, const Next& next, const StoredRecord& record) {
  Delivery out = delivery(next, record);
  if (is_counted(next.level, next.taken.offset)) ready_bytes_ -= out.id.body_bytes;
  if (has_expired(record, out.attempt == 1)) return burials_.bury(out.id, record, Death::expired);
  ++counters_.delivered;
  takers_.served(consumer);
  if (out.redelivered) ++counters_.redelivered;
  if (consumer.no_ack) mark_settled(out.id);
  consumer.take(*this, out);
}

io::Task<bool> Queue::get(bool no_ack, Taker take) {
  if (settings_->is_stream || settings_->to_topic) co_return false;  // nobody takes anything from it
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
    if (has_ttl_) expire_heads();  // those behind it are not left
    StoredRecord record;
    bool counted = is_counted(next->level, next->taken.offset);  // now: what somebody holds is not counted later
    uint64_t purges = purges_;
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
    if (counted && purges == purges_) ready_bytes_ -= id.body_bytes;
    if (has_expired(record, false)) {
      burials_.bury(id, record, Death::expired);
      continue;
    }
    int64_t left = 0;
    for (auto& level : levels_)
      if (level->cursor) left += level->cursor->counts(level->end()).ready;
    Delivery out = delivery(*next, record);
    if (!take(out, left)) {
      requeue(id, Return::looked_at);
      co_return true;
    }
    ++counters_.got;
    if (out.redelivered) ++counters_.redelivered;
    if (no_ack) mark_settled(id);
    co_return true;
  }
  co_return false;
}

}  // namespace naru
