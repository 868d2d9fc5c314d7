#pragma once
#include <cstdint>
#include <deque>

#include "base/check.h"
#include "io/loop.h"
#include "io/task.h"

namespace naru::io {

/// Bytes of memory that the work of one core may take. Whoever finds too little waits in line; nobody dies of it.
class Budget {
 public:
  Budget(Loop& loop, uint64_t bytes) : loop_(loop), total_(bytes) {}

  /// Waits for its turn. More than the whole budget is granted when nothing else is out, so it cannot wait for ever.
  Task<> take(uint64_t bytes) {
    if (waiting_.empty() && fits(bytes)) {
      used_ += bytes;
      co_return;
    }
    Waiter self{bytes, {}};
    waiting_.push_back(&self);
    waiting_bytes_ += bytes;
    co_await self.granted;
  }
  /// Takes at once what is there already and cannot wait for its turn; beyond the total, if it comes to that.
  void overdraw(uint64_t bytes) { used_ += bytes; }
  bool is_overdrawn() const { return used_ > total_; }
  bool has_line() const { return !waiting_.empty(); }
  /// Waits, in no line, until it is not overdrawn.
  Task<> credit() {
    while (is_overdrawn()) {
      Wakeup wakeup;
      in_debt_.push_back(&wakeup);
      co_await wakeup;
    }
  }
  /// Nobody is woken before the loop comes to it: who gives may be in the middle of anything.
  void give(uint64_t bytes) {
    CHECK(bytes <= used_);
    used_ -= bytes;
    if (!waiting_.empty() || !in_debt_.empty()) waker_.arm(loop_.now());
  }
  uint64_t used() const { return used_; }
  uint64_t total() const { return total_; }
  /// Others wait for more than there is, and who has been given back enough of it may still have to be woken.
  bool is_short() const {
    bool too_many = !waiting_.empty() && used_ > 0 && used_ + waiting_bytes_ > total_;
    bool wanted = !in_debt_.empty() || lookers_ > 0;
    return too_many || in_debt_.size() > 1 || (wanted && is_overdrawn());
  }
  /// While there is one, somebody looks now and then whether it is overdrawn still.
  class Looker {
   public:
    explicit Looker(Budget& budget) : budget_(budget) { ++budget_.lookers_; }
    ~Looker() { --budget_.lookers_; }
    Looker(const Looker&) = delete;
    Looker& operator=(const Looker&) = delete;

   private:
    Budget& budget_;
  };

 private:
  struct Waiter {
    uint64_t bytes;
    Wakeup granted;
  };
  bool fits(uint64_t bytes) const { return used_ + bytes <= total_ || used_ == 0; }
  bool wake_one() {
    if (!waiting_.empty() && fits(waiting_.front()->bytes)) {
      Waiter* next = waiting_.front();
      waiting_.pop_front();
      waiting_bytes_ -= next->bytes;
      used_ += next->bytes;
      next->granted.wake();
      return true;
    }
    if (in_debt_.empty() || is_overdrawn()) return false;
    Wakeup* next = in_debt_.front();
    in_debt_.pop_front();
    next->wake();
    return true;
  }

  Loop& loop_;
  uint64_t total_, used_ = 0, waiting_bytes_ = 0;
  std::deque<Waiter*> waiting_;
  std::deque<Wakeup*> in_debt_;
  int lookers_ = 0;
  Timer waker_{loop_, [this] {
                 while (wake_one()) {
                 }
               }};
};

/// A share of a budget that is given back when it goes.
class Reserved {
 public:
  Reserved() = default;
  Reserved(Budget& budget, uint64_t bytes) : budget_(&budget), bytes_(bytes) {}
  Reserved(Reserved&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
  Reserved& operator=(Reserved&& other) noexcept {
    std::swap(budget_, other.budget_), std::swap(bytes_, other.bytes_);
    return *this;
  }
  bool any() const { return budget_ != nullptr; }
  uint64_t bytes() const { return bytes_; }
  ~Reserved() {
    if (budget_) budget_->give(bytes_);
  }

 private:
  Budget* budget_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace naru::io
