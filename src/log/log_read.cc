// Reading a log: by offset, by time.
#include "log/log.h"
#include "log/record.h"
#include "log/record_batch.h"

namespace naru {

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
/// readable part of the segment has none (a compacted segment may end in a gap).
Result<Log::Position> Log::find_batch(size_t segment, Offset offset) {
  const Segment& s = state_.segments[segment];
  auto* index = TRY(context_.files.index(state_.stream, s));
  auto* entry = TRY(context_.files.open(state_.stream, s));
  Position found;
  found.header.magic = 0;
  found.at = readable_bytes(segment);
  TRY_VOID(walk_headers(*entry->file, index->position_for(offset), found.at, [&](const BatchHeader& header, uint64_t at) {
    if (header.last_offset() < offset) return true;
    found = {at, header};
    return false;
  }));
  return found;
}

Result<Slice> Log::read(Offset from, uint64_t bytes_max) {
  if (from < state_.begin || from > high_watermark_) return fail(Code::out_of_range, "offset outside of the log", from.value);
  if (from == high_watermark_) return Slice{from, {}};
  for (size_t i = segment_of(from); i < state_.segments.size(); ++i) {
    const Segment& s = state_.segments[i];
    Position start = TRY(find_batch(i, from));
    if (start.header.magic == 0) continue;  // only a gap is left here: the next segment has what follows
    uint64_t limit = readable_bytes(i);
    uint64_t end = std::min(start.at + std::max<uint64_t>(bytes_max, start.header.size_bytes()), limit);
    auto* index = TRY(context_.files.index(state_.stream, s));
    // Better to end where a batch does: what is cut would be sent again.
    if (end < limit) end = std::max(index->floor_position(end), start.at + start.header.size_bytes());
    auto* entry = TRY(context_.files.open(state_.stream, s));
    return Slice{start.header.base_offset, {entry->file, start.at, end - start.at}};
  }
  return Slice{from, {}};
}

uint64_t Log::bytes_after(Offset from) {
  uint64_t sum = 0;
  if (state_.segments.empty() || from >= high_watermark_) return 0;
  for (size_t i = segment_of(from); i < state_.segments.size(); ++i) sum += readable_bytes(i);
  return sum;
}

Result<std::optional<Log::Found>> Log::find_in_batch(io::File& file, const BatchHeader& header, uint64_t at,
                                                     int64_t timestamp) {
  if (header.log_append_time()) return Found{header.base_offset, header.max_timestamp, header.leader_epoch};
  Bytes batch(header.size_bytes());
  TRY_VOID(file.read(at, batch));
  auto reader = TRY(RecordReader::open(batch));
  Record record;
  while (TRY(reader.next(&record))) {
    if (record.timestamp >= timestamp && record.offset >= state_.begin)
      return Found{record.offset, record.timestamp, header.leader_epoch};
  }
  return std::nullopt;
}

Result<std::optional<Log::Found>> Log::find_time(int64_t timestamp) {
  for (size_t i = 0; i < state_.segments.size(); ++i) {
    const Segment& s = state_.segments[i];
    uint64_t limit = readable_bytes(i);
    if (s.max_timestamp < timestamp || limit == 0) continue;
    auto* index = TRY(context_.files.index(state_.stream, s));
    uint64_t at = index->position_for_time(timestamp);
    auto file = TRY(context_.files.open(state_.stream, s))->file;
    std::optional<Found> found;
    Result<void> broken;
    TRY_VOID(walk_headers(*file, at, limit, [&](const BatchHeader& header, uint64_t position) {
      if (header.max_timestamp < timestamp || header.last_offset() < state_.begin) return true;
      auto inside = find_in_batch(*file, header, position, timestamp);
      if (!inside) {
        broken = std::unexpected(inside.error());
        return false;
      }
      found = *inside;
      return !found.has_value();
    }));
    TRY_VOID(broken);
    if (found) return found;
  }
  return std::nullopt;
}

Result<std::optional<Log::Found>> Log::find_max_time() {
  int64_t newest = -1;
  for (size_t i = 0; i < state_.segments.size(); ++i)
    if (readable_bytes(i) > 0) newest = std::max(newest, state_.segments[i].max_timestamp);
  if (newest < 0) return std::nullopt;
  auto found = TRY(find_time(newest));
  // The last segment's maximum may belong to a batch that is not readable yet.
  while (!found && newest > 0) {
    int64_t next = -1;
    for (size_t i = 0; i < state_.segments.size(); ++i) {
      auto file = TRY(context_.files.open(state_.stream, state_.segments[i]))->file;
      TRY_VOID(walk_headers(*file, 0, readable_bytes(i), [&](const BatchHeader& header, uint64_t) {
        next = std::max(next, header.max_timestamp);
        return true;
      }));
    }
    if (next < 0) return std::nullopt;
    newest = next;
    found = TRY(find_time(newest));
    break;
  }
  return found;
}

}  // namespace naru
