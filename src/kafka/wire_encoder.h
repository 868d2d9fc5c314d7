#pragma once
// The walker that encodes, and the one that measures.
#include <bit>
#include <utility>

#include "base/endian.h"
#include "base/uuid.h"
#include "base/varint.h"
#include "kafka/wire_types.h"

namespace naru::kafka {

/// Where an encoder puts its bytes: this one only counts them.
class CountSink {
 public:
  void put(const void*, size_t count) { size_ += count; }
  void put_uvarint(uint64_t value) { size_ += static_cast<size_t>(uvarint_size(value)); }
  void put_slice(const Records&) {}
  size_t size() const { return size_; }

 private:
  size_t size_ = 0;
};

/// Appends to a Bytes that was given its whole room before.
class StoreSink {
 public:
  explicit StoreSink(Frame& to) : to_(to) {}
  void put(const void* from, size_t count) {
    auto* bytes = static_cast<const uint8_t*>(from);
    to_.bytes.insert(to_.bytes.end(), bytes, bytes + count);
  }
  void put_uvarint(uint64_t value) { append_uvarint(to_.bytes, value); }
  void put_slice(const Records& records) { to_.splices.push_back({to_.bytes.size(), records.slice, records.size}); }

 private:
  Frame& to_;
};

/// Encodes, or measures: the walk is the same, only the sink differs.
template <class Sink>
class Encoder {
 public:
  template <class... Args>
  Encoder(int16_t version, bool flexible, Args&&... args)
      : sink(std::forward<Args>(args)...), version_(version), flexible_(flexible) {}

  template <class T>
  void operator()(const char*, const T& field, Versions versions = every, Versions nullable = every) {
    if (pass_ == Pass::fields && versions.has(version_)) value(field, nullable.has(version_));
  }

  /// Tagged fields come after all others, in ascending order (so they are described in that order), each with its
  /// size; one that equals `absent` is not written.
  template <class T>
  void tag(uint32_t number, const char*, const T& field, Versions versions, std::type_identity_t<T> absent = T{}) {
    if (!flexible_ || !versions.has(version_) || is_absent(field, absent)) return;
    if (pass_ == Pass::fields) {
      ++tags_;
      return;
    }
    Encoder<CountSink> size(version_, flexible_);
    size.value(field, true);
    sink.put_uvarint(number);
    sink.put_uvarint(size.sink.size());
    pass_ = Pass::fields;
    value(field, true);
    pass_ = Pass::tags;
  }

  template <class T>
  [[gnu::noinline]] void structure(const T& m) {
    uint32_t outer = std::exchange(tags_, 0);
    T::describe(*this, m);
    if (flexible_) {
      sink.put_uvarint(tags_);
      if (tags_ > 0) {
        pass_ = Pass::tags;
        T::describe(*this, m);
        pass_ = Pass::fields;
      }
    }
    tags_ = outer;
  }

  template <class T>
  void value(const T& field, bool nullable) {
    if constexpr (is_optional<T>) {
      using Item = typename T::value_type;
      if constexpr (is_array<Item> || is_text<Item> || is_bytes<Item>) {
        // Where a version has no null, empty is the nearest that can be said.
        if (field || !nullable) return field ? value(*field, false) : value(Item{}, false);
        is_text<Item> ? text_length(-1) : length(-1);
      } else {
        number<int8_t>(field ? 1 : -1);
        if (field) structure(*field);
      }
    } else if constexpr (is_array<T>) {
      length(static_cast<int64_t>(field.size()));
      for (const auto& item : field) value(item, false);
    } else if constexpr (is_made<T>) {
      length(static_cast<int64_t>(field.size()));
      for (auto item : field.each()) value(item, false);
    } else if constexpr (is_number<T>) {
      if constexpr (std::is_same_v<T, double>)
        number(std::bit_cast<uint64_t>(field));
      else
        number(static_cast<typename NumberOnWire<T>::type>(field));
    } else if constexpr (is_text<T>) {
      text(field);
    } else if constexpr (is_bytes<T>) {
      length(static_cast<int64_t>(field.size()));
      sink.put(field.data(), field.size());
    } else if constexpr (std::is_same_v<T, Uuid>) {
      sink.put(field.bytes.data(), field.bytes.size());
    } else if constexpr (std::is_same_v<T, Records>) {
      length(static_cast<int64_t>(field.length()));  // never null: old clients cannot take that
      if (field.slice < 0)
        sink.put(field.bytes.data(), field.bytes.size());
      else if (field.size > 0)
        sink.put_slice(field);
    } else {
      structure(field);
    }
  }

  template <std::integral T>
  void number(T value) {
    uint8_t bytes[sizeof value];
    store_be(bytes, value);
    sink.put(bytes, sizeof value);
  }

  Sink sink;

 private:
  enum class Pass : uint8_t { fields, tags };

  template <class T>
  static bool is_absent(const T& field, const T& absent) {
    if constexpr (is_array<T>)
      return field.empty();
    else
      return field == absent;
  }

  void length(int64_t count) {
    flexible_ ? sink.put_uvarint(static_cast<uint64_t>(count + 1)) : number(static_cast<int32_t>(count));
  }
  void text_length(int64_t count) {
    flexible_ ? sink.put_uvarint(static_cast<uint64_t>(count + 1)) : number(static_cast<int16_t>(count));
  }
  void text(std::string_view text) {
    text = text.substr(0, text_bytes_max);  // a reason that quotes a long name, say; names have shorter limits
    text_length(static_cast<int64_t>(text.size()));
    sink.put(text.data(), text.size());
  }

  int16_t version_;
  bool flexible_;
  Pass pass_ = Pass::fields;
  uint32_t tags_ = 0;  // how many the current struct will write
};
using Sizer = Encoder<CountSink>;
using Writer = Encoder<StoreSink>;

}  // namespace naru::kafka
