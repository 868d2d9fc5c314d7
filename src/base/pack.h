#pragma once
// Naru's own little-endian encoding, of journal entries, checkpoints and table values. A Packer appends; an Unpacker
// reads what a Packer wrote and remembers the first thing that did not fit: check ok() once at the end.
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/endian.h"

namespace naru {

class Packer {
 public:
  explicit Packer(Bytes& to) : to_(to) {}
  template <std::integral T>
  Packer& put(T value) {
    size_t at = to_.size();
    to_.resize(at + sizeof value);
    store_le(to_.data() + at, value);
    return *this;
  }
  /// Length as u32, then the bytes.
  Packer& put(ByteView bytes) {
    put(static_cast<uint32_t>(bytes.size()));
    append(to_, bytes);
    return *this;
  }
  Packer& put(std::string_view text) { return put(view(text)); }

 private:
  Bytes& to_;
};

class Unpacker {
 public:
  explicit Unpacker(ByteView from) : from_(from) {}
  template <std::integral T>
  T get() {
    if (from_.size() < sizeof(T)) return broken(), T{};
    T value = load_le<T>(from_.data());
    from_ = from_.subspan(sizeof(T));
    return value;
  }
  /// Borrows from what is unpacked.
  ByteView bytes() {
    uint32_t size = get<uint32_t>();
    if (size > from_.size()) return broken(), ByteView{};
    ByteView out = from_.first(size);
    from_ = from_.subspan(size);
    return out;
  }
  std::string_view text() { return naru::text(bytes()); }
  /// Whether a count read from here can be true: each element takes at least `bytes_min`.
  bool plausible(uint64_t count, size_t bytes_min) {
    if (count > from_.size() / bytes_min) broken();
    return ok_;
  }
  ByteView rest() const { return from_; }
  bool at_end() const { return ok_ && from_.empty(); }
  bool ok() const { return ok_; }

 private:
  void broken() { ok_ = false, from_ = {}; }
  ByteView from_;
  bool ok_ = true;
};

}  // namespace naru
