#pragma once
// What is durably known of one log: the part of a Log that checkpoints hold and recovery rebuilds.
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "log/offset.h"
#include "log/producer_window.h"

namespace naru {

class Packer;
class Unpacker;

/// One file of a log, known without opening it.
struct Segment {
  Offset base;                   // of the first record that was ever in it
  uint64_t bytes = 0;            // of whole batches; a sealed file has its index behind them
  int64_t max_timestamp = -1;    // ms, of any record in it
  int64_t first_timestamp = -1;  // ms, of its first batch: by when it has to be rolled
  uint32_t version = 0;          // how often compaction has rewritten it: part of the file's name
  bool sealed = false;           // takes no more batches
};

/// Records [first, last) are settled and their bytes, [at, at + bytes) of the segment that held them, given back to the
/// disk: whole batches of a sealed segment. What a file has there means nothing.
struct Hole {
  Offset first, last;
  uint64_t at = 0, bytes = 0;
  uint64_t end() const { return at + bytes; }
  bool operator==(const Hole&) const = default;
};

/// From `start` on, batches were appended under `epoch`.
struct EpochStart {
  int32_t epoch;
  Offset start;
};

struct LogState {
  StreamId stream;
  Offset begin;                   // the first offset that can be read
  Offset end;                     // the next offset to be given
  std::vector<Segment> segments;  // ascending; only the last one may take more
  std::vector<Hole> holes;        // ascending; each within one segment
  std::vector<EpochStart> epochs;
  ProducerWindow producers;

  /// Bytes of batches on disk.
  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const Segment& segment : segments) sum += segment.bytes;
    for (const Hole& hole : holes) sum -= hole.bytes;
    return sum;
  }
  /// Where the records of a segment end: the first offset that is not its.
  Offset limit_of(size_t segment) const { return segment + 1 < segments.size() ? segments[segment + 1].base : end; }
  std::span<const Hole> holes_of(size_t segment) const;
  /// Takes a batch into account that stands (or will stand) at the end of the last segment.
  void note_batch(const BatchHeader& header, uint32_t size_bytes);
  void note_roll(Offset base);
  /// Moves `begin` up and returns the segments that no longer hold anything readable; the active one stays.
  std::vector<Segment> note_begin(Offset offset);
  /// All is given up: begin = end. Returns all segments.
  std::vector<Segment> note_drained();
  /// Takes the place of the holes within it. False, and nothing happens, if it does not fit a sealed segment.
  bool note_hole(const Hole& hole);

  /// Without the holes, which are a part of their own in checkpoints.
  void save(Bytes& to) const;
  static Result<LogState> load(Unpacker& from);
  void save_holes(Bytes& to) const;
  Result<void> load_holes(Unpacker& from);
};

/// Names one segment file: the stream, the base offset and the version.
struct SegmentId {
  StreamId stream;
  Offset base;
  uint32_t version = 0;
  auto operator<=>(const SegmentId&) const = default;
};
/// "segments/0000000000000007-00000000000000000000-000"
std::string segment_path(const SegmentId& id);
/// What a file in the segments folder is called after, or nothing if it is no segment.
std::optional<SegmentId> parse_segment_name(std::string_view name);

}  // namespace naru
