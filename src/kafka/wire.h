#pragma once
// Kafka's wire. A message is a struct with one `describe(wire, m)` that lists its fields in order, each with the
// versions that have it; decoding, encoding and measuring are three walkers over the same description, so they
// cannot disagree. From its first flexible version on, a message writes compact lengths, and ends every struct with
// tagged fields, which a reader that does not know them skips.
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/endian.h"
#include "base/result.h"
#include "base/uuid.h"
#include "base/varint.h"

namespace naru::kafka {

/// The versions of a message that have a field, both ends included.
struct Versions {
  int16_t first = 0, last = INT16_MAX;
  constexpr bool has(int version) const { return first <= version && version <= last; }
  bool operator==(const Versions&) const = default;
};
inline constexpr Versions every{};
constexpr Versions since(int16_t first) { return {first, INT16_MAX}; }
constexpr Versions between(int16_t first, int16_t last) { return {first, last}; }
/// `flexible_since` of what never became flexible.
inline constexpr int16_t never = INT16_MAX;

/// The longest text either encoding may carry: Kafka reads no longer one, compact or not.
inline constexpr size_t text_bytes_max = INT16_MAX;
/// What the vectors of one decoded message may take together. A frame of tiny elements swells by a factor of 20 or
/// more when it becomes structs, and this bounds that.
inline constexpr size_t decoded_bytes_max = 64 * MiB;

/// Record batches of a response. Either `bytes` go inline, or `slice` is an index that the session understands (a
/// range of a file) and `size` its length: then only the length is written, and a Splice says where the rest belongs.
struct Records {
  uint32_t size = 0;
  int32_t slice = -1;
  ByteView bytes;
  size_t length() const { return slice >= 0 ? size : bytes.size(); }
};

/// `size` bytes of slice `slice` go between bytes[position - 1] and bytes[position] of the encoded frame.
struct Splice {
  size_t position = 0;
  int32_t slice = -1;
  uint32_t size = 0;
};

/// An encoded frame, ready to send: `bytes` with the splices put in, in order.
struct Frame {
  Bytes bytes;
  std::vector<Splice> splices;
  uint64_t size() const {
    uint64_t sum = bytes.size();
    for (const Splice& splice : splices) sum += splice.size;
    return sum;
  }
};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::bool_constant<!std::is_same_v<T, uint8_t>> {};  // Bytes is a leaf, not an array
template <class T>
inline constexpr bool is_array = IsVector<T>::value;
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
inline constexpr bool is_optional = IsOptional<T>::value;
template <class T>
inline constexpr bool is_number = std::is_integral_v<T> || std::is_enum_v<T> || std::is_same_v<T, double>;
template <class T>
inline constexpr bool is_text = std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>;
template <class T>
inline constexpr bool is_bytes = std::is_same_v<T, ByteView> || std::is_same_v<T, Bytes>;

template <class T>
struct NumberOnWire {
  using type = T;
};
template <class T>
  requires std::is_enum_v<T>
struct NumberOnWire<T> {
  using type = std::underlying_type_t<T>;
};
template <>
struct NumberOnWire<bool> {
  using type = int8_t;
};
template <>
struct NumberOnWire<double> {
  using type = uint64_t;
};

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

/// What every request begins with. `client_id` has an int16 length even in flexible versions: a broker must be able
/// to read it in an ApiVersions request that is newer than the broker.
struct RequestHeader {
  int16_t key = 0, version = 0;
  int32_t correlation_id = 0;
  std::optional<std::string_view> client_id;
};

/// Splits a frame (without its size) into header and body. `flexible` says whether key and version have a flexible
/// header; for versions unknown to naru it is not asked, and the body then means nothing.
struct Request {
  RequestHeader header;
  ByteView body;
};
Result<RequestHeader> peek_header(ByteView frame);  // key, version and correlation id only
Result<Request> decode_header(ByteView frame, bool flexible);

template <class M>
constexpr bool is_flexible(int16_t version) {
  return version >= M::flexible_since;
}

/// The body of a request or response. Bytes after its end are ignored, as Kafka does.
template <class M>
Result<M> decode(ByteView body, int16_t version, size_t memory_max = decoded_bytes_max) {
  Reader reader(body, version, is_flexible<M>(version), memory_max);
  M message;
  reader.structure(message);
  if (!reader.ok()) return std::unexpected(reader.error());
  return message;
}

/// Room for `size` prefix, header and `body_size`; finish() then fills the prefix in.
Frame begin_frame(size_t body_size);
void begin_response(Frame& frame, int32_t correlation_id, bool flexible_header);
void end_frame(Frame& frame);

template <class M>
void append_body(Frame& frame, const M& message, int16_t version) {
  Writer writer(version, is_flexible<M>(version), frame);
  writer.structure(message);
}
template <class M>
size_t body_size(const M& message, int16_t version) {
  Sizer sizer(version, is_flexible<M>(version));
  sizer.structure(message);
  return sizer.sink.size();
}

/// The whole frame of a response: size, header, body.
template <class M>
Frame encode_response(const RequestHeader& to, const M& message) {
  Frame frame = begin_frame(body_size(message, to.version));
  begin_response(frame, to.correlation_id, is_flexible<M>(to.version) && M::api_key != 18);
  append_body(frame, message, to.version);
  end_frame(frame);
  return frame;
}

/// A message alone, without frame: blobs inside other messages, and tests.
template <class M>
Bytes encode(const M& message, int16_t version) {
  Frame frame;
  frame.bytes.reserve(body_size(message, version));
  append_body(frame, message, version);
  return std::move(frame.bytes);
}

}  // namespace naru::kafka
