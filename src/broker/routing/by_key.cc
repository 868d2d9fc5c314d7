#include "broker/routing/by_key.h"

namespace naru {

void DirectBindings::add(std::string_view key, FieldTableView, Destination destination) {
  auto found = by_key_.find(key);
  if (found == by_key_.end()) found = by_key_.emplace(key, Destinations()).first;
  found->second.add(destination);
}

bool DirectBindings::remove(std::string_view key, FieldTableView, Destination destination) {
  auto found = by_key_.find(key);
  if (found == by_key_.end() || !found->second.remove(destination)) return false;
  if (found->second.empty()) by_key_.erase(found);
  return true;
}

void DirectBindings::match(const RoutedMessage& message, std::vector<Destination>& to) const {
  auto match_key = [&](std::string_view key) {
    if (auto found = by_key_.find(key); found != by_key_.end()) found->second.append_to(to);
  };
  match_key(message.routing_key);
  for (std::string_view key : message.more_keys) match_key(key);
}

}  // namespace naru
