#include "sqs/wire/json_cursor.h"

#include <charconv>
#include <utility>

#include "base/utf8.h"

namespace naru::sqs {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Writes a character of Unicode as UTF-8.
char* put_utf8(char* to, uint32_t c) {
  auto byte = [&](uint32_t value) { *to++ = static_cast<char>(value); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xc0 | c >> 6), byte(0x80 | (c & 63));
  } else if (c < 0x10000) {
    byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63));
  } else {
    byte(0xf0 | c >> 18), byte(0x80 | (c >> 12 & 63)), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63));
  }
  return to;
}

}  // namespace

JsonCursor::JsonCursor(std::span<char> text) : at_(text.data()), end_(text.data() + text.size()) {
  if (!is_utf8({text.data(), text.size()})) fail();
}

void JsonCursor::fail() {
  ok_ = false;
  at_ = end_;
}

void JsonCursor::skip_blanks() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
}

JsonCursor::Kind JsonCursor::peek() {
  skip_blanks();
  if (at_ == end_) return Kind::none;
  switch (*at_) {
    case '{': return Kind::object;
    case '[': return Kind::array;
    case '"': return Kind::string;
    case 't':
    case 'f': return Kind::boolean;
    case 'n': return Kind::null;
    default: return *at_ == '-' || is_digit(*at_) ? Kind::number : Kind::none;
  }
}

void JsonCursor::open(char bracket) {
  skip_blanks();
  if (at_ == end_ || *at_ != bracket || ++depth_ > depth_max) return fail();
  ++at_;
  first_ = true;
}

bool JsonCursor::goes_on(char end) {
  skip_blanks();
  bool first = std::exchange(first_, false);
  if (at_ == end_) return fail(), false;
  if (*at_ == end) {
    ++at_;
    --depth_;
    return false;
  }
  if (first) return true;
  if (*at_ != ',') return fail(), false;
  ++at_;
  return true;
}

std::optional<std::string_view> JsonCursor::next_member() {
  if (!goes_on('}')) return std::nullopt;
  std::string_view name = string();
  skip_blanks();
  if (at_ == end_ || *at_ != ':') return fail(), std::nullopt;
  ++at_;
  return name;
}

bool JsonCursor::next_item() { return goes_on(']'); }

std::optional<uint32_t> JsonCursor::hex4() {
  if (end_ - at_ < 4) return std::nullopt;
  uint32_t value = 0;
  auto [rest, error] = std::from_chars(at_, at_ + 4, value, 16);
  if (error != std::errc() || rest != at_ + 4) return std::nullopt;
  at_ += 4;
  return value;
}

/// After a backslash; writes what the escape stands for, which is never longer than the escape.
bool JsonCursor::unescape(char*& to) {
  if (at_ == end_) return false;
  char c = *at_++;
  constexpr std::string_view names = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
  if (size_t i = names.find(c); i != names.npos) {
    *to++ = meant[i];
    return true;
  }
  if (c != 'u') return false;
  auto unit = hex4();
  if (!unit) return false;
  uint32_t character = *unit;
  if (character >= 0xd800 && character < 0xe000) {  // the first half of a pair, which the second has to follow
    if (character >= 0xdc00 || end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return false;
    at_ += 2;
    auto low = hex4();
    if (!low || *low < 0xdc00 || *low >= 0xe000) return false;
    character = 0x10000 + ((character - 0xd800) << 10) + (*low - 0xdc00);
  }
  to = put_utf8(to, character);
  return true;
}

std::string_view JsonCursor::string() {
  skip_blanks();
  if (at_ == end_ || *at_ != '"') return fail(), std::string_view();
  char* begin = ++at_;
  auto is_plain = [](char c) { return c != '"' && c != '\\' && static_cast<uint8_t>(c) >= 0x20; };
  while (at_ < end_ && is_plain(*at_)) ++at_;
  char* to = at_;
  while (at_ < end_ && *at_ != '"') {
    if (*at_ == '\\') {
      ++at_;
      if (!unescape(to)) return fail(), std::string_view();
    } else if (is_plain(*at_)) {
      *to++ = *at_++;
    } else {
      return fail(), std::string_view();
    }
  }
  if (at_ == end_) return fail(), std::string_view();
  ++at_;
  return {begin, static_cast<size_t>(to - begin)};
}

std::string_view JsonCursor::number() {
  skip_blanks();
  char* begin = at_;
  auto digits = [&] {
    char* first = at_;
    while (at_ < end_ && is_digit(*at_)) ++at_;
    return at_ > first;
  };
  if (at_ < end_ && *at_ == '-') ++at_;
  if (at_ < end_ && *at_ == '0') {
    ++at_;
  } else if (!digits()) {
    return fail(), std::string_view();
  }
  if (at_ < end_ && *at_ == '.') {
    ++at_;
    if (!digits()) return fail(), std::string_view();
  }
  if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!digits()) return fail(), std::string_view();
  }
  return {begin, static_cast<size_t>(at_ - begin)};
}

std::optional<int64_t> JsonCursor::integer() {
  std::string_view digits = number();
  int64_t value = 0;
  auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (!ok_ || error != std::errc() || rest != digits.data() + digits.size()) return std::nullopt;
  return value;
}

bool JsonCursor::literal(std::string_view word) {
  skip_blanks();
  if (!std::string_view(at_, static_cast<size_t>(end_ - at_)).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

bool JsonCursor::boolean() {
  if (literal("true")) return true;
  if (!literal("false")) fail();
  return false;
}

// Recursion is bounded by depth_max.
void JsonCursor::skip() {
  switch (peek()) {
    case Kind::object:
      begin_object();
      while (next_member()) skip();
      break;
    case Kind::array:
      begin_array();
      while (next_item()) skip();
      break;
    case Kind::string: (void)string(); break;
    case Kind::number: (void)number(); break;
    case Kind::boolean: (void)boolean(); break;
    case Kind::null:
      if (!literal("null")) fail();
      break;
    case Kind::none: fail(); break;
  }
}

void JsonCursor::finish() {
  skip_blanks();
  if (at_ != end_) fail();
}

}  // namespace naru::sqs
