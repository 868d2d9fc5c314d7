#pragma once
// Numbers here are on disk, forever: add, never change. FORMAT.md has the pictures.
#include <cstdint>

#include "base/bytes.h"

namespace naru {

/// Of the whole data folder, in MANIFEST. A broker refuses a folder with a higher one.
inline constexpr uint32_t format_version = 1;

/// What a journal entry is about.
enum class EntryKind : uint8_t {
  padding = 0,        // nothing more up to the next aligned position
  group = 1,          // first entry of each write: its number, so that damage is told from a torn tail
  batch = 2,          // stream, segment base offset, position in the segment, record batch
  roll = 3,           // stream, base offset: a new segment begins there
  begin = 4,          // stream, offset: the log's first offset moved up
  drop = 5,           // stream: the log is gone
  dirty = 6,          // stream: batches of level `os` follow that only the segment has
  rows = 7,           // shard, then row changes of the shard's table that happen together
  settle = 8,         // cursor, stream, kind, first, last: a change of an ack cursor
  forget_cursor = 9,  // cursor: it is gone
  replace = 10,       // stream, first segment, last segment, the compacted segments that stand for them
  hole = 11,          // stream, first, last, position, bytes: settled records whose bytes are given back
  drained = 12,       // stream, end: all is settled, begin = end and there is no segment
  seal = 13,          // stream, end: the last segment takes no more batches
  producers = 14,     // stream, end, the producers' window then: segments that no journal has are going
  taken = 15,         // cursor, stream, first, last, attempts, when first, until when: see TakenNote
};

/// crc u32 | payload length u32 | kind u8 | zero u8 x3. The checksum covers the rest of the header, the payload, and
/// first (unwritten) generation u64, core u32, file number u32 and position in the file u64: an entry of an earlier use
/// of the same recycled file does not verify.
inline constexpr size_t entry_header_bytes = 12;
/// Each write to a journal begins and ends at a multiple of this, so that it can go past the page cache and a torn
/// write never reaches bytes that an earlier one made durable.
inline constexpr size_t journal_align = 4096;

inline constexpr uint32_t shard_count = 64;

inline constexpr const char* segment_folder = "segments";

}  // namespace naru
