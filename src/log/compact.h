#pragma once
// Log compaction: of each key the last record stays, at its offset. Pure: batches in, batches out; the caller reads and
// writes segments.
//
//   KeyMap map(budget, records_to_clean, secret);
//   Offset end = first batch for which note_keys says "full", or where the clean part of the log is to end;
//   for each batch below end: clean_batch(batch, map, ...) says whether it stays, goes, or what takes its place.
//
// The first pass may leave out what an earlier round has cleaned; the second starts at the log's begin and never passes
// `end`: a tombstone whose older records nobody removed must not start to age, or they would come back to life.
//
// Batches keep their first and last offset, producer and sequence, so that readers step over holes and a producer that
// sends again is still known. A tombstone (null value) removes its key: it stays until delete_retention_ms after it was
// first cleaned, so that readers who are behind see it; that time, the delete horizon, is kept in the batch.
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "log/record.h"

namespace naru {

/// A key of 128 random bits. Without it nobody can make up keys that collide and so take each other away.
struct HashSecret {
  uint64_t low = 0, high = 0;
};
struct KeyHash {
  uint64_t low = 0, high = 0;
  bool operator==(const KeyHash&) const = default;
};
/// SipHash-2-4 with 128 bits of result (Aumasson, Bernstein 2012).
KeyHash hash_key(ByteView key, const HashSecret& secret);

/// The last offset of each key in the part of a log to be cleaned, in bounded memory: 24 bytes a slot, at most 7 of 8
/// slots in use. Keys are told apart by their hash.
class KeyMap {
 public:
  /// For `keys_max` keys (the number of records will do), or as many as `bytes_max` has room for.
  KeyMap(size_t bytes_max, size_t keys_max, const HashSecret& secret);

  /// `offset` has a record of `key`. False if that needs a slot and none is left; the map is as before then.
  bool note(ByteView key, Offset offset);
  /// The greatest offset noted.
  std::optional<Offset> last(ByteView key) const;
  size_t size() const { return size_; }
  size_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    KeyHash hash;
    int64_t next = 0;  // the offset after the last one; 0 in an empty slot
  };
  static_assert(sizeof(Slot) == 24);
  size_t find(const KeyHash& hash) const;

  HashSecret secret_;
  std::vector<Slot> slots_;
  size_t size_ = 0;
};

enum class Noted : uint8_t { all, full };

/// First pass, oldest batch first: notes the keys of one stored batch. Control batches have none; batches of aborted
/// transactions are left out by the caller. Noted::full: some of this batch did not fit, so this round ends before it
/// (what was noted of it does no harm: those records exist). If even the first batch does not fit, the map is too
/// small.
Result<Noted> note_keys(KeyMap& map, ByteView batch);

struct CleanRules {
  int64_t now_ms = 0;
  int64_t delete_retention_ms = 24 * 60 * 60 * 1000;  // Kafka's delete.retention.ms
};
enum class Fate : uint8_t { kept, rewritten, dropped };
/// What becomes of a batch that no record is left of: the last batch of a producer, or of the log, stays as a header.
enum class WhenEmpty : uint8_t { drop, keep_header };

struct Cleaned {
  Fate fate = Fate::kept;
  Bytes batch;  // where rewritten
  int32_t records_gone = 0;
};

/// Second pass: what takes the place of one stored batch. Records that a later one of their key outdates go, as do
/// tombstones past their horizon and records without a key. A compressed batch stays in its codec. Control batches are
/// kept: they end transactions for readers who come later.
Result<Cleaned> clean_batch(ByteView batch, const KeyMap& map, const CleanRules& rules, WhenEmpty when_empty);

}  // namespace naru
