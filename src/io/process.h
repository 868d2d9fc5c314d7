#pragma once
#include <cstdint>
#include <string>

namespace naru::io {

/// Memory of this process that is not swapped out or gone to disk, in bytes; 0 if the system does not tell.
uint64_t resident_bytes();

/// Bytes that nobody else can have: neither files that are mapped nor the page cache count. 0 if the system does not
/// say.
uint64_t memory_used();
int process_id();
/// Descriptors that this process has, and may have.
struct Descriptors {
  uint64_t used = 0, most = 0;
};
Descriptors descriptors();

/// Returns to the system what was freed.
void give_memory_back();

/// Of the file system that a folder is on, in bytes: what this user may still write, and all of it. Without a limit
/// where nobody can tell.
struct Space {
  uint64_t free = UINT64_MAX, total = UINT64_MAX;
};
Space space_of(const std::string& folder);

}  // namespace naru::io
