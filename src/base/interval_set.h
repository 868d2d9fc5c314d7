#pragma once
#include <cstdint>
#include <map>

#include "base/check.h"

namespace naru {

/// Disjoint, non-adjacent half-open ranges [first, last) of 64-bit numbers. Costs memory by ranges, not by numbers.
class IntervalSet {
 public:
  /// Adds [first, last), merging with what touches it. first < last.
  void add(int64_t first, int64_t last) {
    CHECK(first < last);
    auto next = ranges_.upper_bound(first);
    if (next != ranges_.begin()) {
      auto before = std::prev(next);
      if (before->second >= first) {
        first = before->first;
        last = std::max(last, before->second);
        count_ -= before->second - before->first;
        ranges_.erase(before);
      }
    }
    while (next != ranges_.end() && next->first <= last) {
      last = std::max(last, next->second);
      count_ -= next->second - next->first;
      next = ranges_.erase(next);
    }
    ranges_.emplace_hint(next, first, last);
    count_ += last - first;
  }
  /// Takes everything below `floor` out.
  void remove_below(int64_t floor) {
    while (!ranges_.empty() && ranges_.begin()->first < floor) {
      auto [first, last] = *ranges_.begin();
      ranges_.erase(ranges_.begin());
      count_ -= last - first;
      if (last > floor) {
        ranges_.emplace(floor, last);
        count_ += last - floor;
      }
    }
  }
  bool contains(int64_t number) const {
    auto next = ranges_.upper_bound(number);
    return next != ranges_.begin() && std::prev(next)->second > number;
  }
  /// The first number >= `from` that is not in the set.
  int64_t first_gap(int64_t from) const {
    auto next = ranges_.upper_bound(from);
    if (next == ranges_.begin()) return from;
    auto before = std::prev(next);
    return before->second > from ? before->second : from;
  }
  /// The first number >= `from` that is in the set; INT64_MAX if there is none.
  int64_t first_in(int64_t from) const {
    auto next = ranges_.upper_bound(from);
    if (next != ranges_.begin() && std::prev(next)->second > from) return from;
    return next == ranges_.end() ? INT64_MAX : next->first;
  }
  void clear() { ranges_.clear(), count_ = 0; }
  bool empty() const { return ranges_.empty(); }
  /// How many numbers are in the set.
  int64_t count() const { return count_; }
  /// first -> last, ascending.
  const std::map<int64_t, int64_t>& ranges() const { return ranges_; }

 private:
  std::map<int64_t, int64_t> ranges_;
  int64_t count_ = 0;
};

}  // namespace naru
