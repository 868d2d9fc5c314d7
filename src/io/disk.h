#pragma once
// What naru asks of a disk. Paths are relative to the data folder. Every verb may block: reads and writes go through
// the page cache and are made on the loop; sync, sync_all and anything on a large folder go through Loop::work.
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace naru::io {

enum class Open : uint8_t {
  read,        // must exist
  write,       // must exist; read and write
  create,      // read and write; created when absent, contents kept
  create_new,  // read and write; emptied when present
};
/// Past the page cache where the file system can: offsets, sizes and memory in multiples of direct_align.
enum class Cache : uint8_t { paged, direct };
inline constexpr size_t direct_align = 4096;

class File {
 public:
  virtual ~File() = default;
  /// Fills `into` from `at`; Code::out_of_range when the file ends before.
  virtual Result<void> read(uint64_t at, std::span<uint8_t> into) = 0;
  /// Writes all pieces one behind the other from `at`. Code::full when there is no space: some of it may be written.
  virtual Result<void> write(uint64_t at, std::span<const ByteView> pieces) = 0;
  /// Contents and size survive power loss after this.
  virtual Result<void> sync() = 0;
  virtual Result<uint64_t> size() = 0;
  virtual Result<void> truncate(uint64_t size) = 0;
  /// Gives the space of [at, at+length) back; it reads as zeros.
  virtual Result<void> punch(uint64_t at, uint64_t length) = 0;
  /// Takes the space for `size` bytes and makes the file as long. Code::full if there is not that much,
  /// Code::unsupported where the file system cannot say.
  virtual Result<void> allocate([[maybe_unused]] uint64_t size) { return fail(Code::unsupported, "allocate"); }
  /// Starts writing [at, at+length) to the disk without waiting; a hint.
  virtual void write_behind(uint64_t at, uint64_t length) = 0;
  /// Lets the page cache forget [at, at+length); a hint.
  virtual void forget(uint64_t at, uint64_t length) = 0;
  /// Whether reading [at, at+length) waits for no disk, judged by its first and last page; true where nobody can tell.
  virtual bool is_cached(uint64_t at, uint64_t length) {
    (void)at, (void)length;
    return true;
  }
  /// Reads [at, at+length), as far as there is any, into the page cache; for where blocking is allowed. A hint.
  virtual void load(uint64_t at, uint64_t length) { (void)at, (void)length; }
  /// For sendfile; -1 where there is none.
  virtual int descriptor() const { return -1; }

  Result<void> write(uint64_t at, ByteView bytes) { return write(at, {&bytes, 1}); }
};

class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Open mode, Cache cache = Cache::paged) = 0;
  /// Names in a folder, sorted, without the folder's own path; Code::not_found if there is no such folder.
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;
  /// With parents; fine if it exists.
  virtual Result<void> make_folder(const std::string& folder) = 0;
  /// Replaces `to`. Survives power loss only after sync_folder.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  /// Names created, renamed and removed in `folder` survive power loss after this.
  virtual Result<void> sync_folder(const std::string& folder) = 0;
  /// Everything written to any file so far survives power loss after this.
  virtual Result<void> sync_all() = 0;
};

/// Reads a whole file of at most `bytes_max`.
Result<Bytes> read_file(Disk& disk, const std::string& path, uint64_t bytes_max);
/// Replaces `path` so that after a crash it is whole, old or new: writes beside it, syncs, renames, syncs the folder.
Result<void> replace_file(Disk& disk, const std::string& folder, const std::string& name, ByteView contents);

}  // namespace naru::io
