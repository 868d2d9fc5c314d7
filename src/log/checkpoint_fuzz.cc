// Any bytes as a checkpoint (its checksum made to fit): loaded, and then written and loaded again to the same, or
// refused.
#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "log/checkpoint.h"

using namespace naru;

namespace {

const JournalId id{7, 2};

Bytes write(const StoreState& state) {
  CheckpointWriter to(id, 3);
  std::map<StreamId, const LogState*> logs;
  for (const auto& [stream, log] : state.logs) logs[stream] = &log;
  for (const auto& [stream, log] : logs) to.add(*log);
  for (uint32_t shard = 0; shard < shard_count; ++shard) to.add(static_cast<uint8_t>(shard), state.tables[shard]);
  std::map<CursorId, const CursorState*> cursors;
  for (const auto& [cursor_id, cursor] : state.cursors) cursors[cursor_id] = &cursor;
  for (const auto& [cursor_id, cursor] : cursors) to.add(cursor_id, cursor->stream, cursor->cursor);
  return std::move(to).finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  StoreState nothing;
  (void)load_checkpoint({data, size}, id, 3, nothing);
  if (size < 29) return 0;
  Bytes contents(data, data + size);
  store_le(contents.data() + size - 4, crc32c(ByteView(contents).first(size - 4)));
  StoreState state;
  if (!load_checkpoint(contents, id, 3, state)) return 0;
  Bytes once = write(state);
  StoreState again;
  CHECK(load_checkpoint(once, id, 3, again));
  CHECK(write(again) == once);
  return 0;
}
