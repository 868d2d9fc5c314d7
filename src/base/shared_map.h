#pragma once
// A sorted map of shared values whose copies share what they have in common: pages of neighbours, copied when one of
// them changes in one copy only. A copy of 100,000 entries costs microseconds, a change as much as its page; what two
// copies do not share can be walked without looking at the rest.
#include <algorithm>
#include <memory>
#include <vector>

namespace naru {

/// `key_of(value)` is a value's key: const, ordered, and the same for ever.
template <class T, auto key_of>
class SharedMap {
 public:
  using Value = std::shared_ptr<const T>;

 private:
  static constexpr size_t page_max = 128;
  using Page = std::vector<Value>;
  using Pages = std::vector<std::shared_ptr<Page>>;

 public:
  class Iterator {
   public:
    Iterator(const Pages& pages, size_t page) : pages_(&pages), page_(page) {}
    const Value& operator*() const { return (*(*pages_)[page_])[slot_]; }
    Iterator& operator++() {
      if (++slot_ == (*pages_)[page_]->size()) ++page_, slot_ = 0;
      return *this;
    }
    bool operator==(const Iterator& other) const { return page_ == other.page_ && slot_ == other.slot_; }

   private:
    const Pages* pages_;
    size_t page_, slot_ = 0;
  };
  /// In the order of keys.
  Iterator begin() const { return {pages_, 0}; }
  Iterator end() const { return {pages_, pages_.size()}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// Null if there is none.
  Value find(const auto& key) const {
    if (pages_.empty()) return nullptr;
    const Page& page = *pages_[page_for(key)];
    auto at = place_in(page, key);
    return at != page.end() && key_of(**at) == key ? *at : nullptr;
  }
  /// Adds it, or replaces the one with its key.
  void put(Value value) {
    const auto& key = key_of(*value);
    if (pages_.empty()) {
      pages_.push_back(std::make_shared<Page>(1, std::move(value)));
      ++size_;
      return;
    }
    size_t number = page_for(key);
    Page& page = own(number);
    auto at = place_in(page, key);
    if (at != page.end() && key_of(**at) == key) {
      page[static_cast<size_t>(at - page.begin())] = std::move(value);
      return;
    }
    page.insert(at, std::move(value));
    ++size_;
    if (page.size() > page_max) split(number);
  }
  /// Fine if there is none.
  void erase(const auto& key) {
    if (!find(key)) return;
    size_t number = page_for(key);
    Page& page = own(number);
    page.erase(place_in(page, key));
    --size_;
    if (page.empty()) pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(number));
  }
  /// Calls `on_each(value)` for all that the other does not have in a page with the same contents: everything that
  /// differs, and some neighbours.
  void each_unshared(const SharedMap& other, auto&& on_each) const {
    std::vector<const Page*> shared;
    for (const auto& page : other.pages_) shared.push_back(page.get());
    std::ranges::sort(shared);
    for (const auto& page : pages_) {
      if (std::ranges::binary_search(shared, page.get())) continue;
      for (const Value& value : *page) on_each(value);
    }
  }

 private:
  /// Where the key is, or belongs.
  size_t page_for(const auto& key) const {
    auto behind =
        std::ranges::partition_point(pages_, [&](const auto& page) { return !(key < key_of(*page->front())); });
    return behind == pages_.begin() ? 0 : static_cast<size_t>(behind - pages_.begin()) - 1;
  }
  static auto place_in(const Page& page, const auto& key) {
    return std::ranges::partition_point(page, [&](const Value& one) { return key_of(*one) < key; });
  }
  /// The page, which no other copy sees.
  Page& own(size_t number) {
    auto& page = pages_[number];
    if (page.use_count() > 1) page = std::make_shared<Page>(*page);
    return *page;
  }
  void split(size_t number) {
    Page& page = *pages_[number];
    auto middle = page.begin() + static_cast<std::ptrdiff_t>(page.size() / 2);
    auto second = std::make_shared<Page>(middle, page.end());
    page.erase(middle, page.end());
    pages_.insert(pages_.begin() + static_cast<std::ptrdiff_t>(number) + 1, std::move(second));
  }

  Pages pages_;
  size_t size_ = 0;
};

}  // namespace naru
