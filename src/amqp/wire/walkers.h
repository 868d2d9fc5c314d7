#pragma once
// A method is described once and walked for each purpose. Field types pick the encoding (AMQP 0-9-1, 4.2.5): bool is a
// bit, consecutive bits share octets, lowest first; std::string_view and std::string are short strings, at most 255
// bytes; a FieldTableView is a table; long_text says that a text is a long string.
//
//   static void describe(auto& wire, auto& m) {
//     wire("queue", m.queue);
//     wire("nowait", m.nowait);
//   }
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "base/endian.h"
#include "base/result.h"
#include "base/utf8.h"
#include "broker/field_table.h"

namespace naru::amqp {

/// The longest short string. What naru writes there and is longer (a routing key from a queue's arguments, say) is cut.
inline constexpr size_t short_text_bytes_max = 255;

/// The reason of an error; RabbitMQ's words.
inline constexpr const char* not_utf8 = "Malformed UTF-8 in shortstr";

/// Decodes. Texts and tables of the result borrow the frame. The first error is kept and makes what follows do nothing.
class ArgumentReader {
 public:
  explicit ArgumentReader(ByteView from, bool check_text = false)
      : begin_(from.data()), at_(begin_), end_(begin_ + from.size()), check_text_(check_text) {}

  template <class T>
  void operator()(const char*, T& field) {
    if constexpr (std::is_same_v<T, bool>)
      field = bit();
    else if constexpr (std::is_integral_v<T>)
      field = number<T>();
    else if constexpr (std::is_same_v<T, FieldTableView>)
      field = table();
    else
      field = short_text();
  }
  void long_text(const char*, std::string_view& field) { field = text(take(number<uint32_t>())); }

  template <std::integral T>
  T number() {
    bits_left_ = 0;
    if (static_cast<size_t>(end_ - at_) < sizeof(T)) [[unlikely]]
      return fail("arguments end too early"), T{};
    T value = load_be<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  bool bit() {
    if (bits_left_ == 0) {
      bits_ = number<uint8_t>();
      bits_left_ = 8;
    }
    bool value = bits_ & 1;
    bits_ >>= 1;
    --bits_left_;
    return value;
  }
  std::string_view short_text() {
    std::string_view read = text(take(number<uint8_t>()));
    if (check_text_ && !is_utf8(read)) [[unlikely]]
      return fail(not_utf8), std::string_view();
    return read;
  }
  FieldTableView table();

  bool ok() const { return ok_; }
  const Error& error() const { return error_; }
  /// After the last field: everything has to be read by then.
  void finish() {
    if (at_ != end_) fail("bytes behind the arguments");
  }

 private:
  ByteView take(size_t size) {
    if (size > static_cast<size_t>(end_ - at_)) [[unlikely]]
      return fail("arguments end too early"), ByteView();
    ByteView taken(at_, size);
    at_ += size;
    return taken;
  }
  void fail(const char* reason);

  const uint8_t *begin_, *at_, *end_;
  uint8_t bits_ = 0, bits_left_ = 0;
  bool check_text_, ok_ = true;
  Error error_{Code::invalid};
};

/// Counts what ArgumentWriter will write.
class ArgumentSizer {
 public:
  template <class T>
  void operator()(const char*, const T& field) {
    if constexpr (std::is_same_v<T, bool>) {
      size_ += bits_ == 0;
      bits_ = (bits_ + 1) % 8;
      return;
    } else if constexpr (std::is_integral_v<T>) {
      size_ += sizeof field;
    } else if constexpr (std::is_same_v<T, FieldTableView>) {
      size_ += 4 + field.bytes().size();
    } else {
      size_ += 1 + cut_utf8(field, short_text_bytes_max).size();
    }
    bits_ = 0;
  }
  void long_text(const char*, std::string_view field) { size_ += 4 + field.size(), bits_ = 0; }
  size_t size() const { return size_; }

 private:
  size_t size_ = 0;
  int bits_ = 0;  // used of the last octet
};

/// Encodes to where ArgumentSizer has made room.
class ArgumentWriter {
 public:
  explicit ArgumentWriter(uint8_t* at) : at_(at) {}
  template <class T>
  void operator()(const char*, const T& field) {
    if constexpr (std::is_same_v<T, bool>) {
      if (bits_ == 0) *at_++ = 0;
      at_[-1] |= static_cast<uint8_t>(field << bits_);
      bits_ = (bits_ + 1) % 8;
      return;
    } else if constexpr (std::is_integral_v<T>) {
      store_be(at_, field);
      at_ += sizeof field;
    } else if constexpr (std::is_same_v<T, FieldTableView>) {
      sized<uint32_t>(field.bytes());
    } else {
      sized<uint8_t>(view(cut_utf8(field, short_text_bytes_max)));
    }
    bits_ = 0;
  }
  void long_text(const char*, std::string_view field) { sized<uint32_t>(view(field)), bits_ = 0; }
  uint8_t* at() const { return at_; }

 private:
  template <class Length>
  void sized(ByteView bytes) {
    store_be(at_, static_cast<Length>(bytes.size()));
    at_ += sizeof(Length);
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  uint8_t* at_;
  int bits_ = 0;  // used of the last octet
};

/// For logs: `queue: "q", nowait: false, arguments: {}`.
class ArgumentPrinter {
 public:
  template <class T>
  void operator()(const char* name, const T& field) {
    begin(name);
    if constexpr (std::is_same_v<T, bool>)
      text_ += field ? "true" : "false";
    else if constexpr (std::is_integral_v<T>)
      text_ += std::to_string(field);
    else if constexpr (std::is_same_v<T, FieldTableView>)
      text_ += to_text(field);
    else
      quote(field);
  }
  void long_text(const char* name, std::string_view field) { begin(name), quote(field); }
  std::string take() { return std::move(text_); }

 private:
  void begin(const char* name);
  void quote(std::string_view text);
  std::string text_;
};

}  // namespace naru::amqp
