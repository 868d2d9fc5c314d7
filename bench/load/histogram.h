#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <string>

namespace naru::load {

/// Counts durations in nanoseconds to within 1.6 %, however long: 64 buckets per power of two.
class Histogram {
 public:
  void add(int64_t ns) {
    const auto value = static_cast<uint64_t>(std::max<int64_t>(ns, 0));
    ++counts_[bucket_of(value)];
    ++total_;
    max_ = std::max(max_, value);
  }

  uint64_t total() const { return total_; }

  /// The duration that a share of `quantile` of all did not exceed.
  uint64_t at(double quantile) const {
    auto left = static_cast<uint64_t>(quantile * static_cast<double>(total_));
    for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      if (counts_[bucket] > left) return std::min(upper_bound_of(bucket), max_);
      left -= counts_[bucket];
    }
    return max_;
  }

  /// {"p50":..., ...} in milliseconds, or null when nothing was measured.
  std::string json() const {
    if (total_ == 0) return "null";
    char text[160];
    std::snprintf(text, sizeof text, R"({"p50":%.3f,"p99":%.3f,"p999":%.3f,"max":%.3f})", ms(at(0.50)), ms(at(0.99)),
                  ms(at(0.999)), ms(max_));
    return text;
  }

 private:
  static constexpr int precision_bits = 6;
  static constexpr size_t buckets_per_power = 1 << precision_bits;

  static double ms(uint64_t ns) { return static_cast<double>(ns) / 1e6; }
  static size_t bucket_of(uint64_t value) {
    if (value < buckets_per_power) return value;
    const auto shift = static_cast<size_t>(std::bit_width(value)) - precision_bits - 1;
    return (shift + 1) * buckets_per_power + ((value >> shift) - buckets_per_power);
  }
  static uint64_t upper_bound_of(size_t bucket) {
    if (bucket < buckets_per_power) return bucket;
    const size_t shift = bucket / buckets_per_power - 1;
    return ((bucket % buckets_per_power + buckets_per_power + 1) << shift) - 1;
  }

  std::array<uint64_t, (64 - precision_bits + 1) * buckets_per_power> counts_{};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

}  // namespace naru::load
