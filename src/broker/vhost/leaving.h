#pragma once
// What is being deleted, by name: nobody finds it any more, but its name is not free before that is durable. Who
// declares it again waits until then, so that nothing is confirmed to be in what is about to go; so does who deletes it
// again, who is to hear of it only when it stays deleted whatever happens.
#include "base/check.h"
#include "broker/vhost/names_in_transit.h"

namespace naru {

template <class Thing>
class Leaving {
 public:
  using Things = std::map<std::string, Thing, std::less<>>;

  /// Takes it from those that are there; it stays where it is in memory.
  void add(Things& from, const std::string& name) {
    CHECK(!names_.has(name));
    names_.begin(name);
    things_.insert(from.extract(name));
  }
  Thing* find(std::string_view name) {
    auto found = things_.find(name);
    return found == things_.end() ? nullptr : &found->second;
  }
  /// It could not be deleted. Call last: who waits goes on in here.
  void undo(Things& to, const std::string& name) {
    to.insert(things_.extract(name));
    names_.end(name);
  }
  /// It is gone. Call last.
  void end(const std::string& name) {
    things_.erase(name);
    names_.end(name);
  }
  /// Resumes when nothing of this name is on its way out.
  io::Task<> ended(std::string name) { return names_.ended(std::move(name)); }

 private:
  NamesInTransit names_;
  Things things_;
};

}  // namespace naru
