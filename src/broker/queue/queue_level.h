#pragma once
// One log of a queue and the cursor over it: what it holds of one priority, or of one partition of a topic. It also
// gathers what a turn brings (published, settled, noted), which the queue writes down at the turn's end.
#include <memory>
#include <vector>

#include "broker/queue/record_keys.h"
#include "broker/queue/record_window.h"
#include "log/record_batch.h"
#include "log/store.h"

namespace naru {

class TopicSource;
struct NewMessage;

/// The log that a level lives in, and the id of its cursor.
struct LevelIds {
  StreamId stream;
  CursorId cursor;
};

struct QueueLevel {
  /// Offsets [first, last).
  struct Run {
    int64_t first, last;
  };

  explicit QueueLevel(const LevelIds& ids);
  ~QueueLevel();

  /// Up to where there is something to take.
  Offset end() const;
  /// Where the next message will stand.
  Offset next() const { return log->bounds().end + header.count; }

  /// Adds a record to the batch of this turn.
  void buffer(int64_t timestamp, const NewMessage& message, ByteView headers, int32_t header_count);
  /// The batch is complete: its header is written.
  void seal();
  /// It is in the log: the next one begins. Gives the batch.
  Bytes take_batch();

  /// Settled in this turn; `together` with what is published in it, see QueueHost::Together.
  void mark(Offset offset, bool together);
  /// What left for what was published may go now.
  void move_settled();
  /// Brings what was settled, in whatever order, into the least number of runs, ascending.
  void merge_settled();

  /// A note to be written down; neighbours of the same fate share one.
  void add_note(const TakenNote& note);

  LevelIds ids;
  /// Whose it is: of a queue over topics, other topics had it before.
  uint16_t tenant = 0;
  std::shared_ptr<TopicSource> source;  // instead of a log: a partition of a topic
  Log* log = nullptr;                   // looked up on first use: an idle queue has none
  AckCursor* cursor = nullptr;          // a stream has none
  RecordWindow window;
  std::unique_ptr<RecordKeys> keys;  // where they count
  Bytes batch;                       // what was published in this turn: room for the header, then records
  BatchHeader header;                // of that
  std::vector<std::pair<int32_t, int64_t>> delays{};  // of that: number in it, until when
  std::vector<TakenNote> notes{};                     // to be written down
  std::vector<Run> settled;                           // in this turn
  std::vector<Run> moved;                             // together with what was published
  Offset head_seen{-1};                               // the oldest message when expiry was looked at,
  std::optional<int64_t> head_expires{};              // and when it does
  Offset retained_at{-1};                             // the segment that was the last one when retention was applied
  Offset uncounted{0}, uncounted_end{0};  // what was there at the start and is not among the ready bytes yet
};

}  // namespace naru
