#pragma once
// What the walkers of wire.h share: versions, and the types of fields.
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/bytes.h"

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
/// more when it becomes structs, and this bounds that. An element counts as its size and `element_bytes`: something is
/// made for each, even if it is no more than a number.
inline constexpr size_t decoded_bytes_max = 64 * MiB, element_bytes = 48;

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

/// An array to be encoded that is never there as a whole: each element is made when its turn comes, twice, because a
/// message is measured before it is written. For answers that are long as structs.
template <class T>
class MadeArray {
 public:
  MadeArray() = default;
  MadeArray(size_t size, std::function<T(size_t)> make) : size_(size), make_(std::move(make)) {}
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  auto each() const { return std::views::iota(size_t{0}, size_) | std::views::transform(std::cref(make_)); }

 private:
  size_t size_ = 0;
  std::function<T(size_t)> make_;
};
template <class T>
struct IsMade : std::false_type {};
template <class T>
struct IsMade<MadeArray<T>> : std::true_type {};
template <class T>
inline constexpr bool is_made = IsMade<T>::value;

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

}  // namespace naru::kafka
