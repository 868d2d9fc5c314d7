#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace naru {

/// Finds things that are kept elsewhere, by number, from a hash of them: a hash table of 32-bit numbers that knows
/// nothing of keys, so that these are stored once. Open addressing with linear probing, no tombstones; 8 bytes per
/// slot, at least a quarter of the slots free.
class FlatIndex {
 public:
  /// The number added under `hash` for which is(number) holds. `is` compares the thing itself.
  template <class Is>
  std::optional<uint32_t> find(uint64_t hash, Is is) const {
    if (slots_.empty()) return std::nullopt;
    uint32_t tag = tag_of(hash);
    for (size_t at = tag & mask(); slots_[at].number != free; at = next(at))
      if (slots_[at].tag == tag && is(slots_[at].number)) return slots_[at].number;
    return std::nullopt;
  }
  /// `number` is below 2^32 - 1 and not there yet.
  void add(uint64_t hash, uint32_t number) {
    if ((count_ + 1) * 4 > slots_.size() * 3) grow();
    put({tag_of(hash), number});
    ++count_;
  }
  bool erase(uint64_t hash, uint32_t number) {
    if (slots_.empty()) return false;
    size_t at = tag_of(hash) & mask();
    while (slots_[at].number != free && slots_[at].number != number) at = next(at);
    if (slots_[at].number == free) return false;
    // What follows in the same run and would not be found over a gap moves up into it.
    for (size_t from = next(at); slots_[from].number != free; from = next(from)) {
      size_t way = (from - slots_[from].tag) & mask();
      if (way >= ((from - at) & mask())) slots_[at] = slots_[from], at = from;
    }
    slots_[at] = {};
    --count_;
    return true;
  }
  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  size_t bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  static constexpr uint32_t free = UINT32_MAX;
  struct Slot {
    uint32_t tag = 0, number = free;
  };
  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash ^ hash >> 32); }
  size_t mask() const { return slots_.size() - 1; }
  size_t next(size_t at) const { return (at + 1) & mask(); }
  void put(Slot slot) {
    size_t at = slot.tag & mask();
    while (slots_[at].number != free) at = next(at);
    slots_[at] = slot;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 8 : 2 * slots_.size());
    old.swap(slots_);
    for (Slot slot : old)
      if (slot.number != free) put(slot);
  }
  std::vector<Slot> slots_;  // a power of two of them
  size_t count_ = 0;
};

}  // namespace naru
