#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"

namespace naru {

/// A map from offsets to T for offsets that mostly stand close together and come and go in order: pages of eight
/// neighbours in a hash table of pages. A T stays where it is until it is erased. One T alone costs a page.
template <class T>
class OffsetMap {
 public:
  OffsetMap() = default;
  OffsetMap(OffsetMap&&) = default;
  OffsetMap& operator=(OffsetMap&&) = default;

  T* find(int64_t offset) {
    Page* page = page_of(number_of(offset));
    return page && (page->used >> slot_of(offset) & 1) ? &page->slots[slot_of(offset)] : nullptr;
  }
  const T* find(int64_t offset) const { return const_cast<OffsetMap*>(this)->find(offset); }
  bool contains(int64_t offset) const { return find(offset) != nullptr; }
  /// A fresh T for an offset that has none.
  T& insert(int64_t offset) {
    int64_t number = number_of(offset);
    Page* page = page_of(number);
    if (!page) page = add_page(number);
    auto bit = static_cast<uint8_t>(1u << slot_of(offset));
    CHECK((page->used & bit) == 0);
    page->used |= bit;
    ++size_;
    return page->slots[slot_of(offset)] = T{};
  }
  void erase(int64_t offset) {
    size_t place = place_of(number_of(offset));
    Page& page = *table_[place];
    auto bit = static_cast<uint8_t>(1u << slot_of(offset));
    CHECK(page.used & bit);
    page.used = static_cast<uint8_t>(page.used & ~bit);
    --size_;
    if (page.used == 0) drop_page(place);
  }
  /// Calls `on_each(offset, value)` for all, in no order. It must not insert or erase.
  void each(auto&& on_each) const {
    for (const auto& page : table_)
      for (uint8_t used = page ? page->used : 0; used != 0; used = static_cast<uint8_t>(used & (used - 1))) {
        int slot = std::countr_zero(used);
        on_each(page->number * page_slots + slot, page->slots[slot]);
      }
  }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t bytes() const {
    return (pages_ + (spare_ ? 1 : 0)) * (sizeof(Page) + 16) + table_.capacity() * sizeof(std::unique_ptr<Page>);
  }

 private:
  static constexpr int64_t page_slots = 8;
  static constexpr size_t table_min = 8;
  struct Page {
    int64_t number = 0;
    uint8_t used = 0;  // a bit per slot
    T slots[page_slots];
  };

  static int64_t number_of(int64_t offset) { return offset >> 3; }
  static int slot_of(int64_t offset) { return static_cast<int>(offset & 7); }
  size_t home_of(int64_t number) const {
    return static_cast<size_t>(static_cast<uint64_t>(number) * 0x9e3779b97f4a7c15 >> shift_);
  }
  /// Where the page is, or the empty place where it would be.
  size_t place_of(int64_t number) const {
    size_t at = home_of(number);
    while (table_[at] && table_[at]->number != number) at = (at + 1) & (table_.size() - 1);
    return at;
  }
  Page* page_of(int64_t number) const { return table_.empty() ? nullptr : table_[place_of(number)].get(); }

  Page* add_page(int64_t number) {
    if (2 * (pages_ + 1) > table_.size()) resize(std::max(table_min, 2 * table_.size()));
    auto& place = table_[place_of(number)];
    place = spare_ ? std::move(spare_) : std::make_unique<Page>();
    place->number = number;
    ++pages_;
    return place.get();
  }
  /// The pages behind it in its run move up, so that none is cut off from its home.
  void drop_page(size_t hole) {
    spare_ = std::move(table_[hole]);  // the next one is often needed at once
    --pages_;
    size_t mask = table_.size() - 1;
    for (size_t at = (hole + 1) & mask; table_[at]; at = (at + 1) & mask) {
      size_t home = home_of(table_[at]->number);
      bool stays = ((at - home) & mask) < ((at - hole) & mask);
      if (stays) continue;
      table_[hole] = std::move(table_[at]);
      hole = at;
    }
    // What is nearly empty gives its memory back, so that an idle queue costs little whatever it held before.
    if (table_.size() > table_min && 16 * pages_ <= table_.size()) resize(std::max(table_min, table_.size() / 4));
  }
  void resize(size_t size) {
    std::vector<std::unique_ptr<Page>> old = std::exchange(table_, std::vector<std::unique_ptr<Page>>(size));
    shift_ = 64 - std::countr_zero(size);
    for (auto& page : old)
      if (page) table_[place_of(page->number)] = std::move(page);
  }

  std::vector<std::unique_ptr<Page>> table_;  // open addressing; a power of two, at most half full
  std::unique_ptr<Page> spare_;
  size_t pages_ = 0, size_ = 0;
  int shift_ = 64;
};

}  // namespace naru
