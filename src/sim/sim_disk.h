#pragma once
// A disk in memory that forgets what no sync covered. Losing power keeps a random part of the unsynced writes, sector
// by sector, and a random part of the unsynced changes of names: harsher than any file system that promises an order.
#include <map>
#include <set>

#include "base/prng.h"
#include "io/disk.h"

namespace naru::sim {

class SimDisk final : public io::Disk {
 public:
  explicit SimDisk(uint64_t seed) : random_(seed) {}

  Result<std::unique_ptr<io::File>> open(const std::string& path, io::Open mode,
                                         io::Cache cache = io::Cache::paged) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  Result<void> make_folder(const std::string& folder) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> sync_folder(const std::string& folder) override;
  Result<void> sync_all() override;

  /// From now on every call fails, as after pulling the plug; what the disk holds then is what survived.
  void lose_power();
  /// From now on every call fails, but all that was written is kept, as after kill -9.
  void kill();
  /// A disk after restart, with what this one held when power or process went.
  std::unique_ptr<SimDisk> restarted(uint64_t seed) const;

  /// Faults. `space` bytes in all files at most; a lying disk reports syncs that it does not do (negative control).
  void set_space(uint64_t bytes) { space_ = bytes; }
  uint64_t used() const { return used_; }
  /// Of one file, without its holes.
  uint64_t used(const std::string& path) const;
  void set_lying(bool lying) { lying_ = lying; }
  /// Fails the n-th sync from now with an I/O error.
  void fail_sync_in(int n) { fail_sync_in_ = n; }
  /// Pulls the plug just before the n-th call from now.
  void lose_power_in(int n) { lose_power_in_ = n; }
  bool is_dead() const { return dead_; }
  /// The next `n` holes are refused for want of space: to split an extent takes some.
  void fail_punches(int n) { fail_punches_ = n; }
  /// The process has no file descriptor left: opening fails with Code::busy.
  void set_out_of_files(bool out) { out_of_files_ = out; }

  /// Contents of a file as a reader sees it now; for tests that damage a byte.
  Bytes* contents(const std::string& path);
  std::vector<std::string> paths() const;

 private:
  struct Write {
    uint64_t at;
    Bytes bytes;
    bool truncate = false;  // to size `at`
  };
  struct Inode {
    Bytes now, durable;
    std::vector<Write> unsynced;
    std::set<uint64_t> holes;  // numbers of blocks without space of their own
    uint64_t used() const { return now.size() - std::min<uint64_t>(now.size(), holes.size() * block_bytes); }
  };
  struct NameChange {
    std::string from, to;  // rename; create: from empty; remove: to empty
    std::shared_ptr<Inode> inode;
  };
  class SimFile;

  static constexpr uint64_t block_bytes = 4096;

  Result<void> alive();
  Result<void> sync(Inode& inode);
  void apply(const NameChange& change, std::map<std::string, std::shared_ptr<Inode>>& names) const;
  static std::string folder_of(const std::string& path);

  Prng random_;
  std::map<std::string, std::shared_ptr<Inode>> names_, durable_names_;
  std::vector<NameChange> unsynced_names_;
  std::set<std::string> folders_;
  uint64_t space_ = UINT64_MAX, used_ = 0;
  bool lying_ = false, dead_ = false, out_of_files_ = false;
  int fail_sync_in_ = -1, lose_power_in_ = -1, fail_punches_ = 0;
};

}  // namespace naru::sim
