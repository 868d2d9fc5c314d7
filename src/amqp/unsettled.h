#pragma once
// What a channel has handed out and nobody has settled yet, by delivery tag. Tags rise by one. The oldest may stay for
// hours while millions pass it, so memory comes and goes in pages of neighbours.
#include <bit>
#include <map>
#include <memory>

#include "broker/queue/queue.h"

namespace naru::amqp {

/// A message that was handed out.
struct Unacked {
  std::shared_ptr<Queue> queue;
  MessageId id;
  uint64_t consumer = 0;  // 0: basic.get
  /// Fetched by basic.get before there was a limit for the whole channel, and counted against it.
  static constexpr uint64_t counted_get = UINT64_MAX;
};

class Unsettled {
 public:
  /// Returns its tag.
  uint64_t add(Unacked message) {
    uint64_t number = next_ / page_slots;
    if (!newest_ || newest_->number != number) newest_ = &add_page(number);
    newest_->used |= bit(next_);
    newest_->slots[next_ % page_slots] = std::move(message);
    ++size_;
    return next_++;
  }
  /// A tag for a message that needs no acknowledgement.
  uint64_t skip() { return next_++; }
  /// The tag that the next message gets.
  uint64_t next() const { return next_; }
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  Unacked* find(uint64_t tag) {
    auto page = pages_.find(tag / page_slots);
    bool there = page != pages_.end() && (page->second->used & bit(tag)) != 0;
    return there ? &page->second->slots[tag % page_slots] : nullptr;
  }
  /// Takes it out; it must be there.
  Unacked take(uint64_t tag) {
    auto page = pages_.find(tag / page_slots);
    Unacked taken = std::move(page->second->slots[tag % page_slots]);
    page->second->used &= ~bit(tag);
    --size_;
    if (page->second->used == 0) drop_page(page);
    return taken;
  }
  /// One that was taken is there again.
  void put_back(uint64_t tag, Unacked message) {
    auto& page = pages_[tag / page_slots];
    if (!page) page = std::make_unique<Page>();
    page->number = tag / page_slots;
    page->used |= bit(tag);
    page->slots[tag % page_slots] = std::move(message);
    ++size_;
  }
  /// Calls `look(tag, message)` for each message, oldest first.
  template <class Look>
  void each_tag(Look look) {
    (void)first_tag_of([&](uint64_t tag, Unacked& message) { return look(tag, message), false; });
  }
  /// The oldest one for which `is_it(message)`.
  template <class IsIt>
  std::optional<uint64_t> first_tag(IsIt is_it) {
    return first_tag_of([&](uint64_t, const Unacked& message) { return is_it(message); });
  }
  /// The oldest tag there is. Not when empty().
  uint64_t oldest() const {
    const Page& page = *pages_.begin()->second;
    return page.number * page_slots + static_cast<uint64_t>(std::countr_zero(page.used));
  }

 private:
  template <class IsIt>
  std::optional<uint64_t> first_tag_of(IsIt is_it) {
    for (auto& [number, page] : pages_)
      for (uint32_t rest = page->used; rest != 0; rest &= rest - 1) {
        auto slot = static_cast<uint64_t>(std::countr_zero(rest));
        if (is_it(number * page_slots + slot, page->slots[slot])) return number * page_slots + slot;
      }
    return std::nullopt;
  }
  static constexpr uint64_t page_slots = 32;
  struct Page {
    uint64_t number = 0;
    uint32_t used = 0;  // a bit per slot
    Unacked slots[page_slots];
  };
  using Pages = std::map<uint64_t, std::unique_ptr<Page>>;

  static uint32_t bit(uint64_t tag) { return 1u << tag % page_slots; }
  Page& add_page(uint64_t number) {
    auto page = spare_ ? std::move(spare_) : std::make_unique<Page>();
    page->number = number;
    return *pages_.emplace_hint(pages_.end(), number, std::move(page))->second;
  }
  void drop_page(Pages::iterator page) {
    if (page->second.get() == newest_) newest_ = nullptr;
    if (pages_.size() > 1) spare_ = std::move(page->second);  // an idle channel keeps none
    pages_.erase(page);
    if (pages_.empty()) spare_ = nullptr;
  }

  Pages pages_;
  Page* newest_ = nullptr;
  std::unique_ptr<Page> spare_;
  uint64_t next_ = 1;
  size_t size_ = 0;
};

}  // namespace naru::amqp
