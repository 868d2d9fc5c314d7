#pragma once
// What is being deleted, by name: nobody finds it any more, but its name is not free before that is durable. Who
// declares it again waits until then, so that nothing is confirmed to be in what is about to go; so does who deletes it
// again, who is to hear of it only when it stays deleted whatever happens.
#include <map>
#include <string>
#include <vector>

#include "base/check.h"
#include "io/task.h"

namespace naru {

template <class Thing>
class Leaving {
 public:
  using Things = std::map<std::string, Thing, std::less<>>;

  /// Takes it from those that are there; it stays where it is in memory.
  void add(Things& from, const std::string& name) {
    One& one = by_name_[name];
    CHECK(one.thing.empty());
    one.thing = from.extract(name);
  }
  Thing* find(std::string_view name) {
    auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &found->second.thing.mapped();
  }
  /// It could not be deleted.
  void undo(Things& to, const std::string& name) {
    One one = std::move(by_name_.extract(name).mapped());
    to.insert(std::move(one.thing));
    for (io::Wakeup* waiter : one.waiters) waiter->wake();
  }
  /// It is gone. Call last: who waits goes on in here.
  void end(const std::string& name) {
    auto waiters = std::move(by_name_.extract(name).mapped().waiters);
    for (io::Wakeup* waiter : waiters) waiter->wake();
  }
  /// Resumes when nothing of this name is on its way out.
  io::Task<> ended(std::string name) {
    while (true) {
      auto found = by_name_.find(name);
      if (found == by_name_.end()) co_return;
      io::Wakeup wakeup;
      found->second.waiters.push_back(&wakeup);
      co_await wakeup;
    }
  }

 private:
  struct One {
    typename Things::node_type thing;
    std::vector<io::Wakeup*> waiters;
  };
  std::map<std::string, One, std::less<>> by_name_;
};

}  // namespace naru
