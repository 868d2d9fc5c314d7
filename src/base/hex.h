#pragma once
// Bytes as hexadecimal digits, in lower case.
#include <cstdint>
#include <string>
#include <string_view>

namespace naru {

inline constexpr char hex_digits[] = "0123456789abcdef";

inline void append_hex(std::string& out, uint8_t byte) {
  out += hex_digits[byte >> 4];
  out += hex_digits[byte & 15];
}

inline std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (char c : bytes) append_hex(out, static_cast<uint8_t>(c));
  return out;
}

}  // namespace naru
