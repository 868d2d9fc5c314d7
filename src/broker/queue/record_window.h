#pragma once
// The records of one log that are in memory: what was appended a moment ago and not yet taken, and one run of batches
// read back from the segments. A queue whose consumers keep up is served from the first and never reads a file; one
// with a backlog reads it in long runs, in the order of offsets.
//
// Uncompressed batches only: what a producer compressed is inflated when it is read back.
#include <vector>

#include "io/loop.h"
#include "log/log.h"
#include "log/record.h"

namespace naru {

/// One record as the queue layer sees it. Borrows the window until the next call that is not const.
struct StoredRecord : Record {
  std::optional<int64_t> expires_ms{};  // ms since 1970; no longer among the headers
  bool was_produced = false;            // by a client of Kafka's: queues give these the time when they come

  ByteView body() const { return value.value_or(ByteView()); }
};

/// The record header that says when a message expires: milliseconds since 1970, as text. Always the first one.
inline constexpr std::string_view expires_header = "naru.expires";

class RecordWindow {
 public:
  /// Of a topic's records nobody but their producers has written headers: none says when they expire.
  void trust_no_headers() { trusts_headers_ = false; }

  enum class Found : uint8_t {
    here,
    elsewhere,  // not in memory: load() it
    gone,       // the log has no such record: compaction took it, or it is no message
  };

  /// Keeps a batch that was just appended: whole, uncompressed, following the one kept before.
  void keep(Offset first, Offset end, Bytes batch);
  /// The first offset that is kept; a number above all offsets if there is none.
  Offset kept_from() const { return kept().empty() ? Offset(INT64_MAX) : kept().front().first; }
  /// Forgets kept batches below `offset`.
  void forget_below(Offset offset);
  /// What it takes in memory.
  size_t bytes() const { return kept_bytes_ + run_.bytes.capacity(); }
  /// How much more that is than at the last call; for who adds up what many take.
  int64_t grown() {
    size_t before = std::exchange(counted_, bytes());
    return static_cast<int64_t>(counted_) - static_cast<int64_t>(before);
  }
  /// Forgets everything; it can be read back once it is on disk.
  void clear();
  /// The same for a window whose records somebody may be borrowing: they stay until what is returned goes.
  [[nodiscard]] RecordWindow give_up();

  Found find(Offset offset, StoredRecord* record);

  /// There is nothing at [first, end), and will not be.
  void note_gone(Offset first, Offset end) { run_ = {.first = first, .end = end, .bytes = {}, .next = first}; }

  /// Reads a run of batches from `offset` on, on a thread where blocking is allowed. Code::out_of_range if the log
  /// cannot be read there yet (or no more); the window may be used, but not loaded, meanwhile.
  io::Task<Result<void>> load(io::Loop& loop, Log& log, Offset offset, size_t bytes_max);
  /// The same of what a log has at `offset`, wherever that lives.
  io::Task<Result<void>> load(io::Loop& loop, Slice slice, Offset offset);

 private:
  /// Batches one behind the other, and where the last find ended: mostly the next one is asked for.
  struct Run {
    Offset first{}, end{};
    Bytes bytes;
    size_t batch_at = 0, record_at = 0;  // record_at 0: at the batch's first record
    Offset next{};                       // no record below it lies at or behind record_at
  };
  Found find_in(Run& run, Offset offset, StoredRecord* record) const;

  std::span<Run> kept() { return std::span(kept_).subspan(passed_); }
  std::span<const Run> kept() const { return std::span(kept_).subspan(passed_); }

  // No deque: an empty one takes 600 bytes, and most queues are idle.
  std::vector<Run> kept_;
  size_t passed_ = 0;  // so many at the front are forgotten
  bool trusts_headers_ = true;
  size_t kept_bytes_ = 0, counted_ = 0;
  Run run_;
};

}  // namespace naru
