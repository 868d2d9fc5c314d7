// Reading a log: by offset, by time.
#include "log/log.h"
#include "log/record.h"
#include "log/record_batch.h"

namespace naru {
namespace {

// The end of a log that is being written is in the page cache, and most reads are there.
constexpr uint64_t just_written_bytes = 16 * MiB;
constexpr io::Millis just_written_ms = 10'000;
// What is looked at to find one batch: a step of the index, and the window in which headers are walked.
constexpr uint64_t lookup_bytes = 64 * KiB;

}  // namespace

bool Log::is_just_written(size_t segment, uint64_t at) const {
  return segment + 1 == state_.segments.size() && at + just_written_bytes >= state_.segments[segment].bytes &&
         appended_at_ > 0 && context_.loop.now() - appended_at_ < just_written_ms;
}

std::optional<io::FileRange> Log::missing(Offset from) {
  if (from < state_.begin || from >= high_watermark_) return std::nullopt;
  auto position = [from](const SegmentIndex& index) { return index.position_for(from); };
  return missing_in(segment_of(from), position);
}

std::optional<io::FileRange> Log::missing_for_time(WantedTime wanted) {
  int64_t timestamp = wanted.value_or(INT64_MIN);
  if (!wanted)
    for (const Segment& segment : state_.segments) timestamp = std::max(timestamp, segment.max_timestamp);
  auto position = [timestamp](const SegmentIndex& index) { return index.position_for_time(timestamp); };
  for (size_t i = 0; i < state_.segments.size(); ++i)
    if (state_.segments[i].max_timestamp >= timestamp && readable_bytes(i) > 0) return missing_in(i, position);
  return std::nullopt;
}

/// `position` says where the index sends a reader.
template <class Position>
std::optional<io::FileRange> Log::missing_in(size_t segment, Position position) {
  const Segment& s = state_.segments[segment];
  auto opened = context_.files.open(state_.stream, s);
  if (!opened) return std::nullopt;
  SegmentFiles::Entry& entry = **opened;
  uint64_t at = 0, end = readable_bytes(segment);
  if (entry.index) {
    at = position(*entry.index);
    if (is_just_written(segment, at)) return std::nullopt;
    end = std::min(end, at + lookup_bytes);
  } else if (auto size = entry.file->size(); s.sealed && size && *size > s.bytes) {
    at = s.bytes, end = *size;  // the stored index; without one the segment is walked
  }
  if (at >= end || entry.file->is_cached(at, end - at)) return std::nullopt;
  return io::FileRange{entry.file, at, end - at};
}

size_t Log::segment_of(Offset offset) const {
  auto next = std::ranges::upper_bound(state_.segments, offset, {}, &Segment::base);
  return next == state_.segments.begin() ? 0 : static_cast<size_t>(next - state_.segments.begin()) - 1;
}

uint64_t Log::readable_bytes(size_t segment) const {
  const Segment& s = state_.segments[segment];
  if (s.base < readable_segment_) return s.bytes;
  return s.base == readable_segment_ ? readable_bytes_ : 0;
}

/// The first batch at or behind an index entry whose last offset is not below `offset`; header.magic 0 when the
/// readable part of the segment has none (a compacted segment may end in a gap, any other in a hole).
Result<Log::Position> Log::find_batch(size_t segment, Offset offset) {
  const Segment& s = state_.segments[segment];
  if (auto next = next_batch(segment, offset)) return *next;
  auto* index = TRY(index_of(segment));
  auto* entry = TRY(context_.files.open(state_.stream, s));
  Position found;
  found.header.magic = 0;
  found.at = readable_bytes(segment);
  auto look = [&](const BatchHeader& header, uint64_t at) {
    if (header.last_offset() < offset) return true;
    found = {at, header};
    return false;
  };
  uint64_t from = index->position_for(offset);
  TRY_VOID(walk_headers(*entry->file, from, found.at, look, state_.holes_of(segment)));
  return found;
}

/// The batch that holds `offset`, if a read ended right before it: most readers go on where they were.
std::optional<Log::Position> Log::next_batch(size_t segment, Offset offset) {
  const Segment& s = state_.segments[segment];
  auto in_hole = [holes = state_.holes_of(segment)](uint64_t at) {  // where what stands may look like a batch
    auto next = std::ranges::upper_bound(holes, at, {}, &Hole::at);
    return next != holes.begin() && std::prev(next)->end() > at;
  };
  for (const ReadEnd& last : read_ends_) {
    if (last.segment != s.base || last.version != s.version || last.at + batch_header_bytes > readable_bytes(segment) ||
        in_hole(last.at))
      continue;
    auto entry = context_.files.open(state_.stream, s);
    uint8_t bytes[batch_header_bytes];
    if (!entry || !(*entry)->file->read(last.at, bytes)) continue;
    auto header = peek_header(bytes);
    if (header && header->base_offset <= offset && offset <= header->last_offset()) return Position{last.at, *header};
  }
  return std::nullopt;
}

void Log::note_read_end(size_t segment, uint64_t at) {
  const Segment& s = state_.segments[segment];
  // That of the same reader is the one that ended last, mostly; two are enough for one who reads ahead of another.
  read_ends_[1] = std::exchange(read_ends_[0], {s.base, s.version, at});
}

Result<SegmentIndex*> Log::index_of(size_t segment) {
  return context_.files.index(state_.stream, state_.segments[segment], readable_bytes(segment),
                              state_.holes_of(segment));
}

/// How far batches follow on one another from the one at `at`.
uint64_t Log::end_of_run(size_t segment, uint64_t at) const {
  for (const Hole& hole : state_.holes_of(segment))
    if (hole.at > at) return std::min(hole.at, readable_bytes(segment));
  return readable_bytes(segment);
}

Result<Slice> Log::read(Offset from, uint64_t bytes_max) {
  if (from < state_.begin || from > high_watermark_)
    return fail(Code::out_of_range, "offset outside of the log", from.value);
  if (from == high_watermark_) return Slice{from, {}};
  for (size_t i = segment_of(from); i < state_.segments.size(); ++i) {
    const Segment& s = state_.segments[i];
    Position start = TRY(find_batch(i, from));
    if (start.header.magic == 0) continue;  // only a gap is left here: the next segment has what follows
    uint64_t limit = end_of_run(i, start.at);
    uint64_t end = std::min(start.at + std::max<uint64_t>(bytes_max, start.header.size_bytes()), limit);
    auto* index = TRY(index_of(i));
    auto* entry = TRY(context_.files.open(state_.stream, s));
    // Better to end where a batch does: what is cut would be sent again. The index knows such a place, unless the limit
    // is smaller than its steps.
    if (uint64_t first_end = start.at + start.header.size_bytes(); end < limit) {
      end = index->floor_position(end) > first_end ? index->floor_position(end)
                                                   : TRY(end_of_batches(*entry->file, first_end, end, limit));
    }
    note_read_end(i, end);
    return Slice{start.header.base_offset, {entry->file, start.at, end - start.at, is_just_written(i, start.at)}};
  }
  return Slice{from, {}};
}

/// Where the last batch ends that lies in [from, limit] as a whole; the file has batches up to `end`.
Result<uint64_t> Log::end_of_batches(io::File& file, uint64_t from, uint64_t limit, uint64_t end) {
  if (limit < from + batch_header_bytes) return from;
  uint64_t found = from;
  auto look = [&](const BatchHeader& header, uint64_t at) {
    if (at + header.size_bytes() > limit) return false;
    found = at + header.size_bytes();
    return true;
  };
  TRY_VOID(walk_headers(file, from, end, look));
  return found;
}

Result<MaybeRecord> Log::find_time(WantedTime wanted) {
  TimeSearch search(wanted);
  while (true) {
    auto found = find_time(search);
    if (found || found.error().code != Code::busy) return found;
    search.look();
  }
}

Result<MaybeRecord> Log::find_time(TimeSearch& search) {
  return search.wanted ? first_by_time(search) : newest(search);
}

Result<MaybeRecord> Log::first_by_time(TimeSearch& search) {
  for (size_t i = 0; i < state_.segments.size(); ++i)
    if (auto found = TRY(first_by_time_in(i, *search.wanted, search))) return found;
  return std::nullopt;
}

Result<MaybeRecord> Log::first_by_time_in(size_t segment, int64_t timestamp, TimeSearch& search) {
  const Segment& s = state_.segments[segment];
  if (s.max_timestamp < timestamp || readable_bytes(segment) == 0) return std::nullopt;
  return search.in(TRY(part_of(segment, timestamp)), state_.begin, timestamp);
}

/// Where a segment may have readable records that are not older than `timestamp`.
Result<SegmentPart> Log::part_of(size_t segment, int64_t timestamp) {
  const Segment& s = state_.segments[segment];
  auto* index = TRY(index_of(segment));
  auto* entry = TRY(context_.files.open(state_.stream, s));
  uint64_t from = std::max(index->position_for(std::max(state_.begin, s.base)), index->position_for_time(timestamp));
  return SegmentPart{entry->file, s.base, s.version, from, readable_bytes(segment), state_.holes_of(segment)};
}

/// What the segment's facts name as its greatest time may be trimmed, compacted away or not yet readable: then all
/// headers have to be seen.
Result<MaybeRecord> Log::newest_in(size_t segment, TimeSearch& search) {
  int64_t greatest = search.greatest_time(state_.segments[segment]);
  if (auto found = TRY(first_by_time_in(segment, greatest, search))) return found;
  return search.in(TRY(part_of(segment, INT64_MIN)), state_.begin, std::nullopt);
}

Result<MaybeRecord> Log::newest(TimeSearch& search) {
  std::vector<size_t> order;  // by the time that a segment may have: most often the first look is the last
  for (size_t i = 0; i < state_.segments.size(); ++i)
    if (readable_bytes(i) > 0) order.push_back(i);
  std::ranges::sort(order, std::greater(), [&](size_t i) { return state_.segments[i].max_timestamp; });
  MaybeRecord best;
  for (size_t i : order) {
    if (best && state_.segments[i].max_timestamp < best->timestamp) break;
    auto found = TRY(newest_in(i, search));
    bool is_better = found && (!best || found->timestamp > best->timestamp ||
                               (found->timestamp == best->timestamp && found->offset < best->offset));
    if (is_better) best = found;
  }
  return best;
}

}  // namespace naru
