// Kafka's primitive types in the versions without compact encodings: big-endian integers, strings
// with an int16 length, arrays with an int32 count. The load generator speaks only such versions,
// because every Kafka broker still in use accepts them and they need no branches.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "fail.h"

namespace naru::load {

template <std::integral T>
void write_at(char* at, T value) {
  if constexpr (sizeof(T) > 1) value = std::byteswap(value);
  std::memcpy(at, &value, sizeof value);
}

template <std::integral T>
T read_at(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (sizeof(T) > 1) value = std::byteswap(value);
  return value;
}

class Writer {
 public:
  template <std::integral T>
  Writer& put(T value) {
    char bytes[sizeof value];
    write_at(bytes, value);
    out_.append(bytes, sizeof bytes);
    return *this;
  }
  Writer& i8(int8_t value) { return put(value); }
  Writer& i16(int16_t value) { return put(value); }
  Writer& i32(int32_t value) { return put(value); }
  Writer& i64(int64_t value) { return put(value); }
  Writer& text(std::string_view value) {
    i16(static_cast<int16_t>(value.size()));
    out_.append(value);
    return *this;
  }
  Writer& null_text() { return i16(-1); }
  Writer& count(size_t elements) { return i32(static_cast<int32_t>(elements)); }

  size_t size() const { return out_.size(); }
  char* data() { return out_.data(); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Reads one answer. An answer that ends early is a broken broker, and the run ends there.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view bytes(size_t size) {
    if (size > rest_.size()) fail("an answer ends %zu bytes early", size - rest_.size());
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <std::integral T>
  T get() {
    return read_at<T>(bytes(sizeof(T)).data());
  }
  int8_t i8() { return get<int8_t>(); }
  int16_t i16() { return get<int16_t>(); }
  int32_t i32() { return get<int32_t>(); }
  int64_t i64() { return get<int64_t>(); }
  std::string_view text() {  // null reads as empty
    const int16_t size = i16();
    return size < 0 ? std::string_view{} : bytes(static_cast<size_t>(size));
  }
  std::string_view blob() {
    const int32_t size = i32();
    return size < 0 ? std::string_view{} : bytes(static_cast<size_t>(size));
  }
  size_t count() {  // null reads as empty
    const int32_t elements = i32();
    return elements < 0 ? 0 : static_cast<size_t>(elements);
  }
  size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

}  // namespace naru::load
