#pragma once
#include <compare>
#include <cstddef>
#include <functional>

namespace naru {

/// A number that does not mix with other numbers: Strong<int64_t, struct OffsetTag>. Differences and steps are plain
/// numbers, so `offset + 1` is an offset and `end - begin` a count.
template <class T, class Tag>
struct Strong {
  using Raw = T;
  T value{};
  constexpr Strong() = default;
  constexpr explicit Strong(T v) : value(v) {}
  constexpr auto operator<=>(const Strong&) const = default;
  constexpr Strong operator+(T step) const { return Strong(static_cast<T>(value + step)); }
  constexpr Strong operator-(T step) const { return Strong(static_cast<T>(value - step)); }
  constexpr T operator-(Strong other) const { return static_cast<T>(value - other.value); }
  constexpr Strong& operator+=(T step) { return value = static_cast<T>(value + step), *this; }
  constexpr Strong& operator++() { return ++value, *this; }
};

}  // namespace naru

template <class T, class Tag>
struct std::hash<naru::Strong<T, Tag>> {
  size_t operator()(naru::Strong<T, Tag> s) const noexcept { return std::hash<T>{}(s.value); }
};
