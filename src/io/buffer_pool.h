#pragma once
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"

namespace naru::io {

/// Memory that is not initialised, with a size that the pool knows.
class PooledBuffer {
 public:
  PooledBuffer() = default;
  explicit PooledBuffer(size_t capacity) : data_(static_cast<uint8_t*>(std::malloc(capacity))), capacity_(capacity) {
    CHECK(data_);
  }
  PooledBuffer(PooledBuffer&& other) noexcept { *this = std::move(other); }
  PooledBuffer& operator=(PooledBuffer&& other) noexcept {
    std::swap(data_, other.data_), std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~PooledBuffer() { std::free(data_); }
  uint8_t* data() { return data_; }
  size_t capacity() const { return capacity_; }
  std::span<uint8_t> all() { return {data_, capacity_}; }

 private:
  uint8_t* data_ = nullptr;
  size_t capacity_ = 0;
};

/// Buffers of one core for reading from sockets. Recycled, because memory that was touched lately is an order of
/// magnitude faster than fresh pages; the last one given back is the first one taken.
class BufferPool {
 public:
  static constexpr size_t small_bytes = 64 * KiB, tiny_bytes = 4 * KiB;

  /// For reading the next bytes of a connection: small while fewer than `small_max` bytes of such buffers are out, else
  /// tiny. Connections that keep their buffer for long, because their peer does not read, then cost little.
  PooledBuffer take_for_reading(size_t small_max) {
    if (out_ + small_bytes > small_max) return PooledBuffer(tiny_bytes);
    return take(small_bytes);
  }

  /// At least `bytes`, in powers of two from small_bytes on.
  PooledBuffer take(size_t bytes) {
    size_t capacity = small_bytes;
    while (capacity < bytes) capacity *= 2;
    for (size_t i = free_.size(); i-- > 0;) {
      if (free_[i].capacity() != capacity) continue;
      PooledBuffer found = std::move(free_[i]);
      free_.erase(free_.begin() + static_cast<long>(i));
      held_ -= capacity;
      out_ += capacity;
      return found;
    }
    out_ += capacity;
    return PooledBuffer(capacity);
  }
  void give(PooledBuffer buffer) {
    if (buffer.capacity() < small_bytes) return;
    out_ -= buffer.capacity();
    if (held_ + buffer.capacity() > keep_bytes_max) return;
    held_ += buffer.capacity();
    free_.push_back(std::move(buffer));
  }

 private:
  static constexpr size_t keep_bytes_max = 4 * MiB;
  std::vector<PooledBuffer> free_;
  size_t held_ = 0, out_ = 0;
};

}  // namespace naru::io
