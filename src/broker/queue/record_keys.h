#pragma once
// The keys of a queue's messages that nobody has had yet, for a queue that keeps the order per key, or is fair to keys.
// They are asked for when a message's turn comes, where nothing can wait for the disk: so they are learnt some way
// ahead, from what is in memory, and nobody goes farther than they are known.
#include <deque>
#include <unordered_map>

#include "base/hash.h"
#include "broker/queue/record_window.h"
#include "log/ack_cursor.h"

namespace naru {

class RecordKeys final : public KeySource {
 public:
  /// The key is that of records, or the value of one of their headers. Messages below `from` are done.
  RecordKeys(std::string header, Offset from) : header_(std::move(header)), known_to_(from) {}

  /// Learns what `window` has of the messages below `end` that are not done. Returns up to where all is known.
  Offset learn(RecordWindow& window, const AckCursor& cursor, Offset end);
  Offset known_to() const { return known_to_; }
  /// Enough is known for now.
  bool is_full() const { return keys_.size() >= ahead_max; }

  uint64_t key_of(Offset offset) override;
  /// As it stands for a key.
  static uint64_t hash_of(ByteView key) { return std::max<uint64_t>(hash64(key), 1); }
  /// For a message without a key that shares its turn with no other.
  static uint64_t own_key(Offset offset) { return mix64(static_cast<uint64_t>(offset.value) ^ 0x5bd1e9955bd1e995); }

 private:
  static constexpr size_t ahead_max = 4096;
  struct Known {
    Offset offset;
    uint64_t key;
  };
  uint64_t key_in(const StoredRecord& record) const;

  std::string header_;
  Offset known_to_;
  std::deque<Known> keys_;                       // ascending, not asked for yet
  std::unordered_map<int64_t, uint64_t> later_;  // by offset: of those that somebody has, or that are for later
  size_t later_looked_at_ = ahead_max;           // with so many, those that are done are taken out
};

}  // namespace naru
