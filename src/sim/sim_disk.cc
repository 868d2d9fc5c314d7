#include "sim/sim_disk.h"

#include <cerrno>

namespace naru::sim {
namespace {

constexpr size_t sector_bytes = 512;

void write_at(Bytes& file, uint64_t at, ByteView bytes) {
  if (bytes.empty()) return;
  if (file.size() < at + bytes.size()) file.resize(at + bytes.size());
  std::memcpy(file.data() + at, bytes.data(), bytes.size());
}

}  // namespace

class SimDisk::SimFile final : public io::File {
 public:
  SimFile(SimDisk& disk, std::shared_ptr<Inode> inode) : disk_(disk), inode_(std::move(inode)) {}

  Result<void> read(uint64_t at, std::span<uint8_t> into) override {
    TRY_VOID(disk_.alive());
    if (at + into.size() > inode_->now.size()) return fail(Code::out_of_range, "file ends early");
    if (!into.empty()) std::memcpy(into.data(), inode_->now.data() + at, into.size());
    return {};
  }
  Result<void> write(uint64_t at, std::span<const ByteView> pieces) override {
    TRY_VOID(disk_.alive());
    for (ByteView piece : pieces) {
      uint64_t grown = at + piece.size() > inode_->now.size() ? at + piece.size() - inode_->now.size() : 0;
      fill_holes(at, piece.size());
      // As a real disk does, a full one takes what fits and then says so.
      uint64_t room = disk_.space_ - std::min(disk_.space_, disk_.used_);
      bool full = grown > room;
      if (full) piece = piece.first(piece.size() - std::min<uint64_t>(piece.size(), grown - room));
      disk_.used_ += std::min(grown, room);
      write_at(inode_->now, at, piece);
      inode_->unsynced.push_back({at, Bytes(piece.begin(), piece.end())});
      if (full) return fail(Code::full, "disk full");
      at += piece.size();
    }
    return {};
  }
  Result<void> sync() override {
    TRY_VOID(disk_.alive());
    return disk_.sync(*inode_);
  }
  Result<uint64_t> size() override {
    TRY_VOID(disk_.alive());
    return inode_->now.size();
  }
  Result<void> truncate(uint64_t size) override {
    TRY_VOID(disk_.alive());
    disk_.used_ -= std::min(disk_.used_, inode_->used());
    inode_->now.resize(size);
    inode_->holes.erase(inode_->holes.lower_bound(size / block_bytes), inode_->holes.end());
    disk_.used_ += inode_->used();
    inode_->unsynced.push_back({size, {}, true});
    return {};
  }
  Result<void> punch(uint64_t at, uint64_t length) override {
    TRY_VOID(disk_.alive());
    if (disk_.fail_punches_ > 0) return --disk_.fail_punches_, fail(Code::full, "no space for a hole");
    if (at >= inode_->now.size()) return {};
    Bytes zeros(std::min<uint64_t>(length, inode_->now.size() - at));
    write_at(inode_->now, at, zeros);
    for (uint64_t block = (at + block_bytes - 1) / block_bytes; (block + 1) * block_bytes <= at + length; ++block)
      if ((block + 1) * block_bytes <= inode_->now.size() && inode_->holes.insert(block).second)
        disk_.used_ -= std::min(disk_.used_, block_bytes);
    inode_->unsynced.push_back({at, std::move(zeros)});
    return {};
  }
  Result<void> allocate(uint64_t size) override {
    TRY_VOID(disk_.alive());
    uint64_t grown = size - std::min<uint64_t>(size, inode_->now.size());
    if (grown > disk_.space_ - std::min(disk_.space_, disk_.used_)) return fail(Code::full, "disk full");
    disk_.used_ += grown;
    if (grown > 0) inode_->now.resize(size);
    return {};
  }
  void write_behind(uint64_t, uint64_t) override {}
  void forget(uint64_t, uint64_t) override {}
  bool is_cached(uint64_t, uint64_t) override { return disk_.random_.chance(0.5); }

 private:
  /// What is written to where a hole was takes space again.
  void fill_holes(uint64_t at, uint64_t length) {
    for (uint64_t block = at / block_bytes; block * block_bytes < at + length; ++block)
      if (inode_->holes.erase(block) > 0) disk_.used_ += block_bytes;
  }

  SimDisk& disk_;
  std::shared_ptr<Inode> inode_;
};

std::string SimDisk::folder_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

Result<void> SimDisk::alive() {
  if (lose_power_in_ >= 0 && lose_power_in_-- == 0) lose_power();
  if (dead_) return fail(Code::io, "the power is gone");
  return {};
}

Result<std::unique_ptr<io::File>> SimDisk::open(const std::string& path, io::Open mode, io::Cache) {
  TRY_VOID(alive());
  if (out_of_files_) return fail(Code::busy, "open", EMFILE);
  auto found = names_.find(path);
  if (found == names_.end()) {
    if (mode == io::Open::read || mode == io::Open::write) return fail(Code::not_found, "open");
    found = names_.emplace(path, std::make_shared<Inode>()).first;
    unsynced_names_.push_back({"", path, found->second});
  } else if (mode == io::Open::create_new) {
    used_ -= std::min(used_, found->second->used());
    found->second->now.clear();
    found->second->holes.clear();
    found->second->unsynced.push_back({0, {}, true});
  }
  return std::make_unique<SimFile>(*this, found->second);
}

Result<std::vector<std::string>> SimDisk::list(const std::string& folder) {
  TRY_VOID(alive());
  if (!folder.empty() && !folders_.contains(folder)) return fail(Code::not_found, "open folder");
  std::vector<std::string> out;
  for (const auto& [path, inode] : names_)
    if (folder_of(path) == folder) out.push_back(path.substr(folder.empty() ? 0 : folder.size() + 1));
  return out;
}

Result<void> SimDisk::make_folder(const std::string& folder) {
  TRY_VOID(alive());
  folders_.insert(folder);  // folders are made once, at the first start; losing them is not a story worth telling
  return {};
}

void SimDisk::apply(const NameChange& change, std::map<std::string, std::shared_ptr<Inode>>& names) const {
  if (!change.from.empty()) {
    auto found = names.find(change.from);
    if (found != names.end() && found->second == change.inode) names.erase(found);
  }
  if (!change.to.empty()) names[change.to] = change.inode;
}

Result<void> SimDisk::rename(const std::string& from, const std::string& to) {
  TRY_VOID(alive());
  auto found = names_.find(from);
  if (found == names_.end()) return fail(Code::not_found, "rename");
  if (auto old = names_.find(to); old != names_.end() && old->second != found->second)
    used_ -= std::min(used_, old->second->used());
  unsynced_names_.push_back({from, to, found->second});
  apply(unsynced_names_.back(), names_);
  return {};
}

Result<void> SimDisk::remove(const std::string& path) {
  TRY_VOID(alive());
  auto found = names_.find(path);
  if (found == names_.end()) return fail(Code::not_found, "remove");
  used_ -= std::min(used_, found->second->used());
  unsynced_names_.push_back({path, "", found->second});
  apply(unsynced_names_.back(), names_);
  return {};
}

Result<void> SimDisk::sync(Inode& inode) {
  if (fail_sync_in_ >= 0 && fail_sync_in_-- == 0) return fail(Code::io, "fdatasync", 5);
  if (lying_) return {};
  inode.durable = inode.now;
  inode.unsynced.clear();
  return {};
}

Result<void> SimDisk::sync_folder(const std::string& folder) {
  TRY_VOID(alive());
  if (lying_) return {};
  std::vector<NameChange> rest;
  for (auto& change : unsynced_names_) {
    bool here = (!change.from.empty() && folder_of(change.from) == folder) ||
                (!change.to.empty() && folder_of(change.to) == folder);
    if (here) {
      apply(change, durable_names_);
    } else {
      rest.push_back(std::move(change));
    }
  }
  unsynced_names_ = std::move(rest);
  return {};
}

Result<void> SimDisk::sync_all() {
  TRY_VOID(alive());
  for (auto& [path, inode] : names_) TRY_VOID(sync(*inode));
  if (lying_) return {};
  for (auto& change : unsynced_names_) apply(change, durable_names_);
  unsynced_names_.clear();
  return {};
}

void SimDisk::lose_power() {
  dead_ = true;
  // Each change of a name reached the disk or not, whatever its order.
  for (auto& change : unsynced_names_)
    if (random_.chance(0.5)) apply(change, durable_names_);
  unsynced_names_.clear();
  double kept = random_.chance(0.3) ? 0.0 : random_.chance(0.3) ? 1.0 : 0.5;
  std::set<Inode*> done;
  auto settle = [&](Inode& inode) {
    if (!done.insert(&inode).second) return;
    for (const Write& write : inode.unsynced) {
      if (write.truncate) {
        if (random_.chance(0.5)) inode.durable.resize(write.at);
        continue;
      }
      for (size_t from = 0; from < write.bytes.size();) {
        size_t to =
            std::min<size_t>(write.bytes.size(), (((write.at + from) / sector_bytes) + 1) * sector_bytes - write.at);
        if (random_.chance(kept))
          write_at(inode.durable, write.at + from, ByteView(write.bytes).subspan(from, to - from));
        from = to;
      }
    }
    inode.now = inode.durable;
    inode.unsynced.clear();
    inode.holes.clear();  // whether a punch reached the disk is not kept track of
  };
  for (auto& [path, inode] : names_) settle(*inode);
  for (auto& [path, inode] : durable_names_) settle(*inode);
  names_ = durable_names_;
}

void SimDisk::kill() { dead_ = true; }

std::unique_ptr<SimDisk> SimDisk::restarted(uint64_t seed) const {
  auto disk = std::make_unique<SimDisk>(seed);
  std::map<Inode*, std::shared_ptr<Inode>> copies;
  auto copy = [&](const std::shared_ptr<Inode>& inode) {
    auto& made = copies[inode.get()];
    if (!made) made = std::make_shared<Inode>(*inode);
    return made;
  };
  for (const auto& [path, inode] : names_) {
    disk->names_[path] = copy(inode);
    disk->used_ += inode->used();
  }
  for (const auto& [path, inode] : durable_names_) disk->durable_names_[path] = copy(inode);
  for (const auto& change : unsynced_names_)
    disk->unsynced_names_.push_back({change.from, change.to, copy(change.inode)});
  disk->folders_ = folders_;
  return disk;
}

Bytes* SimDisk::contents(const std::string& path) {
  auto found = names_.find(path);
  return found == names_.end() ? nullptr : &found->second->now;
}

uint64_t SimDisk::used(const std::string& path) const {
  auto found = names_.find(path);
  return found == names_.end() ? 0 : found->second->used();
}

std::vector<std::string> SimDisk::paths() const {
  std::vector<std::string> out;
  for (const auto& [path, inode] : names_) out.push_back(path);
  return out;
}

}  // namespace naru::sim
