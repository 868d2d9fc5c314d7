#pragma once
// One log: an ordered, durable sequence of record batches in segment files. Lives on one core, owned by its Store.
#include <map>
#include <memory>
#include <vector>

#include "io/net.h"
#include "log/journal.h"
#include "log/log_state.h"
#include "log/segment_files.h"
#include "log/time_search.h"

namespace naru {

class AckCursor;

/// When an append may be confirmed.
enum class Durability : uint8_t {
  sync,  // on disk: survives power loss
  os,    // with the operating system: survives kill -9
};

struct LogSettings {
  Durability durability = Durability::sync;
  int64_t retention_ms = 7 * 24 * 3600 * 1000L;  // -1: for ever
  int64_t retention_bytes = -1;                  // -1: any
  uint64_t segment_bytes = 128 * MiB;
  int64_t segment_ms = 7 * 24 * 3600 * 1000L;
  int64_t segment_jitter_ms = 0;  // a segment closes up to so much earlier, each at another moment
  bool remove_old = true;         // retention by time and size
  /// A queue's log: what all its cursors have settled is given back, see reclaim.h. Without any cursor nothing goes.
  /// With a retention, whole segments go when they are settled and past it: that keeps them for replay.
  bool trim_to_cursors = false;
  bool compact = false;  // keep the last record of each key
  int64_t delete_retention_ms = 24 * 3600 * 1000L;
  int64_t min_compaction_lag_ms = 0;
  int64_t max_compaction_lag_ms = INT64_MAX;  // INT64_MAX: any
  double min_cleanable_ratio = 0.5;

  bool has_retention() const { return remove_old && (retention_ms >= 0 || retention_bytes >= 0); }
};

/// Always begin <= high_watermark <= end. [begin, high_watermark) can be read.
struct Bounds {
  Offset begin, high_watermark, end;
};

/// Whole batches, ready to send; the first one holds the offset that was asked for, or what comes after it where the
/// log has it no more (compacted away, or settled and given back).
struct Slice {
  Offset first;         // base offset of the first batch
  io::FileRange range;  // length 0: nothing there yet
};

/// Told when a log has more to read. Owned by whoever waits; it unregisters itself.
class ReadWaiter {
 public:
  virtual ~ReadWaiter() = default;
  /// `bytes` more became readable. Called from within the log: do no more than note it and post.
  virtual void on_readable(uint64_t bytes) = 0;
  /// The log begins later than before: what was below is no longer there. As with on_readable.
  virtual void on_trimmed() {}
  /// The log is being deleted and has already forgotten this waiter.
  virtual void on_gone() = 0;
};

struct Appended {
  Offset base;
  JournalPosition position = 0;  // confirm when this is durable; 0: at once
  bool duplicate = false;        // the producer had sent it before; base is what it got then
  int64_t max_timestamp = -1;    // of the batch that a duplicate repeats
};

/// What a log tells its store.
class LogOwner {
 public:
  virtual ~LogOwner() = default;
  /// The segment has bytes that no checkpoint synced.
  virtual void touched(const SegmentId& segment) = 0;
  /// `bytes` were added; the high watermark may move when `position` is durable.
  virtual void appended(class Log& log, JournalPosition position, uint64_t bytes) = 0;
  /// [at, at + length) of a segment has been written a while ago and could go to the disk before a checkpoint asks.
  virtual void settled(std::shared_ptr<io::File> file, uint64_t at, uint64_t length) = 0;
  /// `begin` moved up: cursors do not stay behind it.
  virtual void trimmed(class Log& log) = 0;
  /// The files are to be deleted once all that is journaled now is durable.
  virtual void released(StreamId stream, std::vector<Segment> segments) = 0;
};

/// What a log uses of its store.
struct LogContext {
  io::Loop& loop;
  Journal& journal;
  SegmentFiles& files;
  LogOwner& owner;
  int32_t epoch;  // leader epoch of this run
};

class Log {
 public:
  struct Attached {
    CursorId id;
    AckCursor* cursor;
  };

  Log(LogContext& context, LogState state, LogSettings settings);
  Log(const Log&) = delete;
  ~Log();

  /// Gives the batch its offsets and leader epoch, in place, and adds it. `header` is what validate() said of it.
  /// Code::out_of_order, fenced: the producer's sequence; full, io: nothing happened.
  Result<Appended> append(std::span<uint8_t> batch, const BatchHeader& header);

  /// Batches from the one that holds `from` on: at least that one if it is readable, and about `bytes_max` at most.
  /// Empty at the high watermark; Code::out_of_range outside of [begin, high_watermark].
  Result<Slice> read(Offset from, uint64_t bytes_max);
  /// What read() at `from` would look at and has to wait for, because it is not in the page cache: loaded beforehand,
  /// where blocking is allowed, it costs nobody else time. Nothing if it is there, as far as one can tell. Ask again
  /// then: the index may have been missing, and the batches come next.
  std::optional<io::FileRange> missing(Offset from);
  /// The same for find_time().
  std::optional<io::FileRange> missing_for_time(WantedTime wanted);

  /// The readable record that is looked for; nothing if there is none. Code::busy: first `search` has to look into a
  /// segment; find_by_time() (time_search.h) does that elsewhere.
  Result<MaybeRecord> find_time(TimeSearch& search);
  /// The same, with all its work here and now.
  Result<MaybeRecord> find_time(WantedTime wanted);
  /// The last epoch not above `epoch`, and the offset where the next one begins; epoch -1 if there is none.
  EpochStart end_of_epoch(int32_t epoch) const;
  /// The epoch under which the record at `offset` was written.
  int32_t epoch_at(Offset offset) const;

  /// Gives up everything below `offset`. Returns the position that makes it durable.
  Result<JournalPosition> trim(Offset offset);
  /// The same for everything, which is settled up to the end and readable: no file is left then.
  JournalPosition drain();
  /// The last segment takes no more batches: what is settled of it can be given back.
  JournalPosition seal();
  /// The bytes of settled records mean nothing from now on. The caller punches them out once this is durable.
  JournalPosition give_up(const Hole& hole);
  /// Trims what retention no longer covers. Returns when to come back, or io::never.
  Result<int64_t> retain(int64_t wall_ms);
  /// Forgets idempotent producers that were idle for a day (Kafka's producer.id.expiration.ms).
  void expire_producers(int64_t wall_ms) { state_.producers.expire(wall_ms); }
  /// Closes the active segment, if it has anything, so that all is sealed.
  Result<void> roll();

  Bounds bounds() const { return {state_.begin, high_watermark_, state_.end}; }
  const LogState& state() const { return state_; }
  StreamId stream() const { return state_.stream; }
  const LogSettings& settings() const { return settings_; }
  void set_settings(const LogSettings& settings);
  int32_t epoch() const { return context_.epoch; }

  /// The cursors over this log; the store owns and attaches them.
  const std::vector<Attached>& cursors() const { return cursors_; }
  void attach(CursorId id, AckCursor& cursor) { cursors_.push_back({id, &cursor}); }
  void detach(CursorId id) {
    std::erase_if(cursors_, [id](const Attached& attached) { return attached.id == id; });
  }
  /// Below it every cursor has settled all that was ever readable; `begin` while there is no cursor.
  Offset settled_floor() const;

  void add_waiter(ReadWaiter* waiter) { waiters_.push_back(waiter); }
  void remove_waiter(ReadWaiter* waiter) { std::erase(waiters_, waiter); }

  /// All appended up to `end` is as durable as the log's level asks. Called by the store.
  void advance(Offset end, Offset segment, uint64_t segment_bytes);
  /// When this is durable, all that was appended is as durable as the log's level asks.
  JournalPosition last_position() const { return last_position_; }
  /// Batches were appended at level `os` in this run: the journal does not have them.
  bool has_unjournaled() const { return has_unjournaled_; }
  /// A checkpoint covers everything so far: the next append at level `os` must mark the log again.
  void checkpointed() { marked_dirty_ = touched_ = false; }
  Offset active_base() const { return state_.segments.empty() ? state_.end : state_.segments.back().base; }
  uint64_t active_bytes() const { return state_.segments.empty() ? 0 : state_.segments.back().bytes; }
  /// Replaces sealed segments [first, last] by `fresh`; see compactor.
  void replace(Offset first, Offset last, std::vector<Segment> fresh);

 private:
  Result<void> start_segment();
  void journal_producers();
  bool must_roll(uint64_t bytes, int64_t timestamp) const;
  int64_t segment_age_ms_max() const;
  int64_t written_by(const Segment& segment) const;
  /// The segment that holds `offset`.
  size_t segment_of(Offset offset) const;
  uint64_t readable_bytes(size_t segment) const;
  struct Position {
    uint64_t at = 0;
    BatchHeader header;
  };
  Result<SegmentIndex*> index_of(size_t segment);
  uint64_t end_of_run(size_t segment, uint64_t at) const;
  Result<Position> find_batch(size_t segment, Offset offset);
  template <class Position>
  std::optional<io::FileRange> missing_in(size_t segment, Position position);
  bool is_just_written(size_t segment, uint64_t at) const;
  Result<MaybeRecord> first_by_time(TimeSearch& search);
  Result<MaybeRecord> newest(TimeSearch& search);
  Result<MaybeRecord> first_by_time_in(size_t segment, int64_t timestamp, TimeSearch& search);
  Result<MaybeRecord> newest_in(size_t segment, TimeSearch& search);
  Result<SegmentPart> part_of(size_t segment, int64_t timestamp);
  Result<uint64_t> end_of_batches(io::File& file, uint64_t from, uint64_t limit, uint64_t end);
  std::optional<Position> next_batch(size_t segment, Offset offset);
  void note_read_end(size_t segment, uint64_t at);

  /// Where a read ended, and the next one is likely to begin.
  struct ReadEnd {
    Offset segment{-1};
    uint32_t version = 0;
    uint64_t at = 0;
  };

  LogContext& context_;
  LogState state_;
  LogSettings settings_;
  Offset high_watermark_;
  Offset readable_segment_;      // the segment that the high watermark is in,
  uint64_t readable_bytes_ = 0;  // and how much of it is below
  uint64_t behind_bytes_ = 0;    // of that segment, on their way to the disk already
  io::Millis appended_at_ = 0;   // on the loop's clock; 0: not in this run
  bool marked_dirty_ = false, roll_wanted_ = false, has_unjournaled_ = false, touched_ = false;
  Journal::CopyTail copy_tail_;
  int64_t opened_ms_;                           // on the wall clock
  std::map<Offset, int64_t> untimed_segments_;  // without a timestamp: when they were last written, in this run
  JournalPosition mark_position_ = 0, last_position_ = 0;
  std::vector<ReadWaiter*> waiters_;
  std::vector<Attached> cursors_;
  ReadEnd read_ends_[2];
};

}  // namespace naru
