#include "log/checkpoint.h"

#include <cstdio>

#include "base/crc32c.h"
#include "base/pack.h"

namespace naru {
namespace {

constexpr uint32_t magic = 0x7470636e;  // "ncpt"
// On disk: add, never change.
enum class Part : uint8_t { end = 0, log = 1, table = 2, cursor = 3, holes = 4 };

}  // namespace

void StoreState::take(StoreState&& other) {
  logs.merge(other.logs);
  for (uint32_t shard = 0; shard < shard_count; ++shard) tables[shard].merge(other.tables[shard]);
  cursors.merge(other.cursors);
}

std::string checkpoint_file_name(JournalId id, uint32_t number) {
  return journal_file_name(id, number) + ".checkpoint";
}

CheckpointWriter::CheckpointWriter(JournalId id, uint32_t number) {
  Packer(contents_).put(magic).put(format_version).put(id.generation).put(id.core).put(number);
}

void CheckpointWriter::add(const LogState& log) {
  Packer(contents_).put(static_cast<uint8_t>(Part::log));
  log.save(contents_);
  if (log.holes.empty()) return;
  Packer(contents_).put(static_cast<uint8_t>(Part::holes));
  log.save_holes(contents_);
}

void CheckpointWriter::add(uint8_t shard, const Table::Rows& rows) {
  if (rows.empty()) return;
  Packer to(contents_);
  to.put(static_cast<uint8_t>(Part::table)).put(shard).put(static_cast<uint64_t>(rows.size()));
  for (const auto& [key, value] : rows) to.put(std::string_view(key)).put(std::string_view(value));
}

void CheckpointWriter::add(CursorId id, StreamId stream, const AckCursor& cursor) {
  Bytes state;
  cursor.save(state);
  Packer(contents_).put(static_cast<uint8_t>(Part::cursor)).put(id.value).put(stream.value).put(ByteView(state));
}

Bytes CheckpointWriter::finish() && {
  Packer(contents_).put(static_cast<uint8_t>(Part::end));
  Packer(contents_).put(crc32c(contents_));
  return std::move(contents_);
}

Result<void> load_checkpoint(ByteView contents, JournalId id, uint32_t number, StoreState& into) {
  if (contents.size() < 29) return fail(Code::corrupt, "checkpoint: too short");
  ByteView covered = contents.first(contents.size() - 4);
  if (crc32c(covered) != load_le<uint32_t>(contents.data() + covered.size()))
    return fail(Code::corrupt, "checkpoint: checksum does not fit");
  Unpacker from(covered);
  if (from.get<uint32_t>() != magic) return fail(Code::corrupt, "checkpoint: not one");
  if (from.get<uint32_t>() > format_version) return fail(Code::unsupported, "checkpoint: written by a newer naru");
  if (from.get<uint64_t>() != id.generation || from.get<uint32_t>() != id.core || from.get<uint32_t>() != number)
    return fail(Code::corrupt, "checkpoint: belongs to another journal");
  while (from.ok()) {
    auto part = static_cast<Part>(from.get<uint8_t>());
    if (part == Part::end) break;
    if (part == Part::log) {
      auto log = TRY(LogState::load(from));
      StreamId stream = log.stream;
      into.logs.insert_or_assign(stream, std::move(log));
    } else if (part == Part::holes) {
      auto log = into.logs.find(StreamId(from.get<uint64_t>()));
      if (log == into.logs.end()) return fail(Code::corrupt, "checkpoint: holes of no log");
      TRY_VOID(log->second.load_holes(from));
    } else if (part == Part::table) {
      uint8_t shard = from.get<uint8_t>();
      uint64_t count = from.get<uint64_t>();
      if (!from.plausible(count, 8) || shard >= shard_count) return fail(Code::corrupt, "checkpoint: a table");
      auto& rows = into.tables[shard];
      for (uint64_t i = 0; i < count; ++i) {
        auto key = from.text();
        rows.emplace_hint(rows.end(), key, from.text());
      }
    } else if (part == Part::cursor) {
      CursorId cursor_id(from.get<uint64_t>());
      StreamId stream(from.get<uint64_t>());
      auto cursor = TRY(AckCursor::load(from.bytes()));
      into.cursors.insert_or_assign(cursor_id, CursorState{stream, std::move(cursor)});
    } else {
      return fail(Code::unsupported, "checkpoint: a part this naru does not know", static_cast<int64_t>(part));
    }
  }
  if (!from.at_end()) return fail(Code::corrupt, "checkpoint: does not decode");
  return {};
}

}  // namespace naru
