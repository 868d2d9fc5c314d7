#pragma once
// All logs, tables and cursors of one core, and the journal that makes them durable. This is naru's LogStore on local
// files: appends are acknowledged by position, reads return file ranges, a checkpoint bounds recovery. A cluster's
// store keeps the same shape: durable() may then take 100 ms, and epoch() is the fence.
#include <deque>

#include "io/cancel.h"
#include "log/checkpoint.h"
#include "log/log.h"
#include "log/reclaim.h"
#include "log/recovery.h"

namespace naru {

struct StoreSettings {
  Journal::Limits journal;
  size_t open_files_max = 1024;
  /// A checkpoint after this many bytes that only segments have (level `os`).
  uint64_t unjournaled_bytes_max = 256 * MiB;
  Reclaim::Limits reclaim{};
};

class Store final : LogOwner {
 public:
  /// Called once; the process must end then, because what it would say next could be a lie.
  using Fatal = std::move_only_function<void(Error)>;

  Store(io::Loop& loop, io::Disk& disk, JournalId id, int32_t epoch, StoreSettings settings, Fatal fatal);
  ~Store() override;

  /// Takes this core's share out of what recovery found, and begins to journal.
  Result<void> start(StoreState& recovered, const std::function<bool(uint32_t shard)>& owns,
                     std::vector<std::string> spares);

  /// The log of a stream, made if there is none yet: a log without records has no durable state.
  Log& log(StreamId stream, const LogSettings& settings);
  Log* find(StreamId stream);
  /// Forgets a log and the cursors over it, and deletes its files.
  JournalPosition drop(StreamId stream);
  const std::unordered_map<StreamId, std::unique_ptr<Log>>& logs() const { return logs_; }

  Table& table(uint32_t shard) { return tables_[shard]; }

  /// An ack cursor over a log, made at the log's first offset if there is none yet, and the log too. Once this is
  /// durable the cursor holds the log's records (LogSettings::trim_to_cursors), also over restarts. The reference stays
  /// good until the cursor is forgotten or its log dropped.
  AckCursor& cursor(CursorId id, StreamId stream);
  /// Applies a change to a cursor and journals it; fine if it has been applied already, as settle() and settle_idle()
  /// do that hand out changes. A seek below what the log still has ends at its first record.
  JournalPosition change(CursorId id, const Change& change);
  /// Writes down what has become of records that the cursor handed out, which has happened already. Needs no space that
  /// settlements might want: nothing is written while the disk is full.
  void note_taken(CursorId id, const TakenNote& note);
  /// What only this cursor kept may go. Fine if there is no such cursor.
  JournalPosition forget_cursor(CursorId id);

  /// co_await store.durable(position)
  auto durable(JournalPosition position) { return journal_.wait(position); }
  /// As durable, for who can be told Code::full and asks again: what was appended may be durable later all the same.
  auto durable_if_space(JournalPosition position) { return journal_.wait_if_space(position); }
  Journal& journal() { return journal_; }
  int32_t epoch() const { return context_.epoch; }
  bool is_full() const { return journal_.is_full(); }
  /// Told when is_full() has changed.
  std::function<void()> on_space;

  /// Waits for everything appended so far to be on disk and stores the state, so that the next start replays nothing.
  /// Code::full if the disk is: then nothing is waited for.
  io::Task<Result<void>> checkpoint();
  /// Trims all logs by their retention settings; returns when to come back (wall clock), or io::never.
  int64_t retain();
  /// Keeps settle() and the destructor waiting while somebody works on this store's files.
  class Hold {
   public:
    explicit Hold(Store& store) : store_(&store) { ++store.jobs_; }
    Hold(Hold&& other) noexcept : store_(std::exchange(other.store_, nullptr)) {}
    ~Hold() {
      if (store_) store_->job_done();
    }

   private:
    Store* store_;
  };
  Hold hold() { return Hold(*this); }
  /// Asks long work on this store's files to end early.
  void cancel_work() { cancel_.ask(); }
  const io::Cancel& cancel() const { return cancel_; }
  /// Ends without a checkpoint: waits for blocking calls that are on their way. The store may be destroyed then.
  io::Task<> settle();
  /// Ends where the disk is full: no longer tries to write what waits for space. What was confirmed is on disk.
  io::Task<> abandon();

  struct Counters {
    uint64_t appended_bytes = 0, appended_batches = 0, checkpoints = 0;
    uint64_t drained = 0, holes = 0, punched_bytes = 0;  // see reclaim.h
  };
  const Counters& counters() const { return counters_; }
  Counters& counters() { return counters_; }
  SegmentFiles& files() { return files_; }
  io::Disk& disk() { return disk_; }
  io::Loop& loop() { return context_.loop; }
  /// A compaction is done: its segments stand for [first, last] from now on. See compactor.h.
  void replace(Log& log, Offset first, Offset last, std::vector<Segment> fresh);

 private:
  struct Mark {
    JournalPosition position;
    StreamId stream;
    Offset end, segment;
    uint64_t segment_bytes;
  };
  struct HeldCursor {
    Log& log;
    AckCursor cursor;
  };
  Log& log_of(StreamId stream);
  JournalPosition journal_change(CursorId id, StreamId stream, const Change& change);
  AckCursor& hold_cursor(CursorId id, Log& log, AckCursor cursor);
  void touched(const SegmentId& segment) override { dirty_.insert(segment); }
  void trimmed(Log& log) override;
  void appended(Log& log, JournalPosition position, uint64_t bytes) override;
  void settled(std::shared_ptr<io::File> file, uint64_t at, uint64_t length) override;
  void released(StreamId stream, std::vector<Segment> segments) override { remove_files(stream, std::move(segments)); }
  void became_durable(JournalPosition position);
  void remove_files(StreamId stream, std::vector<Segment> segments);
  Bytes snapshot(uint32_t number);
  void begin_checkpoint();
  void fail_once(Error error);
  void job_done();
  void plan_checkpoint();
  io::Task<Result<void>> write_checkpoint();

  io::Disk& disk_;
  JournalId id_;
  StoreSettings settings_;
  Fatal fatal_;
  SegmentFiles files_;
  Journal journal_;
  LogContext context_;
  std::unordered_map<StreamId, std::unique_ptr<Log>> logs_;
  std::deque<Table> tables_;
  std::unordered_map<CursorId, HeldCursor> cursors_;
  Reclaim reclaim_;
  Bytes scratch_;
  std::deque<Mark> marks_;
  std::set<SegmentId> dirty_;  // segments with bytes that only the page cache has
  uint64_t unjournaled_bytes_ = 0;

  // The checkpoint being written: state as of the start of journal file `number`.
  struct Pending {
    uint32_t number;
    JournalPosition position;
    Bytes contents;
    std::set<SegmentId> dirty;
  };
  std::optional<Pending> pending_;
  bool checkpointing_ = false;
  uint32_t last_checkpoint_ = 0;
  io::Cancel cancel_;
  int jobs_ = 0;  // blocking calls on their way
  std::vector<io::Wakeup*> idle_waiters_;
  bool failed_ = false;
  io::Timer retry_;
  Counters counters_;
};

}  // namespace naru
