#pragma once
// Names of what is being made or deleted: a crash would still undo it. Who needs one of them waits until it could not.
#include <map>
#include <string>
#include <vector>

#include "io/task.h"

namespace naru {

class NamesInTransit {
 public:
  void begin(const std::string& name) { waiters_.try_emplace(name); }
  /// It stays, or is gone. Call last: who waits goes on in here.
  void end(const std::string& name) {
    auto waiters = std::move(waiters_.extract(name).mapped());
    for (io::Wakeup* waiter : waiters) waiter->wake();
  }
  bool has(std::string_view name) const { return waiters_.contains(name); }
  /// Resumes when the name is not in transit.
  io::Task<> ended(std::string name) {
    while (true) {
      auto found = waiters_.find(name);
      if (found == waiters_.end()) co_return;
      io::Wakeup wakeup;
      found->second.push_back(&wakeup);
      co_await wakeup;
    }
  }

 private:
  std::map<std::string, std::vector<io::Wakeup*>, std::less<>> waiters_;
};

}  // namespace naru
