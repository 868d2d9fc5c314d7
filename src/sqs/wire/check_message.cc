#include "sqs/wire/check_message.h"

#include <algorithm>

#include "base/endian.h"
#include "base/utf8.h"

namespace naru::sqs {
namespace {

constexpr size_t attributes_max = 10, name_bytes_max = 256, type_bytes_max = 256;
constexpr std::string_view trace_header = "AWSTraceHeader";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::unexpected<Refusal> wrong(std::string text) { return refuse(ErrorCode::invalid_parameter, std::move(text)); }

std::string quoted(std::string_view before, std::string_view name, std::string_view behind) {
  std::string text(before);
  text.append("'").append(name).append("'").append(behind);
  return text;
}

/// 12, -0.5, +1e10.
bool is_number(std::string_view text) {
  size_t i = 0;
  auto digits = [&] {
    size_t first = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - first;
  };
  auto sign = [&] { i += i < text.size() && (text[i] == '+' || text[i] == '-'); };
  sign();
  size_t count = digits();
  if (i < text.size() && text[i] == '.') ++i, count += digits();
  if (count == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    sign();
    if (digits() == 0) return false;
  }
  return i == text.size();
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) {
  auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  return text.size() >= lower.size() && std::ranges::equal(text.substr(0, lower.size()), lower, same);
}

Reply<void> check_name(std::string_view name) {
  if (name.empty()) return wrong("The request must contain non-empty message (user) attribute names.");
  if (name.size() > name_bytes_max) return wrong("Message (user) attribute name must be shorter than 256 bytes.");
  if (starts_with_ignoring_case(name, "aws.") || starts_with_ignoring_case(name, "amazon."))
    return wrong(
        "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. These strings are reserved for "
        "internal use.");
  // Letters of other alphabets pass, as they do there.
  auto fits = [](char c) {
    return is_digit(c) || is_letter(c) || c == '_' || c == '-' || c == '.' || static_cast<uint8_t>(c) >= 0x80;
  };
  bool dots_well = !name.starts_with('.') && !name.ends_with('.') && !name.contains("..");
  if (!dots_well || !std::ranges::all_of(name, fits) || !is_utf8(name))
    return wrong(quoted("Invalid message (user) attribute name ", name,
                        ". The name can contain alphanumeric characters and the underscore (_), hyphen (-), and "
                        "period (.). It can't start or end with a period, or have periods in succession."));
  return {};
}

/// "String" of "String.custom"; nothing if it is none of the three.
std::optional<std::string_view> kind_of(std::string_view type) {
  std::string_view kind = type.substr(0, type.find('.'));
  if (kind != "String" && kind != "Number" && kind != "Binary") return std::nullopt;
  auto fits = [](char c) { return is_digit(c) || is_letter(c) || c == '_' || c == '-' || c == '.'; };
  if (!std::ranges::all_of(type, fits)) return std::nullopt;
  return kind;
}

Reply<AttributeView> check_attribute(const GivenAttribute& given) {
  if (auto fine = check_name(given.name); !fine) return std::unexpected(fine.error());
  std::string_view name = given.name, type = given.type.value_or("");
  if (type.empty())
    return wrong(quoted("The message (user) attribute ", name, " must contain a non-empty message attribute type."));
  if (type.size() >= type_bytes_max) return wrong("Message (user) attribute type must be shorter than 256 bytes.");
  auto kind = kind_of(type);
  if (!kind)
    return wrong(quoted("The type of message (user) attribute ", name,
                        " is invalid. You must use only the following supported type prefixes: Binary, Number, "
                        "String."));
  if (given.has_list) return wrong("Message attribute list values in SendMessage operation are not supported.");
  if (!given.text && !given.binary)
    return wrong(quoted("The message (user) attribute ", name, " must contain a non-empty message attribute value."));
  const Text& value = *kind == "Binary" ? given.binary : given.text;
  if (!value || value->empty())
    return wrong(
        quoted("Message (user) attribute ", name, quoted(" must contain a non-empty value of type ", *kind, ".")));
  if (*kind == "Number" && !is_number(*value))
    return wrong(quoted("Can't cast the value of message (user) attribute ", name, " to a number."));
  if (*kind != "Binary" && !is_message_text(*value))
    return refuse(ErrorCode::invalid_message_contents,
                  quoted("The value of message (user) attribute ", name, " has characters that are not allowed."));
  return AttributeView{name, type, *value};
}

}  // namespace

bool is_message_text(std::string_view text) {
  // Most text has nothing below a blank and nothing above 0x7e; one look per byte says so.
  bool plain = true;
  for (char c : text) plain &= static_cast<uint8_t>(c) >= 0x20 && static_cast<uint8_t>(c) < 0x80;
  if (plain) return true;
  if (!is_utf8(text)) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<uint8_t>(text[i]);
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
    // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
    if (c == 0xef && text.substr(i, 3) >= std::string_view("\xef\xbf\xbe")) return false;
  }
  return true;
}

bool is_message_key(std::string_view text) {
  auto is_visible = [](char c) { return c > ' ' && c < 0x7f; };
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, is_visible);
}

Reply<std::vector<AttributeView>> check_attributes(const GivenAttributes& given) {
  std::vector<AttributeView> all;
  if (given.empty()) return all;
  if (given.size() > attributes_max)
    return wrong("Number of message attributes [" + std::to_string(given.size()) + "] exceeds the allowed maximum [" +
                 std::to_string(attributes_max) + "].");
  all.reserve(given.size());
  for (const GivenAttribute& one : given) {
    auto attribute = check_attribute(one);
    if (!attribute) return std::unexpected(std::move(attribute.error()));
    all.push_back(*attribute);
  }
  std::ranges::sort(all, {}, &AttributeView::name);
  auto same_name = [](const AttributeView& a, const AttributeView& b) { return a.name == b.name; };
  if (auto twice = std::ranges::adjacent_find(all, same_name); twice != all.end())
    return wrong(quoted("Message (user) attribute name ", twice->name, " already exists."));
  return all;
}

Reply<Text> check_system_attributes(const GivenAttributes& given) {
  Text trace;
  for (const GivenAttribute& one : given) {
    if (one.name != trace_header) return wrong(quoted("Message system attribute name ", one.name, " is invalid."));
    if (one.type.value_or("") != "String")
      return wrong(quoted("The type of message system attribute ", one.name,
                          " is invalid. You must use only the following supported type prefixes: String."));
    if (one.text.value_or("").empty())
      return wrong(quoted("Message system attribute ", one.name, " must contain a non-empty value of type 'String'."));
    trace = one.text;
  }
  return trace;
}

size_t message_bytes(std::string_view body, std::span<const AttributeView> attributes) {
  size_t bytes = body.size();
  for (const AttributeView& one : attributes) bytes += one.name.size() + one.type.size() + one.value.size();
  return bytes;
}

std::optional<Md5> md5_of(std::span<const AttributeView> attributes) {
  if (attributes.empty()) return std::nullopt;
  thread_local Md5Maker maker;
  auto add_sized = [&](std::string_view bytes) {
    uint8_t size[4];
    store_be(size, static_cast<uint32_t>(bytes.size()));
    maker.add({reinterpret_cast<const char*>(size), sizeof size}).add(bytes);
  };
  for (const AttributeView& one : attributes) {
    add_sized(one.name);
    add_sized(one.type);
    maker.add(one.is_binary() ? std::string_view("\2") : std::string_view("\1"));
    add_sized(one.value);
  }
  return maker.take();
}

}  // namespace naru::sqs
