#pragma once
#include <cstdint>
#include <string>

namespace naru::io {

/// What the cgroups of this process let it take, in bytes; UINT64_MAX without a limit. `root` is where the system's
/// files are, for tests.
uint64_t memory_granted(const std::string& root = "");

}  // namespace naru::io
