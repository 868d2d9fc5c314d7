#pragma once
// CRC-32C (Castagnoli) as in RFC 3720 and Kafka record batches. ISA-L picks the fastest instructions at run time.
#include <cstdint>

#include "base/bytes.h"

namespace naru {

/// Checksum of `bytes`; pass an earlier result as `seed` to go on over several pieces.
uint32_t crc32c(ByteView bytes, uint32_t seed = 0);

}  // namespace naru
