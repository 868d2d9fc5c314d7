#include <charconv>
#include <cmath>
#include <utility>

#include "base/erlang_text.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "broker/field_table.h"

namespace naru {
namespace {

template <class Number>
void print_number(std::string& to, Number number) {
  char digits[32];
  to.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

class JsonPrinter {
 public:
  JsonPrinter(std::string& to, const TextLimits& limits) : to_(to), limits_(limits), begin_(to.size()) {}

  void table(FieldTableView table, int depth) {
    list('{', '}', table, depth, [&](const Field& field) {
      text(view(field.name));
      to_ += ": ";
      value(field.value, depth + 1);
    });
  }
  void value(const FieldValue& value, int depth) {
    if (auto number = value.integer()) return print_number(to_, *number);
    if (auto number = value.real()) return real(*number);
    if (auto flag = value.boolean()) return void(to_ += *flag ? "true" : "false");
    if (auto time = value.timestamp()) return print_number(to_, time->seconds);
    if (auto inner = value.table()) return table(*inner, depth);
    if (auto inner = value.array())
      return list('[', ']', *inner, depth, [&](const FieldValue& item) { this->value(item, depth + 1); });
    if (auto decimal = value.decimal()) {
      print_number(to_, decimal->value);
      to_ += "e-";
      return print_number(to_, static_cast<unsigned>(decimal->scale));
    }
    if (value.is_none()) return void(to_ += "null");
    text(value.bytes);
  }

 private:
  template <class Fields, class Print>
  void list(char open, char close, const Fields& fields, int depth, Print print_one) {
    to_ += open;
    const char* between = "";
    for (const auto& field : fields) {
      to_ += std::exchange(between, ", ");
      if (depth == limits_.depth || to_.size() - begin_ > limits_.bytes) {
        to_ += "…";
        break;
      }
      print_one(field);
    }
    to_ += close;
  }
  void real(double number) {
    bool finite = std::isfinite(number);  // JSON knows no other numbers
    if (!finite) to_ += '"';
    print_number(to_, number);
    if (!finite) to_ += '"';
  }
  void text(ByteView bytes) {
    std::string_view all = naru::text(bytes), rest = cut_utf8(all, limits_.text_bytes);
    bool is_cut = rest.size() < all.size();
    to_ += '"';
    for (bool plain = is_utf8(rest); !rest.empty(); rest.remove_prefix(1)) {
      auto byte = static_cast<uint8_t>(rest[0]);
      if (byte == '"' || byte == '\\') to_ += '\\';
      if (byte >= ' ' && byte != 0x7f && (byte < 0x80 || plain)) {
        to_ += rest[0];
      } else {
        to_ += "\\u00";
        append_hex(to_, byte);
      }
    }
    to_ += is_cut ? "…\"" : "\"";
  }

  std::string& to_;
  const TextLimits& limits_;
  size_t begin_;
};

}  // namespace

std::string to_text(FieldTableView table, const TextLimits& limits) {
  std::string text;
  JsonPrinter(text, limits).table(table, 0);
  return text;
}
std::string to_text(const FieldValue& value, const TextLimits& limits) {
  std::string text;
  JsonPrinter(text, limits).value(value, 0);
  return text;
}

namespace {

constexpr int term_depth_max = 8;
constexpr size_t term_bytes_max = 4 * KiB;

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
    if (depth == 0 || to.size() > term_bytes_max) {
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
  print_term(text, value, term_depth_max);
  return text;
}

}  // namespace naru
