#pragma once
// Base-128 integers, least group first (Protocol Buffers' form): unsigned on Kafka's flexible wire, zigzag inside
// record batches.
#include <cstdint>

#include "base/bytes.h"

namespace naru {

inline constexpr int varint32_bytes_max = 5, varint64_bytes_max = 10;

inline uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t unzigzag(uint64_t value) { return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1); }

/// Reads one number of at most `bytes_max` bytes. Returns the bytes used, or 0 if it is cut short or too long.
inline int load_uvarint(ByteView from, uint64_t* value, int bytes_max = varint64_bytes_max) {
  uint64_t sum = 0;
  for (int i = 0; i < bytes_max && static_cast<size_t>(i) < from.size(); ++i) {
    sum |= static_cast<uint64_t>(from[i] & 0x7f) << (7 * i);
    if (from[i] < 0x80) {
      *value = sum;
      return i + 1;
    }
  }
  return 0;
}
inline int load_varint(ByteView from, int64_t* value, int bytes_max = varint64_bytes_max) {
  uint64_t raw = 0;
  int used = load_uvarint(from, &raw, bytes_max);
  *value = unzigzag(raw);
  return used;
}
inline int uvarint_size(uint64_t value) {
  int size = 1;
  while (value >= 0x80) value >>= 7, ++size;
  return size;
}
inline int varint_size(int64_t value) { return uvarint_size(zigzag(value)); }
inline void append_uvarint(Bytes& to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<uint8_t>(value | 0x80));
  to.push_back(static_cast<uint8_t>(value));
}
inline void append_varint(Bytes& to, int64_t value) { append_uvarint(to, zigzag(value)); }

}  // namespace naru
