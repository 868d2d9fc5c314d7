// How messages leave when their time is over.
#include "broker/queue/group_order.h"
#include "broker/queue/queue_host.h"

namespace naru {

/// When the message expires. What came from Kafka was not told when it was stored.
std::optional<int64_t> Queue::expiry_of(const StoredRecord& record) const {
  std::optional<int64_t> at = record.expires_ms;
  if (!at && record.was_produced && settings_->message_ttl_ms) at = record.timestamp + *settings_->message_ttl_ms;
  if (settings_->lifetime_ms) at = std::min(at.value_or(INT64_MAX), record.timestamp + *settings_->lifetime_ms);
  return at;
}

/// To live for no time at all means: for whoever waits already, once (`is_waited_for`).
bool Queue::has_expired(const StoredRecord& record, bool is_waited_for) const {
  if (!has_ttl_) return false;
  auto expires_ms = expiry_of(record);
  if (!expires_ms || (is_waited_for && *expires_ms == record.timestamp)) return false;
  return *expires_ms <= host_.loop.wall();
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
    QueueLevel& level = *its_level;
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
      if (burials_.must_wait()) {
        if (host_.core.stopping) break;
        co_await host_.room_for_more();
        continue;
      }
      if (!level.cursor->held(*head)) {
        if (level.keys && level.keys->learn(level.window, *level.cursor, level.end()) <= *head) break;
        HolderId holder = settings_->order_key ? host_.new_holder() : getter_;
        if (!level.cursor->take(*head + 1, holder)) continue;  // its key is busy: it is looked at when its turn comes
      }
      MessageId id = id_of(static_cast<uint8_t>(i), *head, record.body().size());
      if (is_counted(id.level, id.offset)) ready_bytes_ -= id.body_bytes;
      burials_.bury(id, record, Death::expired);
    }
  }
  expiring_ = false;
  if (!erased_ && earliest) expiry_.arm(host_.loop.now() + std::max<int64_t>(*earliest - host_.loop.wall(), 0) + 1);
}

}  // namespace naru
