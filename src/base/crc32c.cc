#include "base/crc32c.h"

#include <isa-l/crc.h>

namespace naru {

// ISA-L neither inverts before nor after, and takes a non-const pointer that it does not write through.
uint32_t crc32c(ByteView bytes, uint32_t seed) {
  auto* data = const_cast<unsigned char*>(bytes.data());
  while (bytes.size() > INT32_MAX) {  // its length is an int
    seed = ~crc32_iscsi(data, INT32_MAX, ~seed);
    data += INT32_MAX;
    bytes = bytes.subspan(INT32_MAX);
  }
  return ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~seed);
}

}  // namespace naru
