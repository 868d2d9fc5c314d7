#pragma once
// Typed names and values: headers of messages, arguments of queues and bindings, what clients say of themselves.
//
// A table has one form everywhere, in memory, in the catalog and in records: the bytes of a field table of AMQP 0-9-1
// (section 4.2.5.5 and RabbitMQ's errata), without the length in front. Like record batches for logs, it is a format of
// its own that happens to be a protocol's too: order and exact types survive, copying is one memcpy, a message that is
// passed on is never decoded, and looking a name up allocates nothing.
//
//   table: (name length u8, name, value)*      array: value*      value: type letter, then big-endian
//
// Views are made only from checked bytes (parse) and borrow them. Nesting may be as deep as the bytes allow: nothing
// here recurses by it.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "base/endian.h"
#include "base/result.h"

namespace naru {

/// The numbers are the letters that stand for the types, on the wire and on disk, forever.
enum class FieldType : uint8_t {
  boolean = 't',
  int8 = 'b',
  uint8 = 'B',
  int16 = 's',
  uint16 = 'u',
  int32 = 'I',
  uint32 = 'i',
  int64 = 'l',
  int64_other = 'L',  // some clients write this letter; RabbitMQ reads it as 'l'
  float32 = 'f',
  float64 = 'd',
  decimal = 'D',    // scale u8, value u32: value / 10^scale
  timestamp = 'T',  // u64, seconds since 1970
  text = 'S',       // length u32, bytes; mostly UTF-8, but nobody checks
  bytes = 'x',      // length u32, bytes
  array = 'A',      // length in bytes u32, values
  table = 'F',      // length in bytes u32, fields
  none = 'V',
};
/// "long", "longstr": the names that RabbitMQ gives the types in its error texts.
const char* name(FieldType type);

struct Timestamp {
  uint64_t seconds = 0;
  bool operator==(const Timestamp&) const = default;
};
struct Decimal {
  uint8_t scale = 0;
  uint32_t value = 0;
  bool operator==(const Decimal&) const = default;
};

class FieldTableView;
class FieldArrayView;

/// One value. Borrows. `bytes` is what follows the letter, without the length that four of the types begin with.
struct FieldValue {
  FieldType type = FieldType::none;
  ByteView bytes{};

  bool is_none() const { return type == FieldType::none; }
  /// Of the integer types only; a timestamp is none.
  std::optional<int64_t> integer() const;
  /// Of the two floating-point types.
  std::optional<double> real() const;
  std::optional<bool> boolean() const;
  std::optional<std::string_view> text() const;
  std::optional<Timestamp> timestamp() const;
  std::optional<Decimal> decimal() const;
  std::optional<FieldTableView> table() const;
  std::optional<FieldArrayView> array() const;
};

/// Whether RabbitMQ takes two values for the same: integers of any width by their number, and so the two widths of
/// floating point; else type and content.
bool same_value(const FieldValue& a, const FieldValue& b);

struct Field {
  std::string_view name{};
  FieldValue value{};
};

/// What both views iterate with.
template <class Item>
class FieldIterator {
 public:
  FieldIterator(const uint8_t* at, const uint8_t* end) : at_(at), end_(end) { decode(); }
  const Item& operator*() const { return item_; }
  const Item* operator->() const { return &item_; }
  FieldIterator& operator++() { return at_ = next_, decode(), *this; }
  bool operator==(const FieldIterator& other) const { return at_ == other.at_; }

 private:
  void decode();
  const uint8_t *at_, *next_ = nullptr, *end_;
  Item item_{};
};

class FieldArrayView {
 public:
  FieldArrayView() = default;
  /// Checks all of it, nested values included. Code::invalid; detail = where it went wrong.
  static Result<FieldArrayView> parse(ByteView bytes);
  /// For bytes that parse has accepted before.
  static FieldArrayView of_checked(ByteView bytes) { return FieldArrayView(bytes); }

  FieldIterator<FieldValue> begin() const { return {bytes_.data(), bytes_.data() + bytes_.size()}; }
  FieldIterator<FieldValue> end() const { return {bytes_.data() + bytes_.size(), bytes_.data() + bytes_.size()}; }
  bool empty() const { return bytes_.empty(); }
  ByteView bytes() const { return bytes_; }

 private:
  explicit FieldArrayView(ByteView bytes) : bytes_(bytes) {}
  ByteView bytes_;
};

class FieldTableView {
 public:
  FieldTableView() = default;
  /// Checks all of it, nested values included. Code::invalid; detail = where it went wrong.
  static Result<FieldTableView> parse(ByteView bytes);
  /// For bytes that parse has accepted before.
  static FieldTableView of_checked(ByteView bytes) { return FieldTableView(bytes); }

  FieldIterator<Field> begin() const { return {bytes_.data(), bytes_.data() + bytes_.size()}; }
  FieldIterator<Field> end() const { return {bytes_.data() + bytes_.size(), bytes_.data() + bytes_.size()}; }
  /// The first value of this name; names may repeat. Walks the table.
  std::optional<FieldValue> find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name).has_value(); }
  /// How many fields. Walks the table.
  size_t count() const;
  bool empty() const { return bytes_.empty(); }
  ByteView bytes() const { return bytes_; }

 private:
  explicit FieldTableView(ByteView bytes) : bytes_(bytes) {}
  ByteView bytes_;
};

/// How much of a table is shown. What is left out shows as an ellipsis, and then the text is no JSON any more.
struct TextLimits {
  int depth = 8;
  size_t bytes = 4 * KiB;   // of all, about
  size_t text_bytes = 256;  // of one text
};
/// As JSON: `{"x-max-length": 10, "nested": {...}}`. Types are not told; bytes that are no UTF-8 are shown as Latin-1.
std::string to_text(FieldTableView table, const TextLimits& limits = {});
std::string to_text(const FieldValue& value, const TextLimits& limits = {});
/// As RabbitMQ's error texts show a value: 10, <<"text">>, [{<<"a">>,signedint,1}].
std::string erlang_text(const FieldValue& value);

namespace detail {
inline void append_raw(Bytes& to, FieldType type, ByteView bytes) {
  to.push_back(static_cast<uint8_t>(type));
  append(to, bytes);
}
inline void append_sized(Bytes& to, FieldType type, ByteView bytes) {
  uint8_t head[5] = {static_cast<uint8_t>(type)};
  store_be(head + 1, static_cast<uint32_t>(bytes.size()));
  append(to, head);
  append(to, bytes);
}
template <class T>
void append_integer(Bytes& to, FieldType type, T value) {
  uint8_t bytes[sizeof value];
  store_be(bytes, value);
  append_raw(to, type, bytes);
}
}  // namespace detail

void append_field_value(Bytes& to, const FieldValue& value);

/// Appends the value with the letter of exactly its type: int32_t is 'I', std::string_view 'S', ByteView 'x', nullptr
/// 'V'. There is no letter for uint64_t.
template <class T>
void append_field_value(Bytes& to, const T& value) {
  using enum FieldType;
  if constexpr (std::is_same_v<T, bool>)
    detail::append_integer(to, boolean, static_cast<uint8_t>(value));
  else if constexpr (std::is_same_v<T, int8_t>)
    detail::append_integer(to, int8, value);
  else if constexpr (std::is_same_v<T, uint8_t>)
    detail::append_integer(to, uint8, value);
  else if constexpr (std::is_same_v<T, int16_t>)
    detail::append_integer(to, int16, value);
  else if constexpr (std::is_same_v<T, uint16_t>)
    detail::append_integer(to, uint16, value);
  else if constexpr (std::is_same_v<T, int32_t>)
    detail::append_integer(to, int32, value);
  else if constexpr (std::is_same_v<T, uint32_t>)
    detail::append_integer(to, uint32, value);
  else if constexpr (std::is_same_v<T, int64_t>)
    detail::append_integer(to, int64, value);
  else if constexpr (std::is_same_v<T, float>)
    detail::append_integer(to, float32, std::bit_cast<uint32_t>(value));
  else if constexpr (std::is_same_v<T, double>)
    detail::append_integer(to, float64, std::bit_cast<uint64_t>(value));
  else if constexpr (std::is_same_v<T, Timestamp>)
    detail::append_integer(to, timestamp, value.seconds);
  else if constexpr (std::is_same_v<T, Decimal>)
    detail::append_integer(to, decimal, value.scale), to.resize(to.size() + 4),
        store_be(to.data() + to.size() - 4, value.value);
  else if constexpr (std::is_same_v<T, std::nullptr_t>)
    detail::append_raw(to, none, {});
  else if constexpr (std::is_same_v<T, ByteView> || std::is_same_v<T, Bytes>)
    detail::append_sized(to, bytes, value);
  else if constexpr (requires { value.as_field(); })
    append_field_value(to, value.as_field());
  else if constexpr (std::is_convertible_v<T, std::string_view>)
    detail::append_sized(to, text, view(std::string_view(value)));
  else
    static_assert(sizeof(T) == 0, "no field type for this");
}
inline void append_field_value(Bytes& to, FieldTableView value) {
  detail::append_sized(to, FieldType::table, value.bytes());
}
inline void append_field_value(Bytes& to, FieldArrayView value) {
  detail::append_sized(to, FieldType::array, value.bytes());
}

/// A table that owns its bytes: `FieldTable().add("x-max-length", int32_t(10)).add("product", "naru")`.
class FieldTable {
 public:
  FieldTable() = default;
  explicit FieldTable(FieldTableView copied) : bytes_(copied.bytes().begin(), copied.bytes().end()) {}

  /// Appends a field, whether or not the name is there already. Of a name longer than 255 bytes the start is taken.
  template <class T>
  FieldTable& add(std::string_view name, const T& value) {
    append_name(name);
    append_field_value(bytes_, value);
    return *this;
  }
  /// Replaces the first field of this name where it stands, or appends.
  template <class T>
  FieldTable& set(std::string_view name, const T& value) {
    Bytes encoded;
    append_field_value(encoded, value);
    replace(name, encoded);
    return *this;
  }
  /// Takes every field of this name out; false if there was none.
  bool remove(std::string_view name);

  FieldTableView view() const { return FieldTableView::of_checked(bytes_); }
  FieldTableView as_field() const { return view(); }
  std::optional<FieldValue> find(std::string_view name) const { return view().find(name); }
  bool empty() const { return bytes_.empty(); }
  bool operator==(const FieldTable&) const = default;

 private:
  void append_name(std::string_view name);
  void replace(std::string_view name, ByteView encoded);
  Bytes bytes_;
};

/// The same fields in the order of their names, those of one name as they were: two bindings are the same if their
/// arguments are, in this order.
FieldTable sorted_by_name(FieldTableView table);

/// The same fields by name, ascending; those of one name stay as they were.
FieldTable sorted(FieldTableView table);

/// An array that owns its bytes.
class FieldArray {
 public:
  template <class T>
  FieldArray& add(const T& value) {
    append_field_value(bytes_, value);
    return *this;
  }
  FieldArrayView view() const { return FieldArrayView::of_checked(bytes_); }
  FieldArrayView as_field() const { return view(); }
  bool operator==(const FieldArray&) const = default;

 private:
  Bytes bytes_;
};

}  // namespace naru
