#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace naru {

/// 128 bits that name a topic or a data folder. All zero means "none".
struct Uuid {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
  bool is_none() const { return *this == Uuid{}; }
};

/// URL-safe base64 without padding, the form that Kafka's tools print: "Nz9dS0i0Qy2bmX8nG3cZpA".
std::string to_text(const Uuid& id);

/// The usual form, in lower case: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6".
std::string to_hex_text(const Uuid& id);
/// Nothing if it is not just that.
std::optional<Uuid> uuid_of_hex_text(std::string_view text);

}  // namespace naru
