#include <charconv>
#include <utility>

#include "base/erlang_text.h"
#include "broker/field_table.h"

namespace naru {
namespace {

constexpr int printed_depth_max = 8;
constexpr size_t printed_bytes_max = 4 * KiB;

void print(std::string& to, const FieldValue& value, int depth);

template <class Number>
void print_number(std::string& to, Number number) {
  char digits[32];
  to.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void print_text(std::string& to, ByteView bytes) {
  to += '"';
  for (uint8_t byte : bytes.first(std::min<size_t>(bytes.size(), 256))) {
    if (byte == '"' || byte == '\\') to += '\\';
    if (byte >= ' ' && byte != 0x7f) {
      to += static_cast<char>(byte);
    } else {
      to += "\\x";
      to += "0123456789abcdef"[byte >> 4];
      to += "0123456789abcdef"[byte & 15];
    }
  }
  to += bytes.size() > 256 ? "…\"" : "\"";
}

void print(std::string& to, FieldTableView table, int depth) {
  to += '{';
  const char* between = "";
  for (const Field& field : table) {
    to += std::exchange(between, ", ");
    if (depth == 0 || to.size() > printed_bytes_max) {
      to += "…";
      break;
    }
    print_text(to, view(field.name));
    to += ": ";
    print(to, field.value, depth - 1);
  }
  to += '}';
}

void print(std::string& to, FieldArrayView array, int depth) {
  to += '[';
  const char* between = "";
  for (const FieldValue& value : array) {
    to += std::exchange(between, ", ");
    if (depth == 0 || to.size() > printed_bytes_max) {
      to += "…";
      break;
    }
    print(to, value, depth - 1);
  }
  to += ']';
}

void print(std::string& to, const FieldValue& value, int depth) {
  if (auto number = value.integer()) return print_number(to, *number);
  if (auto number = value.real()) return print_number(to, *number);
  if (auto flag = value.boolean()) return void(to += *flag ? "true" : "false");
  if (auto time = value.timestamp()) return print_number(to, time->seconds);
  if (auto table = value.table()) return print(to, *table, depth);
  if (auto array = value.array()) return print(to, *array, depth);
  if (auto decimal = value.decimal()) {
    print_number(to, decimal->value);
    to += "e-";
    return print_number(to, static_cast<unsigned>(decimal->scale));
  }
  if (value.is_none()) return void(to += "null");
  print_text(to, value.bytes);
}

}  // namespace

std::string to_text(FieldTableView table) {
  std::string text;
  print(text, table, printed_depth_max);
  return text;
}
std::string to_text(const FieldValue& value) {
  std::string text;
  print(text, value, printed_depth_max);
  return text;
}

namespace {

void print_term(std::string& to, const FieldValue& value, int depth);

void print_term(std::string& to, const Field& field, int depth) {
  to += "{" + erlang_binary(field.name) + "," + name(field.value.type) + ",";
  print_term(to, field.value, depth);
  to += '}';
}
void print_item_term(std::string& to, const FieldValue& value, int depth) {
  to += std::string("{") + name(value.type) + ",";
  print_term(to, value, depth);
  to += '}';
}

template <class Fields, class Print>
void print_list_term(std::string& to, const Fields& fields, int depth, Print print_one) {
  to += '[';
  const char* between = "";
  for (const auto& field : fields) {
    to += std::exchange(between, ",");
    if (depth == 0 || to.size() > printed_bytes_max) {
      to += "...";
      break;
    }
    print_one(to, field, depth - 1);
  }
  to += ']';
}

/// Erlang prints whole numbers with a fraction, and no + in exponents.
void print_real_term(std::string& to, double real) {
  std::string digits;
  print_number(digits, real);
  if (digits.find_first_of(".en") == std::string::npos) digits += ".0";
  to += digits;
}

void print_term(std::string& to, const FieldValue& value, int depth) {
  if (auto number = value.integer()) return print_number(to, *number);
  if (auto number = value.real()) return print_real_term(to, *number);
  if (auto flag = value.boolean()) return void(to += *flag ? "true" : "false");
  if (auto time = value.timestamp()) return print_number(to, time->seconds);
  if (auto decimal = value.decimal())
    return void(to += "{" + std::to_string(decimal->scale) + "," + std::to_string(decimal->value) + "}");
  if (auto table = value.table())
    return print_list_term(to, *table, depth, [](auto& out, const Field& f, int d) { print_term(out, f, d); });
  if (auto array = value.array())
    return print_list_term(to, *array, depth,
                           [](auto& out, const FieldValue& v, int d) { print_item_term(out, v, d); });
  if (value.is_none()) return void(to += "undefined");
  to += erlang_binary(value.bytes);
}

}  // namespace

std::string erlang_text(const FieldValue& value) {
  std::string text;
  print_term(text, value, printed_depth_max);
  return text;
}

}  // namespace naru
