#include "log/recovery.h"

#include <charconv>

#include "base/crc32c.h"
#include "log/replay.h"

namespace naru {

uint32_t shard_of(StreamId stream) {
  return static_cast<uint32_t>((stream.value * 0x9e3779b97f4a7c15) >> 58);  // top 6 bits: 64 shards
}
uint32_t shard_of(std::string_view name) { return crc32c(view(name)) % shard_count; }

namespace {

constexpr uint64_t checkpoint_bytes_max = 16 * GiB;

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

namespace {

/// The checkpoints of a new generation, one per core. Until MANIFEST names them they mean nothing.
Result<void> write_checkpoints(io::Disk& disk, const Recovered& recovered, const Manifest& next,
                               const std::function<uint32_t(uint32_t shard)>& owner) {
  for (uint32_t core = 0; core < next.cores; ++core) {
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
  return {};
}

}  // namespace

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
  auto written = write_checkpoints(disk, recovered, next, owner);
  if (!written && written.error().code == Code::full) {
    // The space that the last run kept for itself is of no use any more.
    for (const std::string& name : recovered.old_journals)
      if (name.ends_with(".reserve")) (void)disk.remove(name).has_value();
    written = write_checkpoints(disk, recovered, next, owner);
  }
  if (!written) {  // each start that fails would leave some, and so take more space
    for (uint32_t core = 0; core < cores; ++core)
      (void)disk.remove(checkpoint_file_name({next.generation, core}, 0)).has_value();
    return std::unexpected(written.error());
  }
  TRY_VOID(write_manifest(disk, next));
  return next;
}

}  // namespace naru
