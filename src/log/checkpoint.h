#pragma once
// All state of one core at the moment its journal began a new file: what recovery starts from before it replays that
// file and those after it.
#include <array>
#include <unordered_map>

#include "log/ack_cursor.h"
#include "log/format.h"
#include "log/journal.h"
#include "log/log_state.h"
#include "log/table.h"

namespace naru {

/// An ack cursor and the log it reads.
struct CursorState {
  StreamId stream;
  AckCursor cursor;
};

/// The state of any number of cores, as recovery holds it before it is handed out again.
struct StoreState {
  std::unordered_map<StreamId, LogState> logs;
  std::array<Table::Rows, shard_count> tables;
  std::unordered_map<CursorId, CursorState> cursors;

  /// Adds another core's state; the two share no log, row or cursor.
  void take(StoreState&& other);
};

std::string checkpoint_file_name(JournalId id, uint32_t number);

/// What a checkpoint is made of; pieces are borrowed from the store.
class CheckpointWriter {
 public:
  /// `number`: the first journal file that is not covered.
  CheckpointWriter(JournalId id, uint32_t number);
  void add(const LogState& log);
  void add(uint8_t shard, const Table::Rows& rows);
  void add(CursorId id, StreamId stream, const AckCursor& cursor);
  /// The whole file, checksummed.
  Bytes finish() &&;

 private:
  Bytes contents_;
};

/// Adds a checkpoint's state to `into`. Code::corrupt if it is not whole.
Result<void> load_checkpoint(ByteView contents, JournalId id, uint32_t number, StoreState& into);

}  // namespace naru
