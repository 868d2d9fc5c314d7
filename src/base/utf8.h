#pragma once
// UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, nothing above U+10FFFF.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace naru {

bool is_utf8(std::string_view text);

/// The longest start of `text` that has at most `bytes_max` bytes and `chars_max` characters and does not end inside of
/// a character. Bytes that are no UTF-8 count as one character each.
std::string_view cut_utf8(std::string_view text, size_t bytes_max, size_t chars_max = SIZE_MAX);

}  // namespace naru
