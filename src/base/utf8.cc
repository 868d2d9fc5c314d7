#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace naru {
namespace {

/// Bytes of the character at the start of `text`, which is not empty; 0 if there is none.
size_t character(std::string_view text) {
  auto at = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0u; };
  auto goes_on = [&](size_t i) { return (at(i) & 0xc0) == 0x80; };
  unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;  // a byte that goes on, or an overlong form
  if (first < 0xe0) return goes_on(1) ? 2 : 0;
  if (first < 0xf0) {
    bool overlong = first == 0xe0 && at(1) < 0xa0, surrogate = first == 0xed && at(1) >= 0xa0;
    return goes_on(1) && goes_on(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first > 0xf4) return 0;
  bool overlong = first == 0xf0 && at(1) < 0x90, too_high = first == 0xf4 && at(1) >= 0x90;
  return goes_on(1) && goes_on(2) && goes_on(3) && !overlong && !too_high ? 4 : 0;
}

bool eight_are_ascii(std::string_view text) {
  uint64_t word;
  std::memcpy(&word, text.data(), sizeof word);
  return (word & 0x8080808080808080) == 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    if (text.size() >= 8 && eight_are_ascii(text)) {
      text.remove_prefix(8);
      continue;
    }
    size_t bytes = character(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string_view cut_utf8(std::string_view text, size_t bytes_max, size_t chars_max) {
  if (text.size() <= bytes_max && text.size() <= chars_max) return text;
  size_t end = 0;
  for (size_t chars = 0; chars < chars_max && end < text.size(); ++chars) {
    size_t bytes = character(text.substr(end));
    if (bytes == 0) bytes = 1;
    if (end + bytes > bytes_max) break;
    end += bytes;
  }
  return text.substr(0, end);
}

}  // namespace naru
