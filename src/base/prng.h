#pragma once
#include <cstdint>

#include "base/uuid.h"

namespace naru {

/// xoshiro256** (Blackman, Vigna 2018): small, fast, the same on every machine. Not for secrets.
class Prng {
 public:
  explicit Prng(uint64_t seed) {
    for (auto& word : state_) {  // splitmix64 spreads a small seed over the state
      seed += 0x9e3779b97f4a7c15;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      word = z ^ (z >> 31);
    }
  }
  uint64_t next() {
    uint64_t result = rotl(state_[1] * 5, 7) * 9, t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotl(state_[3], 45);
    return result;
  }
  /// Evenly in [0, bound); the bias for bounds far below 2^64 does not matter here. bound > 0.
  uint64_t below(uint64_t bound) { return next() % bound; }
  uint64_t between(uint64_t low, uint64_t high) { return low + below(high - low + 1); }
  bool chance(double p) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < p; }
  /// A random (version 4) UUID, as Kafka's topic ids are.
  Uuid uuid() {
    Uuid id;
    for (int half = 0; half < 2; ++half)
      for (uint64_t i = 0, word = next(); i < 8; ++i) id.bytes[half * 8 + i] = static_cast<uint8_t>(word >> (8 * i));
    id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
    return id;
  }

 private:
  static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  uint64_t state_[4];
};

}  // namespace naru
