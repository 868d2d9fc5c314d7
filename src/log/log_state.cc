#include "log/log_state.h"

#include <charconv>
#include <cstdio>

#include "base/check.h"
#include "base/pack.h"
#include "log/format.h"

namespace naru {

void LogState::note_batch(const BatchHeader& header, uint32_t size_bytes) {
  CHECK(!segments.empty() && !segments.back().sealed);
  Segment& segment = segments.back();
  segment.bytes += size_bytes;
  segment.max_timestamp = std::max(segment.max_timestamp, header.max_timestamp);
  if (segment.first_timestamp < 0) segment.first_timestamp = header.max_timestamp;
  if (epochs.empty() || epochs.back().epoch < header.leader_epoch)
    epochs.push_back({header.leader_epoch, header.base_offset});
  end = header.next_offset();
}

void LogState::note_roll(Offset base) {
  if (!segments.empty()) segments.back().sealed = true;
  segments.push_back({.base = base});
}

std::vector<Segment> LogState::note_begin(Offset offset) {
  CHECK(offset >= begin && offset <= end);
  begin = offset;
  std::vector<Segment> gone;
  while (segments.size() > 1 && segments[1].base <= begin) {
    gone.push_back(segments.front());
    segments.erase(segments.begin());
  }
  if (!gone.empty()) std::erase_if(holes, [&](const Hole& hole) { return hole.first < segments.front().base; });
  // Epochs that ended before the first readable offset tell nobody anything.
  while (epochs.size() > 1 && epochs[1].start <= begin) epochs.erase(epochs.begin());
  return gone;
}

std::vector<Segment> LogState::note_drained() {
  note_begin(end);
  holes.clear();
  return std::exchange(segments, {});
}

std::span<const Hole> LogState::holes_of(size_t segment) const {
  auto from = std::ranges::lower_bound(holes, segments[segment].base, {}, &Hole::first);
  auto to = std::ranges::lower_bound(from, holes.end(), limit_of(segment), {}, &Hole::first);
  return {from, to};
}

bool LogState::note_hole(const Hole& hole) {
  if (hole.first >= hole.last || hole.bytes == 0) return false;
  auto next = std::ranges::upper_bound(segments, hole.first, {}, &Segment::base);
  if (next == segments.begin()) return false;
  auto segment = static_cast<size_t>(next - segments.begin()) - 1;
  const Segment& s = segments[segment];
  if (!s.sealed || hole.last > limit_of(segment) || hole.at > s.bytes || hole.bytes > s.bytes - hole.at) return false;
  auto from = std::ranges::lower_bound(holes, hole.first, {}, &Hole::first);
  auto to = std::ranges::lower_bound(from, holes.end(), hole.last, {}, &Hole::first);
  if (from != holes.begin() && std::prev(from)->first >= s.base &&
      (std::prev(from)->last > hole.first || std::prev(from)->end() > hole.at))
    return false;
  if (to != holes.end() && to->first < limit_of(segment) && to->at < hole.end()) return false;
  for (auto inside = from; inside != to; ++inside)
    if (inside->last > hole.last || inside->at < hole.at || inside->end() > hole.end()) return false;
  holes.insert(holes.erase(from, to), hole);
  return true;
}

void LogState::save_holes(Bytes& out) const {
  Packer to(out);
  to.put(stream.value).put(static_cast<uint32_t>(holes.size()));
  for (const Hole& hole : holes) to.put(hole.first.value).put(hole.last.value).put(hole.at).put(hole.bytes);
}

Result<void> LogState::load_holes(Unpacker& from) {
  uint32_t count = from.get<uint32_t>();
  if (!from.plausible(count, 32)) return fail(Code::corrupt, "checkpoint: holes of a log");
  for (uint32_t i = 0; i < count; ++i) {
    Hole hole{Offset(from.get<int64_t>()), Offset(from.get<int64_t>()), from.get<uint64_t>(), from.get<uint64_t>()};
    if (!note_hole(hole)) return fail(Code::corrupt, "checkpoint: a hole outside of its log's segments");
  }
  return {};
}

void LogState::save(Bytes& out) const {
  Packer to(out);
  to.put(stream.value).put(begin.value).put(end.value);
  to.put(static_cast<uint32_t>(segments.size()));
  for (const Segment& s : segments) {
    to.put(s.base.value).put(s.bytes).put(s.max_timestamp).put(s.first_timestamp);
    to.put(s.version).put(static_cast<uint8_t>(s.sealed));
  }
  to.put(static_cast<uint32_t>(epochs.size()));
  for (const EpochStart& e : epochs) to.put(e.epoch).put(e.start.value);
  Bytes window;
  producers.save(window);
  to.put(ByteView(window));
}

Result<LogState> LogState::load(Unpacker& from) {
  LogState state;
  state.stream = StreamId(from.get<uint64_t>());
  state.begin = Offset(from.get<int64_t>());
  state.end = Offset(from.get<int64_t>());
  uint32_t count = from.get<uint32_t>();
  if (!from.plausible(count, 37)) return fail(Code::corrupt, "checkpoint: segments of a log");
  for (uint32_t i = 0; i < count; ++i) {
    Segment s;
    s.base = Offset(from.get<int64_t>());
    s.bytes = from.get<uint64_t>();
    s.max_timestamp = from.get<int64_t>();
    s.first_timestamp = from.get<int64_t>();
    s.version = from.get<uint32_t>();
    s.sealed = from.get<uint8_t>() != 0;
    bool ascends = state.segments.empty() || s.base > state.segments.back().base;
    if (!ascends || s.base.value < 0 || s.base > state.end) return fail(Code::corrupt, "checkpoint: segments of a log");
    state.segments.push_back(s);
  }
  count = from.get<uint32_t>();
  if (!from.plausible(count, 12)) return fail(Code::corrupt, "checkpoint: epochs of a log");
  for (uint32_t i = 0; i < count; ++i) {
    int32_t epoch = from.get<int32_t>();
    state.epochs.push_back({epoch, Offset(from.get<int64_t>())});
  }
  ByteView window = from.bytes();
  if (!from.ok() || state.begin.value < 0 || state.begin > state.end)
    return fail(Code::corrupt, "checkpoint: a log does not decode");
  state.producers = TRY(ProducerWindow::load(window));
  return state;
}

std::string segment_path(const SegmentId& id) {
  char name[96];
  std::snprintf(name, sizeof name, "%s/%016llx-%020lld-%03u", segment_folder,
                static_cast<unsigned long long>(id.stream.value), static_cast<long long>(id.base.value), id.version);
  return name;
}

std::optional<SegmentId> parse_segment_name(std::string_view name) {
  if (name.size() < 41 || name[16] != '-' || name[37] != '-') return std::nullopt;
  SegmentId id;
  const char* end = name.data() + name.size();
  auto a = std::from_chars(name.data(), name.data() + 16, id.stream.value, 16);
  auto b = std::from_chars(name.data() + 17, name.data() + 37, id.base.value);
  auto c = std::from_chars(name.data() + 38, end, id.version);
  bool whole = a.ptr == name.data() + 16 && b.ptr == name.data() + 37 && c.ptr == end;
  if (!whole || a.ec != std::errc{} || b.ec != std::errc{} || c.ec != std::errc{}) return std::nullopt;
  return id;
}

}  // namespace naru
