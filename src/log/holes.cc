#include "log/holes.h"

#include "log/segment_files.h"

namespace naru {
namespace {

class Search {
 public:
  Search(io::File& file, const SettledSegment& settled, const SegmentIndex& index)
      : file_(file), settled_(settled), index_(index) {}

  Result<std::optional<Hole>> hole_of(const SettledRun& run, uint64_t bytes_min) {
    // Most runs are too short, and the index knows that without reading.
    uint64_t segment_bytes = settled_.segment.bytes;
    if (index_.position_after(run.last, segment_bytes) - index_.position_for(run.first) < bytes_min)
      return std::nullopt;
    Edge start = TRY(first_inside(run));
    Edge stop = TRY(first_behind(run));
    if (start.at >= stop.at) return std::nullopt;
    Hole hole{start.base, std::min(stop.base, run.last), start.at, stop.at - start.at};
    uint64_t gain = hole.bytes;
    bool is_larger = false;
    for (const Hole& older : settled_.holes) {
      if (older.at < hole.at || older.end() > hole.end()) continue;
      gain -= older.bytes;
      is_larger = true;
    }
    if (hole.bytes < bytes_min || gain < (is_larger ? bytes_min / 4 : bytes_min)) return std::nullopt;
    return hole;
  }

 private:
  struct Edge {
    uint64_t at;
    Offset base;
  };

  /// Where the first batch or hole begins that has only records of the run or later ones.
  Result<Edge> first_inside(const SettledRun& run) {
    Edge found{settled_.segment.bytes, settled_.limit};
    auto look = [&](const BatchHeader& header, uint64_t at) {
      if (header.base_offset < run.first) return true;
      found = {at, header.base_offset};
      return false;
    };
    TRY_VOID(walk_headers(file_, index_.position_for(run.first), settled_.segment.bytes, look, settled_.holes));
    for (const Hole& older : settled_.holes)
      if (older.first >= run.first && older.at < found.at) return Edge{older.at, older.first};
    return found;
  }

  /// Where the first batch begins that has a record behind the run.
  Result<Edge> first_behind(const SettledRun& run) {
    Edge found{settled_.segment.bytes, settled_.limit};
    auto look = [&](const BatchHeader& header, uint64_t at) {
      if (header.next_offset() <= run.last) return true;
      found = {at, header.base_offset};
      return false;
    };
    TRY_VOID(walk_headers(file_, index_.position_for(run.last), settled_.segment.bytes, look, settled_.holes));
    return found;
  }

  io::File& file_;
  const SettledSegment& settled_;
  const SegmentIndex& index_;
};

}  // namespace

std::optional<SettledRun> next_settled(std::span<const AckCursor* const> cursors, Offset from, Offset limit) {
  if (cursors.empty()) return std::nullopt;
  // Each cursor moves the start up to what it has settled, until all agree.
  Offset first = from;
  for (bool moved = true; moved && first < limit;) {
    moved = false;
    for (const AckCursor* cursor : cursors) {
      Offset done = cursor->first_done(first);
      moved |= done > first;
      first = done;
    }
  }
  if (first >= limit) return std::nullopt;
  Offset last = limit;
  for (const AckCursor* cursor : cursors) last = std::min(last, cursor->first_open(first));
  return SettledRun{first, last};
}

Result<std::vector<Hole>> find_holes(io::File& file, const SettledSegment& settled, uint64_t bytes_min) {
  std::vector<Hole> out;
  if (settled.runs.empty()) return out;
  SegmentIndex index = TRY(load_index(file, settled.segment, settled.holes));
  Search search(file, settled, index);
  for (const SettledRun& run : settled.runs)
    if (auto hole = TRY(search.hole_of(run, bytes_min))) out.push_back(*hole);
  return out;
}

}  // namespace naru
