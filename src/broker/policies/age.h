#pragma once
// Times in the arguments of queues and in policies.
#include <cstdint>
#include <optional>
#include <string_view>

namespace naru {

inline constexpr int64_t ttl_ms_max = 315'360'000'000;  // ten years

/// "7D", "30s": a number and one of Y (365 days), M (30 days), D, h, m, s. In milliseconds; nothing if it is no age.
std::optional<int64_t> parse_age(std::string_view text);

}  // namespace naru
