#pragma once
// Whether a peer sends so slowly that others should not have to wait for the memory that is held for it.
#include "io/loop.h"

namespace naru::io {

class Pace {
 public:
  static constexpr uint64_t least_bytes_per_ms = 16;

  void begin(Millis now) {
    since_ = now;
    bytes_ = 0;
    away_ms_ = 0;
  }
  void received(size_t bytes) { bytes_ += bytes; }
  /// From then on until now nobody listened: that does not count.
  void away(Millis from, Millis now) { away_ms_ += now - std::max(from, since_); }
  /// Since it was asked last, or since begin. Not before it could be told.
  bool is_slow(Millis now) {
    constexpr Millis least_ms = 1000;
    Millis listened = now - since_ - away_ms_;
    if (listened < least_ms) return false;
    bool slow = bytes_ < static_cast<uint64_t>(listened) * least_bytes_per_ms;
    begin(now);
    return slow;
  }

 private:
  Millis since_ = 0, away_ms_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace naru::io
