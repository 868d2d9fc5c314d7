#include "broker/queue/record_keys.h"

namespace naru {

Offset RecordKeys::learn(RecordWindow& window, const AckCursor& cursor, Offset end) {
  // What was done without having been taken is never asked for.
  while (!keys_.empty() && cursor.is_done(keys_.front().offset)) keys_.pop_front();
  if (is_full()) std::erase_if(keys_, [&](const Known& known) { return cursor.is_done(known.offset); });
  while (known_to_ < end && !is_full()) {
    Offset next = std::min(cursor.first_open(known_to_), end);
    known_to_ = next;
    if (next == end) break;
    StoredRecord record;
    auto found = window.find(next, &record);
    if (found == RecordWindow::Found::elsewhere) break;
    uint64_t key = found == RecordWindow::Found::here ? key_in(record) : 0;
    if (cursor.is_kept(next)) {
      later_.insert_or_assign(next.value, key);
    } else {
      keys_.push_back({next, key});
    }
    known_to_ = next + 1;
  }
  if (later_.size() >= later_looked_at_) {
    std::erase_if(later_, [&](const auto& one) { return cursor.is_done(Offset(one.first)); });
    later_looked_at_ = std::max(ahead_max, 2 * later_.size());
  }
  return known_to_;
}

/// 0 where there is none: such a message waits for no other.
uint64_t RecordKeys::key_in(const StoredRecord& record) const {
  auto key = header_.empty() ? record.key : record.headers.find(header_);
  return key ? hash_of(*key) : 0;
}

uint64_t RecordKeys::key_of(Offset offset) {
  auto found = std::ranges::lower_bound(keys_, offset, {}, &Known::offset);  // mostly the first
  if (found == keys_.end() || found->offset != offset) {
    auto later = later_.extract(offset.value);
    return later ? later.mapped() : 0;
  }
  uint64_t key = found->key;
  keys_.erase(found);
  return key;
}

}  // namespace naru
