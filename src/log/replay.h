#pragma once
// Recovery's second half: applies one core's journal to the state of its checkpoint, and mends the segments that it
// speaks of. An entry that contradicts the state it applies to is damage.
#include <set>
#include <string>

#include "log/checkpoint.h"
#include "log/recovery.h"
#include "log/segment_files.h"

namespace naru {

class Replay {
 public:
  /// `epoch`: of the run that wrote the journal. All but `disk` are changed as the replay goes on.
  Replay(io::Disk& disk, int32_t epoch, StoreState& state, RecoveryFacts& facts, std::string& damage);

  Result<void> apply(const JournalEntry& entry);
  /// After the last entry: takes what segments hold beyond the journal, then cuts them to what is whole.
  Result<void> mend_tails();
  /// Syncs what was written.
  Result<void> sync();

 private:
  Result<void> batch(Unpacker& from);
  Result<void> roll(Unpacker& from);
  Result<void> seal(Unpacker& from);
  Result<void> begin(Unpacker& from);
  Result<void> drained(Unpacker& from);
  Result<void> hole(Unpacker& from);
  Result<void> producers(Unpacker& from);
  Result<void> drop(Unpacker& from);
  Result<void> dirty(Unpacker& from);
  Result<void> replace(Unpacker& from);
  Result<void> settle(Unpacker& from);
  Result<void> taken(Unpacker& from);
  Result<void> forget_cursor(Unpacker& from);

  LogState& log_of(StreamId stream);
  std::vector<AckCursor*> cursors_over(StreamId stream);
  std::unexpected<Error> broken(const char* what);
  /// The journal speaks of `offset`: for a log at level `os` whose tail is lost, offsets go on there all the same.
  Result<void> reach(LogState& log, Offset offset);
  /// Records from the log's end up to `end` were there once.
  void lose(LogState& log, Offset end);
  /// nullptr if the file is gone, which is fine if the journal goes on to say so.
  Result<io::File*> file_of(const LogState& log, const Segment& segment);
  void remove(StreamId stream, const Segment& segment);
  Result<void> mend_tail(LogState& log);
  void pass_settled(LogState& log);

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
  std::map<StreamId, Offset> producers_until_;  // what the window has from the journal already
  struct Lost {
    StreamId stream;
    Offset first, last;
  };
  std::vector<Lost> lost_;
};

}  // namespace naru
