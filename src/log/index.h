#pragma once
// The sparse index of one segment: where to start looking for an offset or a time. It is a hint about bytes that speak
// for themselves: lost or damaged, it is built again from the batch headers.
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "log/record_batch.h"

namespace naru {

/// Bytes of batches between two entries. 16 bytes an entry: 4 MiB of index for a segment of 1 GiB.
inline constexpr uint32_t index_step_bytes = 4 * KiB;

class SegmentIndex {
 public:
  /// For a segment whose first offset is `base`.
  explicit SegmentIndex(Offset base, uint32_t step_bytes = index_step_bytes) : base_(base), step_bytes_(step_bytes) {}

  /// The segment may grow by this batch: relative offsets and positions are 32 bits wide. Else begin a new segment.
  static bool fits(Offset base, const BatchHeader& header, uint64_t position) {
    return header.base_offset - base <= UINT32_MAX && position + header.size_bytes() <= UINT32_MAX;
  }

  /// Tells of the batch at `position`; every batch of the segment, in order. Adds an entry if the last one is
  /// step_bytes away.
  void note(const BatchHeader& header, uint64_t position);

  /// Where to start scanning for `offset`: a batch boundary at or before the batch that holds it.
  uint64_t position_for(Offset offset) const;
  /// Where to start scanning for the first record with a timestamp >= `ms`. Timestamps are not monotone: all before
  /// this place are smaller, not all behind it greater. Whether there is one at all: max_timestamp().
  uint64_t position_for_time(int64_t ms) const;
  /// A batch boundary at or behind the end of the batch that holds the record before `offset`, if one is known, else
  /// `end`.
  uint64_t position_after(Offset offset, uint64_t end) const;
  /// The last batch boundary known at or before `position`.
  uint64_t floor_position(uint64_t position) const;

  /// The greatest timestamp in the segment; no_timestamp if there is none.
  int64_t max_timestamp() const { return max_timestamp_; }
  /// The base offset of the first batch that has it; `base` if there is none.
  Offset max_timestamp_batch() const { return max_timestamp_batch_; }
  size_t entries() const { return entries_.size(); }
  size_t bytes() const { return entries_.capacity() * sizeof(Entry); }

  /// Appends the footer of a sealed segment whose batches take `segment_bytes`: magic u32 "nidx", version u8 = 1, zero
  /// u8 x3, step u32, count u32, segment bytes u64, base offset i64, max timestamp i64, offset of its batch i64, then
  /// per entry: offset - base u32, position u32, greatest timestamp before it i64; then CRC-32C of all that u32.
  /// Little-endian.
  void save(Bytes& to, uint64_t segment_bytes) const;
  /// Reads such a footer. Code::corrupt if it is damaged or belongs to another segment, Code::unsupported if a later
  /// version wrote it; in both cases build the index anew.
  static Result<SegmentIndex> load(ByteView footer, Offset base, uint64_t segment_bytes);
  /// The index of a run of whole batches in memory, as note would have made it. Code::corrupt (detail = the position)
  /// where no batch begins.
  static Result<SegmentIndex> rebuild(Offset base, ByteView batches, uint32_t step_bytes = index_step_bytes);

 private:
  struct Entry {
    uint32_t offset;  // relative to base_
    uint32_t position;
    int64_t max_before;  // the greatest timestamp of all batches before this one
  };
  static_assert(sizeof(Entry) == 16);

  Offset base_;
  uint32_t step_bytes_;
  std::vector<Entry> entries_;  // ascending in all three; the segment's first batch needs none
  int64_t max_timestamp_ = no_timestamp;
  Offset max_timestamp_batch_ = base_;
};

}  // namespace naru
