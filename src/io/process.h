#pragma once
#include <cstdint>

namespace naru::io {

/// Memory of this process that is not swapped out or gone to disk, in bytes; 0 if the system does not tell.
uint64_t resident_bytes();

}  // namespace naru::io
