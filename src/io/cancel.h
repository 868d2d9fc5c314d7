#pragma once
#include <atomic>

namespace naru::io {

/// Asks work on another thread to end early; it looks now and then.
class Cancel {
 public:
  void ask() { asked_.store(true, std::memory_order_relaxed); }
  bool asked() const { return asked_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> asked_ = false;
};

}  // namespace naru::io
