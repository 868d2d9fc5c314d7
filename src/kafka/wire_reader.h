#pragma once
// The walker that decodes.
#include "base/result.h"
#include "kafka/wire_encoder.h"

namespace naru::kafka {

/// Decodes. Texts and bytes of the result borrow the frame. The first error is kept and makes what follows do
/// nothing, so descriptions have no branches. A length is compared with the bytes that are left before anything is
/// reserved for it.
class Reader {
 public:
  Reader(ByteView from, int16_t version, bool flexible, size_t memory_max = decoded_bytes_max)
      : begin_(from.data()),
        at_(from.data()),
        end_(from.data() + from.size()),
        version_(version),
        flexible_(flexible),
        memory_left_(memory_max) {}

  bool ok() const { return ok_; }
  const Error& error() const { return error_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  size_t memory_left() const { return memory_left_; }
  ByteView rest() const { return {at_, left()}; }

  template <class T>
  void operator()(const char*, T& field, Versions versions = every, Versions nullable = every) {
    if (open_tag_ == fields_open && versions.has(version_)) value(field, nullable.has(version_));
  }

  template <class T>
  void tag(uint32_t number, const char*, T& field, Versions versions, const std::type_identity_t<T>& = T{}) {
    if (open_tag_ != number || !versions.has(version_)) return;
    open_tag_ = fields_open;
    value(field, true);
    open_tag_ = tag_taken;
  }

  /// The fields of `m`, then its tags; for each tag the description is walked again with only that one open.
  template <class T>
  [[gnu::noinline]] void structure(T& m) {
    T::describe(*this, m);
    if (!flexible_) return;
    for (uint64_t tags = uvarint(); tags > 0 && ok_; --tags) {
      Tag tag = open_tag();
      T::describe(*this, m);
      close_tag(tag);
    }
  }
  /// Skips tagged fields where none is known, as in headers.
  void skip_tags();

  template <class T>
  void value(T& field, bool nullable) {
    if constexpr (is_optional<T>) {
      using Item = typename T::value_type;
      if constexpr (is_array<Item>) {
        if (std::optional<size_t> count = length(nullable)) return array(field.emplace(), *count);
      } else if constexpr (is_text<Item>) {
        if (std::optional<std::string_view> read = text(nullable)) return void(field.emplace(*read));
      } else if constexpr (is_bytes<Item>) {
        if (std::optional<ByteView> read = bytes(nullable)) return void(field.emplace(read->begin(), read->end()));
      } else {
        if (number<int8_t>() >= 0) return structure(field.emplace(Item{}));
        if (!nullable) refuse_null();
      }
      field.reset();
    } else if constexpr (is_array<T>) {
      array(field, length(false).value_or(0));
    } else if constexpr (is_number<T>) {
      auto read = number<typename NumberOnWire<T>::type>();
      if constexpr (std::is_same_v<T, double>)
        field = std::bit_cast<double>(read);
      else if constexpr (std::is_same_v<T, bool>)
        field = read != 0;
      else
        field = static_cast<T>(read);
    } else if constexpr (is_text<T>) {
      field = text(false).value_or(std::string_view());
    } else if constexpr (is_bytes<T>) {
      ByteView read = bytes(false).value_or(ByteView());
      field = T(read.begin(), read.end());
    } else if constexpr (std::is_same_v<T, Uuid>) {
      if (ByteView read = take(field.bytes.size()); ok_) std::memcpy(field.bytes.data(), read.data(), read.size());
    } else if constexpr (std::is_same_v<T, Records>) {
      field.bytes = bytes(true).value_or(ByteView());
      field.size = static_cast<uint32_t>(field.bytes.size());
    } else {
      structure(field);
    }
  }

  template <std::integral T>
  T number() {
    if (left() < sizeof(T)) [[unlikely]]
      return cut_short(), T{};
    T value = load_be<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  /// At most 32 bits, as every unsigned varint of this wire.
  uint64_t uvarint();
  std::optional<std::string_view> text(bool nullable);
  /// The int16-length form, whatever the version: client ids in headers.
  std::optional<std::string_view> legacy_text();
  std::optional<ByteView> bytes(bool nullable);
  ByteView take(size_t count);

 private:
  static constexpr int64_t fields_open = -1, tag_taken = -2;
  struct Tag {
    const uint8_t* end;
    const uint8_t* outer_end;
  };

  template <class T>
  void array(std::vector<T>& items, size_t count) {
    items.clear();
    if (count == 0) return;
    // A default element is as small as one can be: its arrays and texts are empty, its tags unwritten.
    Sizer least(version_, flexible_);
    least.value(T{}, false);
    if (!reserve(count, least.sink.size(), sizeof(T))) return;
    items = std::vector<T>(count);
    for (size_t i = 0; i < count && ok_; ++i) value(items[i], false);
  }
  bool reserve(size_t count, size_t bytes_each_min, size_t memory_each);
  std::optional<size_t> length(bool nullable);
  Tag open_tag();
  void close_tag(Tag tag);
  void cut_short();
  void refuse_null();
  void fail(Code code, const char* reason);

  const uint8_t* begin_;
  const uint8_t* at_;
  const uint8_t* end_;
  int16_t version_;
  bool flexible_;
  bool ok_ = true;
  int64_t open_tag_ = fields_open;
  size_t memory_left_;
  Error error_{};
};

}  // namespace naru::kafka
