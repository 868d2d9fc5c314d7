#pragma once
// Space on the disk that is kept for when there is no other: a file that holds nothing and is removed then. With it
// what waits in memory gets written and settlements go on, so that a full disk can become emptier by naru's own doing.
#include <string>

#include "io/disk.h"

namespace naru {

class SpaceReserve {
 public:
  SpaceReserve(io::Disk& disk, std::string path, uint64_t bytes) : disk_(disk), path_(std::move(path)), bytes_(bytes) {}

  /// Takes the space; says whether there is a reserve now: a file system that cannot tell beforehand has none.
  /// Code::full if there is not that much. Blocks, as does give_up.
  Result<bool> take();
  void give_up() { (void)disk_.remove(path_).has_value(); }

 private:
  io::Disk& disk_;
  std::string path_;
  uint64_t bytes_;
};

}  // namespace naru
