#pragma once
// JSON (RFC 8259) as values and as text. Integers that fit 64 bits stay integers. Objects keep the order of their
// names.
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace naru {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;  // null
  // Defined in json.cc: the compiler would make the variant's copies anew in every file that has a Json.
  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();
  Json(std::same_as<bool> auto value) : value_(value) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Json(T value) : value_(static_cast<int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  static Json object() { return Json(Object()); }
  static Json array() { return Json(Array()); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  std::optional<bool> boolean() const;
  std::optional<int64_t> integer() const;
  /// Of either kind of number.
  std::optional<double> number() const;
  std::optional<std::string_view> text() const;
  /// Null if it is another kind of value.
  const Array* items() const { return std::get_if<Array>(&value_); }
  const Object* members() const { return std::get_if<Object>(&value_); }
  Array* items() { return std::get_if<Array>(&value_); }
  Object* members() { return std::get_if<Object>(&value_); }

  /// The member of this name; null if there is none, or this is no object.
  const Json* find(std::string_view name) const;
  /// The text of a member; "" if there is none, or it is no text.
  std::string_view text_of(std::string_view name) const;
  /// Sets a member, of an object or of null, which becomes one.
  Json& set(std::string_view name, Json value);
  /// Appends to an array or to null, which becomes one.
  Json& push(Json value);

  bool operator==(const Json& other) const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

/// Of members of the same name, the last one takes the first one's place: for an object that was filled without
/// looking.
void keep_last_of_each(Json::Object& members);

/// A text in its quotes. Bytes that are no UTF-8 are written as if they were Latin-1.
void append_json_text(std::string& out, std::string_view text);
/// Without spaces. Bytes that are no UTF-8 are written as if they were Latin-1.
std::string to_text(const Json& value);
/// Of a name that comes twice, the last one holds. Code::invalid, with what is wrong and where; so is nesting
/// beyond 32.
Result<Json> parse_json(std::string_view text, size_t values_max = SIZE_MAX);

}  // namespace naru
