#include "broker/policies/age.h"

#include <charconv>

namespace naru {

std::optional<int64_t> parse_age(std::string_view text) {
  constexpr int64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
  int64_t number = 0;
  const char* end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number < 0 || end - at != 1) return std::nullopt;
  auto times = [number](int64_t unit) -> std::optional<int64_t> {
    if (number > INT64_MAX / 4 / unit) return std::nullopt;
    return number * unit;
  };
  switch (*at) {
    case 'Y': return times(365 * day);
    case 'M': return times(30 * day);
    case 'D': return times(day);
    case 'h': return times(hour);
    case 'm': return times(minute);
    case 's': return times(second);
    default: return std::nullopt;
  }
}

}  // namespace naru
