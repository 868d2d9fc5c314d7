#pragma once
#include <string_view>
#include <vector>

namespace naru {

/// The parts between the `at`s, empty ones too; of an empty text one empty part. They borrow the text.
inline std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace naru
