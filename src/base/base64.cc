#include "base/base64.h"

#include <array>
#include <cstdint>

namespace naru {
namespace {

constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t none = 255;

constexpr std::array<uint8_t, 256> values_by_letter() {
  std::array<uint8_t, 256> values{};
  values.fill(none);
  for (size_t i = 0; i < letters.size(); ++i) values[static_cast<uint8_t>(letters[i])] = static_cast<uint8_t>(i);
  return values;
}
constexpr auto value_of = values_by_letter();

/// Decodes to `to`, which may be where the text stands; nothing, or how many bytes it came to.
std::optional<size_t> decode(std::string_view text, char* to) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  const char* begin = to;
  uint32_t bits = 0, count = 0;
  for (char c : text.substr(0, text.size() - padding)) {
    uint8_t value = value_of[static_cast<uint8_t>(c)];
    if (value == none) return std::nullopt;
    bits = bits << 6 | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    *to++ = static_cast<char>(bits >> count & 255);
  }
  if ((bits & ((1u << count) - 1)) != 0) return std::nullopt;
  return static_cast<size_t>(to - begin);
}

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    auto byte = [&](size_t at) { return at < bytes.size() ? static_cast<uint8_t>(bytes[at]) : 0u; };
    uint32_t three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += letters[three >> 18];
    out += letters[three >> 12 & 63];
    out += i + 1 < bytes.size() ? letters[three >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? letters[three & 63] : '=';
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string out(text.size() / 4 * 3, '\0');
  auto size = decode(text, out.data());
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

std::optional<std::string_view> base64_in_place(std::span<char> text) {
  auto size = decode({text.data(), text.size()}, text.data());
  if (!size) return std::nullopt;
  return std::string_view(text.data(), *size);
}

}  // namespace naru
