#pragma once
// Base64 (RFC 4648, section 4), with padding.
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace naru {

std::string to_base64(std::string_view bytes);
/// Nothing if it is none: another character, a wrong length, bits that are set behind the end.
std::optional<std::string> from_base64(std::string_view text);
/// The same where the text stands; borrows it.
std::optional<std::string_view> base64_in_place(std::span<char> text);

}  // namespace naru
