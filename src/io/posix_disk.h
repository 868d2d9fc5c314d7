#pragma once
#include "io/disk.h"

namespace naru::io {

/// The data folder `root` on the machine's file system, created if absent. Holds a lock on it: a second broker on the
/// same folder gets Code::busy.
Result<std::unique_ptr<Disk>> open_disk(const std::string& root);
/// Only for reading, for `naru check`: creates and changes nothing. Shares the lock with others who only read; while a
/// broker has the folder, and for a broker while somebody reads, there is Code::busy.
Result<std::unique_ptr<Disk>> open_disk_for_reading(const std::string& root);

}  // namespace naru::io
