#pragma once
// The hash by which Kafka's Java producer spreads keys over partitions (Appleby's MurmurHash2, 32 bits): what naru puts
// into a topic itself goes to the partition where that producer would put it.
#include <cstdint>

#include "base/bytes.h"
#include "base/endian.h"

namespace naru {

inline uint32_t murmur2(ByteView bytes) {
  constexpr uint32_t seed = 0x9747b28c, multiplier = 0x5bd1e995;
  constexpr int shift = 24;
  uint32_t hash = seed ^ static_cast<uint32_t>(bytes.size());
  for (; bytes.size() >= 4; bytes = bytes.subspan(4)) {
    uint32_t word = load_le<uint32_t>(bytes.data()) * multiplier;
    word = (word ^ (word >> shift)) * multiplier;
    hash = (hash * multiplier) ^ word;
  }
  if (!bytes.empty()) {
    for (size_t i = 0; i < bytes.size(); ++i) hash ^= uint32_t{bytes[i]} << (8 * i);
    hash *= multiplier;
  }
  hash = (hash ^ (hash >> 13)) * multiplier;
  return hash ^ (hash >> 15);
}

}  // namespace naru
