#include "base/erlang_text.h"

#include <algorithm>

namespace naru {

std::string erlang_binary(ByteView bytes) {
  bool printable = std::ranges::all_of(bytes, [](uint8_t byte) { return byte >= ' ' && byte < 0x7f; });
  if (!printable || bytes.empty()) return erlang_bytes(bytes);
  std::string text = "<<\"";
  for (uint8_t byte : bytes) {
    if (byte == '"' || byte == '\\') text += '\\';
    text += static_cast<char>(byte);
  }
  return text + "\">>";
}

std::string erlang_bytes(ByteView bytes) {
  std::string text = "<<";
  for (uint8_t byte : bytes) {
    if (text.size() > 2) text += ',';
    text += std::to_string(byte);
  }
  return text + ">>";
}

}  // namespace naru
