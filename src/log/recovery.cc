#include "log/recovery.h"

#include <charconv>
#include <set>

#include "base/crc32c.h"
#include "base/pack.h"
#include "log/reclaim.h"
#include "log/record_batch.h"
#include "log/segment_files.h"

namespace naru {

uint32_t shard_of(StreamId stream) {
  return static_cast<uint32_t>((stream.value * 0x9e3779b97f4a7c15) >> 58);  // top 6 bits: 64 shards
}
uint32_t shard_of(std::string_view name) { return crc32c(view(name)) % shard_count; }

namespace {

constexpr size_t open_files_max = 512;
constexpr uint64_t checkpoint_bytes_max = 16 * GiB;

/// Applies one core's journal to a state.
class Replay {
 public:
  /// `epoch`: of the run that wrote the journal.
  Replay(io::Disk& disk, int32_t epoch, StoreState& state, RecoveryFacts& facts, std::string& damage)
      : disk_(disk), epoch_(epoch), state_(state), facts_(facts), damage_(damage), files_(disk, open_files_max) {
    for (const auto& [id, cursor] : state.cursors) cursors_of_[cursor.stream].insert(id);
  }

  Result<void> apply(const JournalEntry& entry) {
    ++facts_.entries;
    Unpacker from(entry.payload);
    switch (entry.kind) {
      case EntryKind::batch: return batch(from);
      case EntryKind::roll: return roll(from);
      case EntryKind::begin: return begin(from);
      case EntryKind::drop: return drop(from);
      case EntryKind::dirty: {
        StreamId stream = log_of(StreamId(from.get<uint64_t>())).stream;
        touched_.insert(stream);
        unjournaled_.insert(stream);
        return from.at_end() ? Result<void>() : broken("a dirty mark");
      }
      case EntryKind::rows: return replay_rows(entry.payload, state_.tables);
      case EntryKind::settle: return settle(from);
      case EntryKind::forget_cursor: return forget_cursor(CursorId(from.get<uint64_t>()));
      case EntryKind::replace: return replace(from);
      case EntryKind::group:
      case EntryKind::padding: break;
    }
    return fail(Code::unsupported, "journal: an entry this naru does not know; was it written by a newer one?",
                static_cast<int64_t>(entry.kind));
  }

  /// Takes what segments hold beyond the journal, then cuts them to what is whole.
  Result<void> mend_tails() {
    for (StreamId stream : touched_) {
      auto found = state_.logs.find(stream);
      if (found != state_.logs.end()) TRY_VOID(mend_tail(found->second));
    }
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
  /// Syncs what was written.
  Result<void> sync() {
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

 private:
  LogState& log_of(StreamId stream) {
    auto [found, fresh] = state_.logs.try_emplace(stream);
    if (fresh) found->second.stream = stream;
    return found->second;
  }
  std::unexpected<Error> broken(const char* what) {
    damage_ = what;
    return fail(Code::corrupt, "journal: an entry contradicts the state it applies to");
  }

  static std::string path_of(const LogState& log, const Segment& s) {
    return segment_path({log.stream, s.base, s.version});
  }

  /// The journal speaks of `offset`: for a log at level `os` whose tail is lost, offsets go on there all the same.
  Result<void> reach(LogState& log, Offset offset) {
    if (log.end >= offset || log.segments.empty()) return {};
    TRY_VOID(mend_tail(log));
    if (log.end < offset && unjournaled_.contains(log.stream)) log.end = offset;
    return {};
  }

  /// nullptr if the file is gone, which is fine if the journal goes on to say so.
  Result<io::File*> file_of(const LogState& log, const Segment& segment) {
    touched_.insert(log.stream);
    SegmentId id{log.stream, segment.base, segment.version};
    auto entry = files_.open(log.stream, segment);
    // The file's name may not have reached the disk: all its batches are in the journal then.
    if (!entry && entry.error().code == Code::not_found && segment.bytes == 0)
      entry = files_.create(log.stream, segment);
    if (!entry && entry.error().code == Code::not_found) {
      missing_.insert(id);
      return nullptr;
    }
    if (!entry) return std::unexpected(entry.error());
    written_.insert(id);
    return (*entry)->file.get();
  }

  Result<void> batch(Unpacker& from) {
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

  Result<void> roll(Unpacker& from) {
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

  Result<void> begin(Unpacker& from) {
    LogState& log = log_of(StreamId(from.get<uint64_t>()));
    Offset offset(from.get<int64_t>());
    TRY_VOID(reach(log, offset));
    if (!from.at_end() || offset < log.begin || offset > log.end) return broken("a trim outside of its log");
    for (const Segment& segment : log.note_begin(offset)) remove(log.stream, segment);
    for (CursorId id : cursors_over(log.stream)) keep_up(state_.cursors.find(id)->second.cursor, log);
    return {};
  }

  Result<void> drop(Unpacker& from) {
    StreamId stream(from.get<uint64_t>());
    for (CursorId id : cursors_over(stream)) state_.cursors.erase(id);
    cursors_of_.erase(stream);
    auto found = state_.logs.find(stream);
    if (found == state_.logs.end()) return {};
    for (const Segment& segment : found->second.segments) remove(stream, segment);
    state_.logs.erase(found);
    touched_.erase(stream);
    return {};
  }

  Result<void> settle(Unpacker& from) {
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
    if (log != state_.logs.end()) keep_up(found->second.cursor, log->second);
    return {};
  }

  Result<void> forget_cursor(CursorId id) {
    auto found = state_.cursors.find(id);
    if (found == state_.cursors.end()) return {};
    cursors_of_[found->second.stream].erase(id);
    state_.cursors.erase(found);
    return {};
  }
  const std::set<CursorId>& cursors_over(StreamId stream) {
    static const std::set<CursorId> none;
    auto found = cursors_of_.find(stream);
    return found == cursors_of_.end() ? none : found->second;
  }

  Result<void> replace(Unpacker& from) {
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

  void remove(StreamId stream, const Segment& segment) {
    SegmentId id{stream, segment.base, segment.version};
    files_.close(stream, segment);
    written_.erase(id);
    (void)disk_.remove(segment_path(id)).has_value();
  }

  Result<void> mend_tail(LogState& log) {
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
      if (!header || header->base_offset != log.end || header->leader_epoch != epoch_ ||
          header->size_bytes() > size - at)
        break;
      batch.resize(header->size_bytes());
      TRY_VOID(file->read(at, batch));
      if (!validate_stored(batch, Walk::header)) break;
      log.note_batch(*header, static_cast<uint32_t>(batch.size()));
      if (header->has_producer()) log.producers.remember(*header, header->max_timestamp);
      ++facts_.salvaged;
    }
    if (size > log.segments.back().bytes) {
      facts_.cut_bytes += size - log.segments.back().bytes;
      TRY_VOID(file->truncate(log.segments.back().bytes));
    }
    return {};
  }

  io::Disk& disk_;
  int32_t epoch_;
  StoreState& state_;
  RecoveryFacts& facts_;
  std::string& damage_;
  SegmentFiles files_;
  std::unordered_map<StreamId, std::set<CursorId>> cursors_of_;
  std::set<StreamId> touched_;
  std::set<StreamId> unjournaled_;  // logs at level `os`: a crash may have taken records that the journal tells of
  std::set<SegmentId> written_, missing_;
};

/// What stands in the journal folder.
struct JournalFile {
  JournalId id;
  uint32_t number;
  bool checkpoint;
};

std::optional<JournalFile> parse_journal_name(std::string_view name) {
  JournalFile file{};
  file.checkpoint = name.ends_with(".checkpoint");
  if (file.checkpoint) name.remove_suffix(11);
  if (name.size() != 25 || name[10] != '-' || name[14] != '-') return std::nullopt;
  auto number = [&](size_t from, size_t to, auto& into) {
    auto r = std::from_chars(name.data() + from, name.data() + to, into);
    return r.ec == std::errc{} && r.ptr == name.data() + to;
  };
  if (!number(0, 10, file.id.generation) || !number(11, 14, file.id.core) || !number(15, 25, file.number))
    return std::nullopt;
  return file;
}

Result<void> recover_core(io::Disk& disk, JournalId id, const std::vector<JournalFile>& files, Recovered& out,
                          std::string& damage) {
  std::vector<uint32_t> checkpoints, journals;
  for (const JournalFile& file : files) {
    if (file.id.generation != id.generation || file.id.core != id.core) continue;
    (file.checkpoint ? checkpoints : journals).push_back(file.number);
  }
  if (checkpoints.empty()) {
    damage = checkpoint_file_name(id, 0);
    return fail(Code::corrupt, "the checkpoint of a journal is missing");
  }
  // The newest. An older one that is still there is no help if this one is damaged, for the journal files between them
  // may be written over; and a crash does not damage one: it is renamed into place when it is whole.
  uint32_t first = *std::ranges::max_element(checkpoints);
  damage = checkpoint_file_name(id, first);
  auto contents = TRY(io::read_file(disk, damage, checkpoint_bytes_max));
  StoreState state;
  TRY_VOID(load_checkpoint(contents, id, first, state));
  out.state.take(std::move(state));
  damage.clear();

  Replay replay(disk, out.manifest.epoch, out.state, out.facts, damage);
  uint64_t last_group = 0;
  bool ended = false;
  for (uint32_t number = first;; ++number) {
    if (std::ranges::find(journals, number) == journals.end()) {
      // Each file's name is durable before the next file is made.
      if (std::ranges::none_of(journals, [&](uint32_t later) { return later > number; })) break;
      damage = journal_file_name(id, number);
      return fail(Code::corrupt, "a journal file is missing");
    }
    std::string name = journal_file_name(id, number);
    auto file = TRY(disk.open(name, io::Open::read));
    // A process that died between write and sync leaves entries that only the page cache has. Files go because of them
    // below, so they have to survive a power loss during this start.
    TRY_VOID(file->sync());
    auto end = read_journal(*file, id, number, [&](const JournalEntry& entry) -> Result<void> {
      // Nothing in a later file counts once an earlier one broke off; see below.
      return ended ? Result<void>() : replay.apply(entry);
    });
    if (!end) {
      damage = name + ": " + damage;
      return std::unexpected(end.error());
    }
    out.facts.bytes += end->at;
    bool follows = !ended && (last_group == 0 || end->first_group == last_group + 1);
    if (end->damaged_before > 0 || (end->first_group > 0 && !follows)) {
      damage = name;
      return fail(Code::corrupt, "journal: damaged between what was durable", static_cast<int64_t>(end->at));
    }
    if (end->last_group > 0) last_group = end->last_group;
    if (end->torn || end->first_group == 0) ended = true;
  }
  if (out.facts.entries > 0) TRY_VOID(replay.mend_tails());
  return replay.sync();
}

Result<void> remove_orphans(io::Disk& disk, Recovered& out) {
  auto names = disk.list(segment_folder);
  if (!names) return names.error().code == Code::not_found ? Result<void>() : std::unexpected(names.error());
  for (const std::string& name : *names) {
    auto parsed = parse_segment_name(name);
    if (!parsed) continue;
    auto log = out.state.logs.find(parsed->stream);
    bool known = log != out.state.logs.end() && std::ranges::any_of(log->second.segments, [&](const Segment& s) {
                   return s.base == parsed->base && s.version == parsed->version;
                 });
    if (known) continue;
    ++out.facts.orphans;
    TRY_VOID(disk.remove(std::string(segment_folder) + "/" + name));
  }
  return {};
}

}  // namespace

Result<Recovered> recover(io::Disk& disk, std::string& damage) {
  Recovered out;
  damage = "MANIFEST";
  auto manifest = read_manifest(disk);
  if (!manifest && manifest.error().code != Code::not_found) return std::unexpected(manifest.error());
  auto names = disk.list("journal");
  if (!manifest) {
    // A first start that a crash cut short leaves checkpoints of generation 1 and nothing else.
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
      auto file = parse_journal_name(name);
      if (file && (file->id.generation > 1 || !file->checkpoint))
        return fail(Code::corrupt, "MANIFEST is missing, but journals are there");
    }
    TRY_VOID(disk.make_folder("journal"));
    TRY_VOID(disk.make_folder(segment_folder));
    TRY_VOID(disk.sync_folder(""));
    damage.clear();
    return out;
  }
  out.manifest = *manifest;
  if (!names) return std::unexpected(names.error());
  std::vector<JournalFile> files;
  for (const std::string& name : *names) {
    auto file = parse_journal_name(name);
    if (file) files.push_back(*file);
    if (file) out.generation_max = std::max(out.generation_max, file->id.generation);
    out.old_journals.push_back("journal/" + name);
  }
  TRY_VOID(disk.sync_folder("journal"));
  for (uint32_t core = 0; core < manifest->cores; ++core)
    TRY_VOID(recover_core(disk, {manifest->generation, core}, files, out, damage));
  out.facts.clean = manifest->clean && out.facts.entries == 0;
  if (!out.facts.clean) TRY_VOID(remove_orphans(disk, out));
  return out;
}

Result<Manifest> begin_generation(io::Disk& disk, const Recovered& recovered, uint32_t cores,
                                  const std::function<uint32_t(uint32_t shard)>& owner, const Uuid& new_cluster_id) {
  Manifest next = recovered.manifest;
  if (next.generation == 0) next.cluster_id = new_cluster_id;
  // Not one that a start began and did not finish: its files are among the old ones, which will be removed.
  next.generation = std::max(next.generation, recovered.generation_max) + 1;
  next.cores = cores;
  // Readers may have seen records of level `os` that a crash took: the epoch tells them to look (KIP-320).
  if (!recovered.facts.clean) next.epoch += 1;
  next.clean = false;
  for (uint32_t core = 0; core < cores; ++core) {
    JournalId id{next.generation, core};
    CheckpointWriter to(id, 0);
    for (const auto& [stream, log] : recovered.state.logs)
      if (owner(shard_of(stream)) == core) to.add(log);
    for (uint32_t shard = 0; shard < shard_count; ++shard)
      if (owner(shard) == core) to.add(static_cast<uint8_t>(shard), recovered.state.tables[shard]);
    for (const auto& [cursor_id, cursor] : recovered.state.cursors)
      if (owner(shard_of(cursor.stream)) == core) to.add(cursor_id, cursor.stream, cursor.cursor);
    std::string name = checkpoint_file_name(id, 0);
    TRY_VOID(io::replace_file(disk, "journal", name.substr(name.find('/') + 1), std::move(to).finish()));
  }
  TRY_VOID(write_manifest(disk, next));
  return next;
}

}  // namespace naru
