#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace naru {

/// 128 bits that name a topic or a data folder. All zero means "none".
struct Uuid {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
  bool is_none() const { return *this == Uuid{}; }
};

/// URL-safe base64 without padding, the form that Kafka's tools print: "Nz9dS0i0Qy2bmX8nG3cZpA".
std::string to_text(const Uuid& id);

}  // namespace naru
