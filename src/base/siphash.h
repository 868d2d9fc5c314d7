#pragma once
// SipHash-2-4 (Aumasson, Bernstein 2012): a short code that only who knows the key can make or predict.
#include <bit>

#include "base/bytes.h"
#include "base/endian.h"

namespace naru {

struct SipKey {
  uint64_t a = 0, b = 0;
};

inline uint64_t siphash(const SipKey& key, ByteView bytes) {
  uint64_t v0 = key.a ^ 0x736f6d6570736575, v1 = key.b ^ 0x646f72616e646f6d, v2 = key.a ^ 0x6c7967656e657261,
           v3 = key.b ^ 0x7465646279746573;
  auto round = [&] {
    v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
  };
  auto take = [&](uint64_t word) {
    v3 ^= word;
    round(), round();
    v0 ^= word;
  };
  uint64_t last = uint64_t{bytes.size()} << 56;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) take(load_le<uint64_t>(bytes.data()));
  for (size_t i = 0; i < bytes.size(); ++i) last |= uint64_t{bytes[i]} << (8 * i);
  take(last);
  v2 ^= 0xff;
  round(), round(), round(), round();
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace naru
