#pragma once
// Hashes that are the same on every machine and in every version: where a message goes may depend on them.
#include "base/bytes.h"
#include "base/endian.h"

namespace naru {

/// Each bit of the input changes about half of the output (splitmix64's finalizer; Steele, Lea, Flood 2014).
constexpr uint64_t mix64(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// Well spread, not secret: whoever chooses the bytes can make collisions.
inline uint64_t hash64(ByteView bytes, uint64_t seed = 0) {
  uint64_t hash = mix64(seed + 0x9e3779b97f4a7c15 * (bytes.size() + 1));
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) hash = mix64(hash ^ load_le<uint64_t>(bytes.data()));
  uint64_t rest = 0;
  for (size_t i = 0; i < bytes.size(); ++i) rest |= uint64_t{bytes[i]} << (8 * i);
  return mix64(hash ^ rest);
}

}  // namespace naru
