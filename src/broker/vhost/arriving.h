#pragma once
// What is being made durable for the first time, by its row: it is there for everybody already, and a crash would still
// take it back. Who declares it again is answered when that cannot happen any more.
#include <map>
#include <string>
#include <vector>

#include "io/task.h"

namespace naru {

class Arriving {
 public:
  void begin(const std::string& row) { waiters_.try_emplace(row); }
  /// It is durable, or gone again. Call last: who waits goes on in here.
  void end(const std::string& row) {
    auto waiters = std::move(waiters_.extract(row).mapped());
    for (io::Wakeup* waiter : waiters) waiter->wake();
  }
  bool has(const std::string& row) const { return waiters_.contains(row); }
  /// Resumes when the row is not on its way.
  io::Task<> ended(std::string row) {
    while (true) {
      auto found = waiters_.find(row);
      if (found == waiters_.end()) co_return;
      io::Wakeup wakeup;
      found->second.push_back(&wakeup);
      co_await wakeup;
    }
  }

 private:
  std::map<std::string, std::vector<io::Wakeup*>> waiters_;
};

}  // namespace naru
