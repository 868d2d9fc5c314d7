#pragma once
// Gives back what the cursors of a log have settled, where LogSettings::trim_to_cursors asks for it: whole segments
// below every floor are deleted, once per turn of the loop. What goes is journaled behind the settlements that allow
// it, and files go when that is durable: a crash never takes a record and leaves its settlement behind.
//
// Owner: Store.
#include <unordered_map>

#include "log/ack_cursor.h"
#include "log/log.h"

namespace naru {

/// What a log no longer has is settled for its cursors: whoever asks for it gets what comes after.
void keep_up(AckCursor& cursor, const LogState& log);

class Reclaim {
 public:
  explicit Reclaim(LogContext& context) : context_(context) {}

  /// A floor over this log or its high watermark has moved, or it lost a cursor. Costs little: the work is done once,
  /// at the end of the turn.
  void note(Log& log);
  /// The log is going.
  void forget(StreamId stream) { work_.erase(stream); }

 private:
  struct Work {
    Log* log;
  };
  void sweep();
  static void trim(Log& log);

  LogContext& context_;
  std::unordered_map<StreamId, Work> work_;  // logs to look at
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace naru
