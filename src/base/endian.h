#pragma once
// Integers at unaligned places: big-endian on Kafka's and AMQP's wires and inside record batches, little-endian in
// naru's own files.
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace naru {

template <std::integral T>
T load_be(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::big ? value : std::byteswap(value);
}
template <std::integral T>
void store_be(void* to, T value) {
  if constexpr (std::endian::native != std::endian::big) value = std::byteswap(value);
  std::memcpy(to, &value, sizeof value);
}
template <std::integral T>
T load_le(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? value : std::byteswap(value);
}
template <std::integral T>
void store_le(void* to, T value) {
  if constexpr (std::endian::native != std::endian::little) value = std::byteswap(value);
  std::memcpy(to, &value, sizeof value);
}

}  // namespace naru
