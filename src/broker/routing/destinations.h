#pragma once
#include <memory>
#include <vector>

#include "base/flat_index.h"
#include "base/strong.h"

namespace naru {

/// Whatever a binding leads to, a queue or an exchange: a number of the caller's.
using Destination = Strong<uint64_t, struct DestinationTag>;

/// Destinations with how many bindings lead to each. What adding and removing cost does not depend on how many there
/// are. Most have one, which takes no memory of its own.
class Destinations {
 public:
  void add(Destination destination);
  /// False if it is not there.
  bool remove(Destination destination);
  bool empty() const { return !many_ && only_.bindings == 0; }
  void append_to(std::vector<Destination>& to) const {
    if (!many_ && only_.bindings > 0) to.push_back(only_.destination);
    if (!many_) return;
    for (const Item& item : many_->items) to.push_back(item.destination);
  }

 private:
  struct Item {
    Destination destination{};
    uint32_t bindings = 0;
  };
  struct Many {
    std::vector<Item> items;
    FlatIndex places;  // in items
    std::optional<uint32_t> find(Destination destination) const;
    void add(Item item);
    void remove(uint32_t place);
  };
  Item only_;
  std::unique_ptr<Many> many_;  // then only_ means nothing
};

}  // namespace naru
