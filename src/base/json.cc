#include "base/json.h"

#include <charconv>
#include <cmath>

#include "base/hex.h"

namespace naru {

Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) = default;
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;
bool Json::operator==(const Json& other) const = default;

std::optional<bool> Json::boolean() const {
  auto value = std::get_if<bool>(&value_);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<int64_t> Json::integer() const {
  auto value = std::get_if<int64_t>(&value_);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<double> Json::number() const {
  if (auto whole = integer()) return static_cast<double>(*whole);
  auto value = std::get_if<double>(&value_);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::string_view> Json::text() const {
  auto value = std::get_if<std::string>(&value_);
  return value ? std::optional<std::string_view>(*value) : std::nullopt;
}

const Json* Json::find(std::string_view name) const {
  if (auto* object = members())
    for (auto& [key, value] : *object)
      if (key == name) return &value;
  return nullptr;
}

std::string_view Json::text_of(std::string_view name) const {
  const Json* member = find(name);
  return member ? member->text().value_or("") : "";
}

Json& Json::set(std::string_view name, Json value) {
  if (is_null()) value_ = Object();
  auto* object = members();
  if (!object) return *this;
  for (auto& [key, old] : *object) {
    if (key != name) continue;
    old = std::move(value);
    return *this;
  }
  object->emplace_back(std::string(name), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  if (is_null()) value_ = Array();
  if (auto* array = items()) array->push_back(std::move(value));
  return *this;
}

namespace {

/// How many bytes the UTF-8 sequence at the start of `text` has; 0 if there is none (RFC 3629).
size_t utf8_sequence(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t first = byte(0);
  size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size > text.size()) return 0;
  for (size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if (size == 3 && ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f))) return 0;
  if (size == 4 && ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f))) return 0;
  return size;
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  size_t run = 0;  // where what needs no escape began
  for (size_t i = 0; i < text.size();) {
    auto c = static_cast<uint8_t>(text[i]);
    size_t size = c < 0x80 ? 1 : utf8_sequence(text.substr(i));
    if (c >= 0x20 && c != '"' && c != '\\' && size > 0) {
      i += size;
      continue;
    }
    out.append(text, run, i - run);
    run = ++i;
    out += '\\';
    switch (c) {
      case '"':
      case '\\': out += static_cast<char>(c); break;
      case '\n': out += 'n'; break;
      case '\r': out += 'r'; break;
      case '\t': out += 't'; break;
      default:  // or a byte of no sequence: the character of that number
        out += "u00";
        append_hex(out, c);
    }
  }
  out.append(text, run);
  out += '"';
}

namespace {

void write_real(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";  // JSON has no word for it
    return;
  }
  char buffer[32];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string_view digits(buffer, static_cast<size_t>(end - buffer));
  out += digits;
  if (digits.find_first_of(".e") == digits.npos) out += ".0";  // stays what it is when it is read again
}

// Recursion is bounded: parse_json refuses deep nesting, and what the broker makes itself is shallow.
void write(std::string& out, const Json& value) {
  if (auto boolean = value.boolean()) {
    out += *boolean ? "true" : "false";
  } else if (auto integer = value.integer()) {
    out += std::to_string(*integer);
  } else if (auto number = value.number()) {
    write_real(out, *number);
  } else if (auto text = value.text()) {
    append_json_text(out, *text);
  } else if (auto* items = value.items()) {
    out += '[';
    for (size_t i = 0; i < items->size(); ++i) {
      if (i > 0) out += ',';
      write(out, (*items)[i]);
    }
    out += ']';
  } else if (auto* members = value.members()) {
    out += '{';
    for (size_t i = 0; i < members->size(); ++i) {
      if (i > 0) out += ',';
      append_json_text(out, (*members)[i].first);
      out += ':';
      write(out, (*members)[i].second);
    }
    out += '}';
  } else {
    out += "null";
  }
}

}  // namespace

std::string to_text(const Json& value) {
  std::string out;
  write(out, value);
  return out;
}

}  // namespace naru
