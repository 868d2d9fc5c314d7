#include "broker/routing/hashing.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/hash.h"

namespace naru {

std::optional<int64_t> parse_weight(std::string_view key) {
  if (key.starts_with('+')) key.remove_prefix(1);
  int64_t weight = 0;
  auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), weight);
  if (error != std::errc() || end != key.data() + key.size()) return std::nullopt;
  return weight;
}

ConsistentHashBindings::ConsistentHashBindings(FieldTableView exchange_arguments) {
  auto text_of = [&](std::string_view name) {
    auto value = exchange_arguments.find(name);
    return value ? value->text() : std::nullopt;
  };
  if (auto header = text_of("hash-header")) {
    source_ = Source::header;
    header_ = *header;
  } else if (auto property = text_of("hash-property")) {
    if (*property == "message_id") source_ = Source::message_id;
    if (*property == "correlation_id") source_ = Source::correlation_id;
    if (*property == "timestamp") source_ = Source::timestamp;
  }
}

void ConsistentHashBindings::add(std::string_view key, FieldTableView, Destination destination) {
  auto weight = static_cast<double>(parse_weight(key).value_or(1));
  auto found = std::ranges::find(destinations_, destination, &Weighted::destination);
  if (found == destinations_.end()) found = destinations_.insert(found, {destination});
  found->weight += weight;
  ++found->bindings;
}

bool ConsistentHashBindings::remove(std::string_view key, FieldTableView, Destination destination) {
  auto weight = static_cast<double>(parse_weight(key).value_or(1));
  auto found = std::ranges::find(destinations_, destination, &Weighted::destination);
  if (found == destinations_.end() || found->weight < weight) return false;
  found->weight -= weight;
  if (--found->bindings == 0) destinations_.erase(found);
  return true;
}

uint64_t ConsistentHashBindings::hash_of(const RoutedMessage& message) const {
  switch (source_) {
    case Source::routing_key: return hash64(view(message.routing_key));
    case Source::message_id: return hash64(view(message.message_id));
    case Source::correlation_id: return hash64(view(message.correlation_id));
    case Source::timestamp: return message.timestamp ? mix64(*message.timestamp + 1) : 0;
    case Source::header: break;
  }
  auto value = message.headers.find(header_);
  return value ? hash64(value->bytes, static_cast<uint64_t>(value->type)) : 0;
}

void ConsistentHashBindings::match(const RoutedMessage& message, std::vector<Destination>& to) const {
  if (destinations_.empty()) return;
  uint64_t hash = hash_of(message);
  const Weighted* best = nullptr;
  double best_score = 0;
  for (const Weighted& one : destinations_) {
    uint64_t drawn = mix64(hash ^ mix64(one.destination.value + 0x9e3779b97f4a7c15));
    double uniform = (static_cast<double>(drawn >> 11) + 0.5) * 0x1p-53;  // in (0, 1)
    double score = std::log(uniform) / one.weight;                        // below 0; the larger the weight, the nearer
    // Numbers decide between equals, so that the order of bindings does not.
    if (!best || score > best_score || (score == best_score && one.destination < best->destination))
      best = &one, best_score = score;
  }
  to.push_back(best->destination);
}

void ModulusBindings::add(std::string_view, FieldTableView, Destination destination) {
  destinations_.insert(std::ranges::upper_bound(destinations_, destination), destination);
}

bool ModulusBindings::remove(std::string_view, FieldTableView, Destination destination) {
  auto found = std::ranges::lower_bound(destinations_, destination);
  if (found == destinations_.end() || *found != destination) return false;
  destinations_.erase(found);
  return true;
}

void ModulusBindings::match(const RoutedMessage& message, std::vector<Destination>& to) const {
  if (destinations_.empty()) return;
  uint64_t number = random_ ? message.random : hash64(view(message.routing_key));
  to.push_back(destinations_[number % destinations_.size()]);
}

}  // namespace naru
