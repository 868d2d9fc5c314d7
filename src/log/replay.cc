#include "log/replay.h"

#include "base/pack.h"
#include "log/reclaim.h"
#include "log/record_batch.h"

namespace naru {
namespace {

constexpr size_t open_files_max = 512;

std::string path_of(const LogState& log, const Segment& s) { return segment_path({log.stream, s.base, s.version}); }

}  // namespace

Replay::Replay(io::Disk& disk, int32_t epoch, StoreState& state, RecoveryFacts& facts, std::string& damage)
    : disk_(disk), epoch_(epoch), state_(state), facts_(facts), damage_(damage), files_(disk, open_files_max) {
  for (const auto& [id, cursor] : state.cursors) cursors_of_[cursor.stream].insert(id);
}

Result<void> Replay::apply(const JournalEntry& entry) {
  ++facts_.entries;
  Unpacker from(entry.payload);
  switch (entry.kind) {
    case EntryKind::batch: return batch(from);
    case EntryKind::roll: return roll(from);
    case EntryKind::begin: return begin(from);
    case EntryKind::drop: return drop(from);
    case EntryKind::dirty: return dirty(from);
    case EntryKind::rows: return replay_rows(entry.payload, state_.tables);
    case EntryKind::settle: return settle(from);
    case EntryKind::forget_cursor: return forget_cursor(from);
    case EntryKind::replace: return replace(from);
    case EntryKind::hole: return hole(from);
    case EntryKind::drained: return drained(from);
    case EntryKind::seal: return seal(from);
    case EntryKind::producers: return producers(from);
    case EntryKind::taken: return taken(from);
    case EntryKind::group:
    case EntryKind::padding: break;
  }
  return fail(Code::unsupported, "journal: an entry this naru does not know; was it written by a newer one?",
              static_cast<int64_t>(entry.kind));
}

LogState& Replay::log_of(StreamId stream) {
  auto [found, fresh] = state_.logs.try_emplace(stream);
  if (fresh) found->second.stream = stream;
  return found->second;
}

std::vector<AckCursor*> Replay::cursors_over(StreamId stream) {
  std::vector<AckCursor*> out;
  auto found = cursors_of_.find(stream);
  if (found != cursors_of_.end())
    for (CursorId id : found->second) out.push_back(&state_.cursors.find(id)->second.cursor);
  return out;
}

std::unexpected<Error> Replay::broken(const char* what) {
  damage_ = what;
  return fail(Code::corrupt, "journal: an entry contradicts the state it applies to");
}

// --- logs ---

Result<void> Replay::reach(LogState& log, Offset offset) {
  if (log.end >= offset || log.segments.empty()) return {};
  TRY_VOID(mend_tail(log));
  if (log.end < offset && unjournaled_.contains(log.stream)) lose(log, offset);
  return {};
}

void Replay::lose(LogState& log, Offset end) {
  lost_.push_back({log.stream, log.end, end});
  log.end = end;
}

Result<io::File*> Replay::file_of(const LogState& log, const Segment& segment) {
  touched_.insert(log.stream);
  SegmentId id{log.stream, segment.base, segment.version};
  auto entry = files_.open(log.stream, segment);
  // The file's name may not have reached the disk: all its batches are in the journal then.
  if (!entry && entry.error().code == Code::not_found && segment.bytes == 0) entry = files_.create(log.stream, segment);
  if (!entry && entry.error().code == Code::not_found) {
    missing_.insert(id);
    return nullptr;
  }
  if (!entry) return std::unexpected(entry.error());
  written_.insert(id);
  return (*entry)->file.get();
}

Result<void> Replay::batch(Unpacker& from) {
  LogState& log = log_of(StreamId(from.get<uint64_t>()));
  Offset base(from.get<int64_t>());
  uint64_t at = from.get<uint64_t>();
  auto header = peek_header(from.rest());
  if (!from.ok() || !header || header->size_bytes() != from.rest().size()) return broken("a batch does not decode");
  if (log.segments.empty() || log.segments.back().sealed || log.segments.back().base != base ||
      log.segments.back().bytes != at || header->base_offset != log.end)
    return broken("a batch that does not follow on its log's end");
  auto* file = TRY(file_of(log, log.segments.back()));
  if (file) TRY_VOID(file->write(at, from.rest()));
  log.note_batch(*header, static_cast<uint32_t>(from.rest().size()));
  if (header->has_producer()) log.producers.remember(*header, header->max_timestamp);
  return {};
}

Result<void> Replay::dirty(Unpacker& from) {
  StreamId stream = log_of(StreamId(from.get<uint64_t>())).stream;
  touched_.insert(stream);
  unjournaled_.insert(stream);
  return from.at_end() ? Result<void>() : broken("a dirty mark");
}

Result<void> Replay::roll(Unpacker& from) {
  LogState& log = log_of(StreamId(from.get<uint64_t>()));
  Offset base(from.get<int64_t>());
  if (!from.at_end()) return broken("a roll does not decode");
  TRY_VOID(reach(log, base));
  if (log.segments.empty() && base > log.end) log.begin = log.end = base;
  if (log.end != base) return broken("a segment that does not begin at its log's end");
  log.note_roll(base);
  touched_.insert(log.stream);
  return {};
}

Result<void> Replay::seal(Unpacker& from) {
  LogState& log = log_of(StreamId(from.get<uint64_t>()));
  Offset end(from.get<int64_t>());
  TRY_VOID(reach(log, end));
  if (!from.at_end() || log.segments.empty() || log.end != end) return broken("a log that is not sealed at its end");
  log.segments.back().sealed = true;
  return {};
}

Result<void> Replay::begin(Unpacker& from) {
  LogState& log = log_of(StreamId(from.get<uint64_t>()));
  Offset offset(from.get<int64_t>());
  TRY_VOID(reach(log, offset));
  if (!from.at_end() || offset < log.begin || offset > log.end) return broken("a trim outside of its log");
  for (const Segment& segment : log.note_begin(offset)) remove(log.stream, segment);
  for (AckCursor* cursor : cursors_over(log.stream)) keep_up(*cursor, log);
  return {};
}

Result<void> Replay::drained(Unpacker& from) {
  LogState& log = log_of(StreamId(from.get<uint64_t>()));
  Offset end(from.get<int64_t>());
  TRY_VOID(reach(log, end));
  if (!from.at_end() || log.end != end) return broken("a log that is not drained where it ends");
  for (const Segment& segment : log.note_drained()) remove(log.stream, segment);
  for (AckCursor* cursor : cursors_over(log.stream)) keep_up(*cursor, log);
  return {};
}

Result<void> Replay::producers(Unpacker& from) {
  LogState& log = log_of(StreamId(from.get<uint64_t>()));
  Offset end(from.get<int64_t>());
  auto window = ProducerWindow::load(from.bytes());
  if (!from.at_end() || !window) return broken("a window of producers");
  log.producers = std::move(*window);
  producers_until_[log.stream] = end;
  return {};
}

Result<void> Replay::hole(Unpacker& from) {
  LogState& log = log_of(StreamId(from.get<uint64_t>()));
  Hole hole{Offset(from.get<int64_t>()), Offset(from.get<int64_t>()), from.get<uint64_t>(), from.get<uint64_t>()};
  auto segment = std::ranges::upper_bound(log.segments, hole.first, {}, &Segment::base);
  if (segment != log.segments.begin() && unjournaled_.contains(log.stream)) {
    // What power loss took needs no hole.
    uint64_t bytes = std::prev(segment)->bytes;
    if (hole.at >= bytes) return {};
    hole.bytes = std::min(hole.bytes, bytes - hole.at);
  }
  if (!from.at_end() || !log.note_hole(hole)) return broken("a hole outside of its log's segments");
  for (AckCursor* cursor : cursors_over(log.stream))
    if (cursor->first_open(hole.first) < hole.last) return broken("a hole where a cursor has not settled all");
  return {};
}

Result<void> Replay::drop(Unpacker& from) {
  StreamId stream(from.get<uint64_t>());
  for (CursorId id : cursors_of_[stream]) state_.cursors.erase(id);
  cursors_of_.erase(stream);
  auto found = state_.logs.find(stream);
  if (found == state_.logs.end()) return {};
  for (const Segment& segment : found->second.segments) remove(stream, segment);
  state_.logs.erase(found);
  touched_.erase(stream);
  return {};
}

Result<void> Replay::replace(Unpacker& from) {
  LogState& log = log_of(StreamId(from.get<uint64_t>()));
  Offset first(from.get<int64_t>()), last(from.get<int64_t>());
  uint32_t count = from.get<uint32_t>();
  std::vector<Segment> fresh;
  for (uint32_t i = 0; i < count && from.ok(); ++i) {
    Segment s{.base = Offset(from.get<int64_t>())};
    s.bytes = from.get<uint64_t>();
    s.max_timestamp = from.get<int64_t>();
    s.first_timestamp = from.get<int64_t>();
    s.version = from.get<uint32_t>();
    s.sealed = true;
    fresh.push_back(s);
  }
  auto a = std::ranges::find(log.segments, first, &Segment::base);
  auto b = std::ranges::find(log.segments, last, &Segment::base);
  if (!from.at_end() || a == log.segments.end() || b == log.segments.end() || b < a) return broken("a compaction");
  for (auto s = a; s <= b; ++s) files_.close(log.stream, *s);
  log.segments.insert(log.segments.erase(a, b + 1), fresh.begin(), fresh.end());
  return {};
}

// --- cursors ---

Result<void> Replay::settle(Unpacker& from) {
  CursorId id(from.get<uint64_t>());
  StreamId stream(from.get<uint64_t>());
  auto change = decode_change(from);
  if (!change || !from.at_end()) return broken("a settlement does not decode");
  auto log = state_.logs.find(stream);
  Offset begin = log == state_.logs.end() ? Offset(0) : log->second.begin;
  auto [found, fresh] = state_.cursors.try_emplace(id, CursorState{stream, AckCursor(begin)});
  if (found->second.stream != stream) return broken("a settlement in a log that its cursor does not read");
  if (fresh) cursors_of_[stream].insert(id);
  found->second.cursor.apply(*change);
  if (log != state_.logs.end() && (fresh || change->kind == Change::Kind::seek))
    keep_up(found->second.cursor, log->second);
  return {};
}

Result<void> Replay::taken(Unpacker& from) {
  CursorId id(from.get<uint64_t>());
  StreamId stream(from.get<uint64_t>());
  auto note = decode_note(from);
  auto found = state_.cursors.find(id);
  if (!note || !from.at_end()) return broken("a note does not decode");
  if (found == state_.cursors.end() || found->second.stream != stream) return broken("a note of an unknown cursor");
  auto log = state_.logs.find(stream);
  // A later end than the log's: power loss at level `os`.
  Offset end = log == state_.logs.end() ? Offset(0) : log->second.end;
  note->last = std::min(note->last, end);
  found->second.cursor.apply(*note);
  return {};
}

Result<void> Replay::forget_cursor(Unpacker& from) {
  CursorId id(from.get<uint64_t>());
  auto found = state_.cursors.find(id);
  if (found == state_.cursors.end()) return {};
  cursors_of_[found->second.stream].erase(id);
  state_.cursors.erase(found);
  return {};
}

// --- files ---

void Replay::remove(StreamId stream, const Segment& segment) {
  SegmentId id{stream, segment.base, segment.version};
  files_.close(stream, segment);
  written_.erase(id);
  (void)disk_.remove(segment_path(id)).has_value();
}

Result<void> Replay::mend_tail(LogState& log) {
  if (log.segments.empty() || log.segments.back().sealed) return {};
  auto* file = TRY(file_of(log, log.segments.back()));
  if (!file) return {};
  uint64_t size = TRY(file->size());
  if (size < log.segments.back().bytes) {
    damage_ = path_of(log, log.segments.back());
    return fail(Code::corrupt, "a segment file is shorter than what was synced", static_cast<int64_t>(size));
  }
  Bytes batch;
  while (size - log.segments.back().bytes >= batch_header_bytes) {
    uint64_t at = log.segments.back().bytes;
    batch.resize(batch_header_bytes);
    TRY_VOID(file->read(at, batch));
    auto header = peek_header(batch);
    // Batches of an earlier run can stand here too, behind what has been written over them since: a crash ended that
    // run, nobody was told of them, and they are not to follow what came later.
    if (!header || header->base_offset != log.end || header->leader_epoch != epoch_ || header->size_bytes() > size - at)
      break;
    batch.resize(header->size_bytes());
    TRY_VOID(file->read(at, batch));
    if (!validate_stored(batch, Walk::header)) break;
    log.note_batch(*header, static_cast<uint32_t>(batch.size()));
    auto known = producers_until_.find(log.stream);
    bool is_known = known != producers_until_.end() && header->base_offset < known->second;
    if (header->has_producer() && !is_known) log.producers.remember(*header, header->max_timestamp);
    ++facts_.salvaged;
  }
  if (size > log.segments.back().bytes) {
    facts_.cut_bytes += size - log.segments.back().bytes;
    TRY_VOID(file->truncate(log.segments.back().bytes));
  }
  return {};
}

/// At level `os` power loss can take records whose settlements are durable. Their offsets are not given again, or what
/// comes next would count as settled.
void Replay::pass_settled(LogState& log) {
  Offset end = log.end;
  for (AckCursor* cursor : cursors_over(log.stream)) end = std::max(end, cursor->done_end());
  if (end == log.end) return;
  lose(log, end);
  // A gap within a segment would look like damage.
  if (log.segments.empty())
    log.begin = end;
  else
    log.segments.back().sealed = true;
}

Result<void> Replay::mend_tails() {
  for (StreamId stream : touched_) {
    auto found = state_.logs.find(stream);
    if (found != state_.logs.end()) TRY_VOID(mend_tail(found->second));
  }
  for (StreamId stream : unjournaled_)
    if (auto found = state_.logs.find(stream); found != state_.logs.end()) pass_settled(found->second);
  for (const Lost& lost : lost_)
    for (AckCursor* cursor : cursors_over(lost.stream)) cursor->settle(lost.first, lost.last);
  for (const SegmentId& id : missing_) {
    auto found = state_.logs.find(id.stream);
    if (found == state_.logs.end()) continue;
    for (const Segment& s : found->second.segments) {
      if (s.base != id.base || s.version != id.version) continue;
      damage_ = segment_path(id);
      return fail(Code::corrupt, "a segment file is missing");
    }
  }
  return {};
}

Result<void> Replay::sync() {
  if (touched_.size() > 32) {
    TRY_VOID(disk_.sync_all());
  } else {
    for (StreamId stream : touched_) {
      auto found = state_.logs.find(stream);
      if (found == state_.logs.end()) continue;
      for (const Segment& s : found->second.segments) {
        if (!written_.contains({stream, s.base, s.version})) continue;
        auto* entry = TRY(files_.open(stream, s));
        TRY_VOID(entry->file->sync());
      }
    }
  }
  return touched_.empty() ? Result<void>() : disk_.sync_folder(segment_folder);
}

}  // namespace naru
