#pragma once
// Gives back what the cursors of a log have settled, where LogSettings::trim_to_cursors asks for it:
//
//   segments below every floor      are deleted         at the end of the turn
//   a log that is settled to its    loses its last      when nothing came for a while, or at once if it is large
//     end                             segment too
//   settled runs in sealed          become holes        a while later, most segments will have gone as a whole by then
//     segments, 64 KiB and more
//
// What goes is journaled behind the settlements that allow it, and files change only when that is durable: a crash
// never takes a record and leaves its settlement behind.
//
// Owner: Store. No timer runs unless something was settled that could still be given back.
#include <deque>
#include <unordered_map>

#include "log/holes.h"
#include "log/log.h"

namespace naru {

class Store;

/// What a log no longer has is settled for its cursors: whoever asks for it gets what comes after.
void keep_up(AckCursor& cursor, const LogState& log);

class Reclaim {
 public:
  struct Limits {
    uint64_t hole_bytes_min = 64 * KiB;
    uint64_t drained_bytes_max = 4 * MiB;  // a drained log with more loses its last segment at once
    uint64_t seal_bytes_min = 1 * MiB;     // a last segment with less is not sealed to get at what is settled of it
    io::Millis wait_ms = 5000;             // a log is looked at this long after something was settled
    size_t runs_max = 4096;                // of settled records, looked at in one go
  };

  Reclaim(Store& store, Limits limits);

  /// A floor over this log or its high watermark has moved, or it lost a cursor. Costs little: the work is done once,
  /// at the end of the turn.
  void note(Log& log);
  /// The log is going.
  void forget(StreamId stream) { work_.erase(stream); }
  /// After a start: a crash may have come between a hole's entry and its punch.
  void punch_again(const Log& log);
  /// A checkpoint covers everything below `position`.
  void covered(JournalPosition position);

 private:
  struct Work {
    Log* log;
    bool noted = false, waiting = false;
    Offset end_seen{-1};        // when it began to wait
    int64_t settled_seen = -1;  // how much was, when it had waited
    Offset look_from{};         // where the next look for holes goes on; 0 if the last one came to the end,
    int64_t looked_at = -1;     // and how much was settled then
  };
  struct Turn {
    io::Millis due;
    StreamId stream;
  };
  struct Punch {
    JournalPosition position;  // of the hole's entry
    bool after_checkpoint;
    SegmentId segment;
    uint64_t at, bytes;
    io::Millis due;
  };

  void sweep();
  void trim(Log& log, Work& work);
  void drain(Log& log);
  void wait(Work& work);
  void on_timer();
  void arm();
  void tend(Work& work);
  bool wants_look(const Log& log, const Work& work) const;
  bool wants_seal(const Log& log) const;
  void look(Work& work);
  io::Task<> look_for_holes(StreamId stream, std::vector<SettledSegment> settled);
  void dig(StreamId stream, Offset base, const Hole& hole);
  void punch_ready();
  bool is_ready(const Punch& punch) const;
  io::Task<> punch(std::vector<Punch> ready);

  Store& store_;
  Limits limits_;
  std::unordered_map<StreamId, Work> work_;  // logs with something to give back, now or later
  std::vector<StreamId> noted_;              // to look at when this turn ends
  std::deque<Turn> waiting_;                 // all wait for the same time: the first is due first
  std::deque<Punch> punches_;
  std::vector<Punch> uncovered_;  // wait for a checkpoint
  JournalPosition covered_ = 0;
  bool can_punch_ = true;
  io::Timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace naru
