#pragma once
// The journal of one core: what makes everything durable. Entries gather in memory during a turn of the loop; one write
// and one sync then serve all of them, and whoever comes while a sync runs forms the next group.
//
// Owner: Store. Files: journal/<generation>-<core>-<number>, zeros ahead of what is written, and recycled.
#include <coroutine>
#include <deque>
#include <memory>
#include <string>

#include "io/disk.h"
#include "io/loop.h"
#include "log/format.h"
#include "log/space_reserve.h"

namespace naru {

/// Counts journal bytes from the start of this run; grows with every entry.
using JournalPosition = uint64_t;

/// Which run of which core wrote a file: part of each entry's checksum.
struct JournalId {
  uint64_t generation = 0;
  uint32_t core = 0;
};
std::string journal_file_name(JournalId id, uint32_t number);

/// Memory for a write past the page cache.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer&& other) noexcept { *this = std::move(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_), std::swap(size_, other.size_), std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~AlignedBuffer();
  uint8_t* grow(size_t bytes);  // the new bytes, uninitialised
  void clear() { size_ = 0; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  uint8_t* data() { return data_; }
  ByteView all() const { return {data_, size_}; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

class Journal {
 public:
  struct Limits {
    uint64_t file_bytes = 64 * MiB;     // a full file asks for a checkpoint
    uint64_t write_bytes = 4 * MiB;     // what one write takes at most, unless one entry is larger
    uint64_t waiting_bytes = 32 * MiB;  // entries in memory; beyond, has_room() is false
    uint64_t reserve_bytes = 0;         // of disk, for when there is no other space; 0: for what may be waiting then
  };
  struct Events {
    std::move_only_function<void(JournalPosition)> durable;  // all below is on disk
    // A new file begins and has no entry yet: what is in memory now is what all files before it make, provided that
    // every change journals first and happens then.
    std::move_only_function<void()> file_full;
    std::move_only_function<void(Error)> failed;  // a sync failed: nothing may be believed from now on
    std::move_only_function<void()> space{};      // is_full() has changed
  };

  Journal(io::Loop& loop, io::Disk& disk, JournalId id, Limits limits, Events events);
  ~Journal();

  /// Opens the first file. `spares` are files of an earlier run that may be recycled.
  Result<void> start(std::vector<std::string> spares);

  /// Adds an entry whose payload is the given pieces; copies them. Never waits, never fails: see has_room() and
  /// is_full(). Returns the position that durable() must reach.
  JournalPosition append(EntryKind kind, ByteView a, ByteView b = {});
  /// Where the last copy to a file stands, so that the next one can join it. Each log has one.
  class CopyTail {
    friend class Journal;
    uint64_t group = 0;
    size_t run = 0;
  };
  /// As append, and `b` is written to `file` at `at` as well, with the group and before it counts as durable: many
  /// batches of one log then cost one write, and none of it happens on the loop. Sync is not implied.
  JournalPosition append_copied(EntryKind kind, ByteView a, ByteView b, const std::shared_ptr<io::File>& file,
                                uint64_t at, CopyTail& tail);

  JournalPosition end() const { return end_; }
  JournalPosition durable() const { return durable_; }
  /// Resumes when everything below `position` is on disk, or with the error that ended the journal.
  auto wait(JournalPosition position) { return Wait{*this, position, /*patient=*/true}; }
  /// As wait, but gives up with Code::full while there is no space at all: whether it will be durable is then unknown.
  auto wait_if_space(JournalPosition position) { return Wait{*this, position, /*patient=*/false}; }
  /// Resumes when has_room() again.
  io::Task<> room();
  bool has_room() const { return waiting_bytes_ < limits_.waiting_bytes; }
  /// The disk is full, or no descriptor is left: records should be refused. What was appended is written to space that
  /// was kept for that, as are settlements and the like from now on; when that is used up too, all waits. Heals by
  /// itself.
  bool is_full() const { return full_ || short_of_space_; }
  /// Not even that can be written now.
  bool is_stuck() const { return full_; }
  /// Writes nothing any more; resumes when nothing is on its way.
  io::Task<> abandon();

  /// The file that takes new entries; those with a lower number hold nothing else than entries below.
  uint32_t file_number() const { return fill_file_; }
  /// Position at which file_number() begins.
  JournalPosition file_begin() const { return fill_file_begin_; }
  /// Files below `number` are covered by a checkpoint and may be written over.
  void recycle_below(uint32_t number);
  /// Files that hold entries not yet covered.
  size_t files_in_use() const { return files_.size(); }
  /// Starts a new file now, so that a checkpoint can cover all before it. False if the file has no entry yet.
  bool switch_file();

 private:
  struct Wait {
    Journal& journal;
    JournalPosition position;
    bool patient;
    bool await_ready() const { return journal.durable_ >= position || journal.failed_ || (!patient && journal.full_); }
    void await_suspend(std::coroutine_handle<> waiter) { journal.add_waiter({position, patient, waiter}); }
    Result<void> await_resume() const;
  };
  struct Waiter {
    JournalPosition position;
    bool patient;
    std::coroutine_handle<> handle;
  };
  /// A part of a group that a segment gets too.
  struct Copy {
    size_t offset, length;  // in the group's bytes
    size_t next = 0;        // the copy that goes behind it in the segment, plus 1
  };
  /// Copies that stand one behind the other in their file.
  struct CopyRun {
    std::shared_ptr<io::File> file;
    uint64_t at, end;    // in the file
    size_t first, last;  // copies
  };
  /// Entries that one write takes to one place.
  struct Group {
    uint32_t file = 0;
    uint64_t at = 0;
    JournalPosition end = 0;
    AlignedBuffer bytes;
    std::vector<Copy> copies;
    std::vector<CopyRun> runs;
    uint64_t copied_bytes = 0;
  };
  struct Flight;
  struct Opened {
    uint32_t number;
    std::unique_ptr<io::File> file;
    uint64_t written;    // up to here something was written once: to write it again changes no sizes
    bool named = false;  // its name is on disk too
  };

  Group& open_group(size_t entry_bytes);
  void write_entry(EntryKind kind, ByteView a, ByteView b);
  void flush_later();
  void flush();
  /// From so many bytes on, a group goes to its segments beside the journal's write, on another thread: both cost about
  /// as long. For less, waking that thread costs more than it saves.
  static constexpr size_t copy_beside_bytes = 256 * KiB;
  Result<void> write_group(Opened& to, const Group& group);
  static Result<void> copy_out(const Group& group);
  static Result<void> copy_run(const Group& group, const CopyRun& run);
  void written(Result<void> result);
  void use_reserve();
  void take_reserve();
  void tell_space();
  void took_reserve(const Result<bool>& taken);
  void retry();
  Result<void> open_file(uint32_t number);
  void add_waiter(Waiter waiter);
  void wake(JournalPosition durable);
  void wake_impatient();

  io::Loop& loop_;
  io::Disk& disk_;
  JournalId id_;
  Limits limits_;
  Events events_;
  std::shared_ptr<SpaceReserve> reserve_;

  std::deque<Opened> files_;  // in use, ascending; the newest last
  std::vector<std::string> spares_;
  uint32_t fill_file_ = 0;  // where new entries go
  uint64_t fill_at_ = 0;    // next free aligned position there
  JournalPosition fill_file_begin_ = 0;
  std::deque<Group> groups_;  // the last one is open unless sealed_; the first may be in flight
  bool sealed_ = true, in_flight_ = false, flush_planned_ = false, full_ = false, failed_ = false, abandoned_ = false;
  bool told_full_ = false;
  bool has_reserve_ = false, short_of_space_ = false;  // the reserve is in use, or could not be had
  std::vector<AlignedBuffer> buffers_;                 // recycled
  JournalPosition end_ = 0, durable_ = 0;
  uint64_t waiting_bytes_ = 0, group_number_ = 0;
  std::deque<Waiter> waiters_;  // by position
  std::vector<io::Wakeup*> room_waiters_;
  io::Timer retry_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// One entry as found on disk.
struct JournalEntry {
  EntryKind kind;
  uint64_t at;  // in its file
  ByteView payload;
};

/// How a file's entries end.
struct JournalEnd {
  uint64_t first_group = 0, last_group = 0;  // numbers of the groups seen; 0 = none. They go on from file to file
  uint64_t at = 0;                           // after the last whole entry
  bool torn = false;                         // something follows that is not whole: a write that power loss cut
  uint64_t damaged_before = 0;               // > 0: a whole later group begins here, so what is broken had been durable
};

/// Reads a journal file's entries in order and says how they end. Stops early if `on_entry` fails.
Result<JournalEnd> read_journal(io::File& file, JournalId id, uint32_t number,
                                const std::function<Result<void>(const JournalEntry&)>& on_entry);

}  // namespace naru
