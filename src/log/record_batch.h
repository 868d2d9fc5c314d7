#pragma once
// A record batch, format v2: what a log consists of, on Kafka's wire, in memory and on disk.
//
//   0  base offset i64 | 8 batch length i32 (bytes after this field) | 12 leader epoch i32 | 16 magic i8 = 2
//   17 crc u32: CRC-32C of everything from byte 21 on
//   21 attributes i16 | 23 last offset delta i32 | 27 base timestamp i64 | 35 max timestamp i64
//   43 producer id i64 | 51 producer epoch i16 | 53 base sequence i32 | 57 count i32
//   61 records, compressed as one piece if attributes say so; big-endian throughout
//
// Base offset and leader epoch lie outside of the checksum, so assigning an offset is two stores in place.
// Refusals: Code::corrupt (damaged: Kafka's CORRUPT_MESSAGE 2), Code::invalid (well transmitted nonsense:
// INVALID_RECORD 87), Code::unsupported (magic 0 or 1: 43), Code::out_of_range (cut short; detail = bytes needed).
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "log/compression.h"
#include "log/offset.h"

namespace naru {

inline constexpr size_t batch_header_bytes = 61;
/// Base offset and the length itself, which the length does not count.
inline constexpr size_t batch_prefix_bytes = 12;
inline constexpr int64_t no_producer = -1;
inline constexpr int64_t no_timestamp = -1;

/// Bits of BatchHeader::attributes, beside the codec in bits 0-2.
struct Attribute {
  static constexpr int16_t codec_mask = 0x07, log_append_time = 0x08, transactional = 0x10, control = 0x20,
                           delete_horizon = 0x40, known = 0x7f;
};

struct BatchHeader {
  Offset base_offset{};
  int32_t batch_length = 0;
  int32_t leader_epoch = -1;
  int8_t magic = 2;
  uint32_t crc = 0;
  int16_t attributes = 0;
  int32_t last_offset_delta = 0;
  int64_t base_timestamp =
      0;                      // ms since 1970; what record deltas count from, and the delete horizon where bit 6 is set
  int64_t max_timestamp = 0;  // ms; the time of every record where log_append_time()
  int64_t producer_id = no_producer;
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
  int32_t count = 0;  // records present; 0 in a batch that compaction emptied

  Codec codec() const { return static_cast<Codec>(attributes & Attribute::codec_mask); }
  bool log_append_time() const { return attributes & Attribute::log_append_time; }
  bool is_transactional() const { return attributes & Attribute::transactional; }
  bool is_control() const { return attributes & Attribute::control; }
  bool has_delete_horizon() const { return attributes & Attribute::delete_horizon; }
  bool has_producer() const { return producer_id > no_producer; }
  Offset last_offset() const { return base_offset + last_offset_delta; }
  /// The offset after this batch: where the next one begins, unless compaction took that one away.
  Offset next_offset() const { return last_offset() + 1; }
  /// The sequence number of the last record; numbers go from 2147483647 on to 0.
  int32_t last_sequence() const {
    return static_cast<int32_t>((static_cast<uint32_t>(base_sequence) + static_cast<uint32_t>(last_offset_delta)) &
                                0x7fffffff);
  }
  size_t size_bytes() const { return static_cast<size_t>(batch_length) + batch_prefix_bytes; }
};

/// Reads the header at the front of `bytes`, which may hold more or less than the whole batch. Checks the magic, that
/// the length can be one, and that offsets do not overflow; not the checksum. Cheap: for walking a segment.
Result<BatchHeader> peek_header(ByteView bytes);

/// How deep to look.
enum class Walk : uint8_t {
  header,   // the header and the checksum
  records,  // and, if the batch is not compressed, every record
};

/// What only the records tell.
struct RecordFacts {
  bool has_null_key = false;             // refused on a compacted topic
  int64_t max_timestamp = no_timestamp;  // of the records; a header may lie about it: set_max_timestamp
  int64_t min_timestamp = no_timestamp;  // of the records that have one
  int64_t value_bytes = 0;               // of all records
};

/// Checks one whole batch from a producer: `batch` holds it exactly, the checksum fits, offsets are dense, no attribute
/// is one that only a broker sets (control, delete horizon), a producer id comes with a sequence. Leaves to the caller
/// what depends on a topic: log_append_time() set by a producer, sizes, null keys. `facts` are filled where
/// Walk::records looked into the records, which it does not for a compressed batch (record.h: check_records).
Result<BatchHeader> validate(ByteView batch, Walk walk, RecordFacts* facts = nullptr);

/// Checks one whole batch that the broker stored: as validate, but compaction may have left holes or no records at all,
/// and markers are fine.
Result<BatchHeader> validate_stored(ByteView batch, Walk walk);

/// Who wrote the records: a producer's offsets are dense, stored ones only ascend.
enum class Origin : uint8_t { producer, stored };

/// Walks `records`, the uncompressed body of the batch with this header: lengths, bounds, order of offsets, exactly
/// `count` records and nothing behind them.
Result<RecordFacts> walk_records(const BatchHeader& header, ByteView records, Origin origin);

// Stores in place. `batch` holds at least the header; where the checksum changes, the whole batch exactly.
void set_base_offset(std::span<uint8_t> batch, Offset base);
void set_leader_epoch(std::span<uint8_t> batch, int32_t epoch);
/// The broker's clock instead of the producer's: sets the attribute and the max timestamp, and the checksum anew.
void set_log_append_time(std::span<uint8_t> batch, int64_t now_ms);
/// Takes away the attribute that only a broker may set, and computes the checksum anew.
void clear_log_append_time(std::span<uint8_t> batch);
/// Corrects a producer's max timestamp, and the checksum with it.
void set_max_timestamp(std::span<uint8_t> batch, int64_t ms);

/// Writes `header` to the first 61 bytes of `batch`, then length and checksum from what `batch` holds.
void seal_batch(std::span<uint8_t> batch, const BatchHeader& header);

}  // namespace naru
