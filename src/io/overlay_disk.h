#pragma once
// A disk whose changes stay in memory: what is below is only ever read. So `naru check` runs recovery's own code on a
// data folder and looks at what would come of it, without touching it.
#include <map>
#include <set>

#include "io/disk.h"

namespace naru::io {

/// Costs memory for pages that differ from what is below, so writing what stands there already is free.
class OverlayDisk final : public Disk {
 public:
  explicit OverlayDisk(Disk& below) : below_(below) {}

  Result<std::unique_ptr<File>> open(const std::string& path, Open mode, Cache cache = Cache::paged) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  Result<void> make_folder(const std::string&) override { return {}; }
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> sync_folder(const std::string&) override { return {}; }
  Result<void> sync_all() override { return {}; }

  struct Node;  // a file as it is up here

 private:
  Disk& below_;
  std::map<std::string, std::shared_ptr<Node>> nodes_;  // files that were opened for writing; nullptr: removed
};

}  // namespace naru::io
