#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace naru::kafka {

/// What is wrong with the replicas that a client chose for a partition, in Kafka's words: `node` is all there is.
inline std::optional<std::string> replica_assignment_error(const std::vector<int32_t>& brokers, int32_t node) {
  if (brokers.empty()) return "The manual partition assignment includes an empty replica list.";
  for (int32_t broker : brokers) {
    if (broker != node)
      return "The manual partition assignment includes broker " + std::to_string(broker) +
             ", but no such broker is registered.";
  }
  if (brokers.size() > 1)
    return "The manual partition assignment includes the broker " + std::to_string(node) + " more than once.";
  return std::nullopt;
}

}  // namespace naru::kafka
