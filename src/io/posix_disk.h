#pragma once
#include "io/disk.h"

namespace naru::io {

/// The data folder `root` on the machine's file system, created if absent. Holds a lock on it: a second broker on the
/// same folder gets Code::busy.
Result<std::unique_ptr<Disk>> open_disk(const std::string& root);
/// Without the lock and without creating anything, for `naru check`.
Result<std::unique_ptr<Disk>> open_disk_for_reading(const std::string& root);

}  // namespace naru::io
