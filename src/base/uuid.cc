#include "base/uuid.h"

#include "base/hex.h"

namespace naru {

std::string to_text(const Uuid& id) {
  static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (uint8_t byte : id.bytes) {
    bits = bits << 8 | byte;
    for (held += 8; held >= 6; held -= 6) out.push_back(alphabet[bits >> (held - 6) & 63]);
  }
  if (held > 0) out.push_back(alphabet[bits << (6 - held) & 63]);
  return out;
}

namespace {

constexpr bool has_dash_before(size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::string to_hex_text(const Uuid& id) {
  std::string out;
  out.reserve(36);
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    if (has_dash_before(i)) out.push_back('-');
    append_hex(out, id.bytes[i]);
  }
  return out;
}

std::optional<Uuid> uuid_of_hex_text(std::string_view text) {
  Uuid id;
  if (text.size() != 36) return std::nullopt;
  size_t at = 0;
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    if (has_dash_before(i) && text[at++] != '-') return std::nullopt;
    int high = digit_of(text[at]), low = digit_of(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[i] = static_cast<uint8_t>(high << 4 | low);
    at += 2;
  }
  return id;
}

}  // namespace naru
