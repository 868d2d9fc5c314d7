#include "broker/routing/destinations.h"

#include "base/hash.h"

namespace naru {

std::optional<uint32_t> Destinations::Many::find(Destination destination) const {
  return places.find(mix64(destination.value), [&](uint32_t place) { return items[place].destination == destination; });
}

void Destinations::Many::add(Item item) {
  places.add(mix64(item.destination.value), static_cast<uint32_t>(items.size()));
  items.push_back(item);
}

void Destinations::Many::remove(uint32_t place) {
  auto last = static_cast<uint32_t>(items.size() - 1);
  places.erase(mix64(items[place].destination.value), place);
  if (place != last) {
    uint64_t moved = mix64(items[last].destination.value);
    places.erase(moved, last);
    places.add(moved, place);
    items[place] = items[last];
  }
  items.pop_back();
}

void Destinations::add(Destination destination) {
  if (!many_) {
    if (only_.bindings == 0) only_.destination = destination;
    if (only_.destination == destination) return void(++only_.bindings);
    many_ = std::make_unique<Many>();
    many_->add(only_);
  }
  if (auto place = many_->find(destination)) return void(++many_->items[*place].bindings);
  many_->add({destination, 1});
}

bool Destinations::remove(Destination destination) {
  if (!many_) {
    if (only_.bindings == 0 || only_.destination != destination) return false;
    --only_.bindings;
    return true;
  }
  auto place = many_->find(destination);
  if (!place) return false;
  if (--many_->items[*place].bindings > 0) return true;
  many_->remove(*place);
  if (many_->items.size() > 1) return true;
  only_ = many_->items[0];
  many_.reset();
  return true;
}

}  // namespace naru
