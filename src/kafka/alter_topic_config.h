#pragma once
// Changing settings, in Kafka's words: what AlterConfigs and IncrementalAlterConfigs share.
#include "broker/core.h"
#include "kafka/create_topic.h"

namespace naru::kafka {

/// Numbers on the wire: what a setting belongs to.
enum class ResourceType : int8_t { topic = 2, broker = 4, broker_logger = 8, client_metrics = 16, group = 32 };

/// Why settings of anything but a topic do not change; nothing for a topic. `keys` are the settings' names.
std::optional<Refusal> refuse_resource(int8_t type, std::string_view name, const std::vector<std::string_view>& keys,
                                       const BrokerSettings& settings);

/// Makes the next configuration from the present one, or says why not.
using NextConfig = std::function<std::optional<Refusal>(TopicConfig& config)>;

/// Changes a topic's configuration; on core 0. Nothing if it is done.
io::Task<std::optional<Refusal>> alter_topic(Core& first, std::string_view name, bool validate_only, NextConfig next);

/// The resources of a request that are named more than once: Kafka refuses them all.
template <class Resource>
std::vector<bool> named_twice(const std::vector<Resource>& resources) {
  std::map<std::pair<int8_t, std::string_view>, int> times;
  for (const auto& resource : resources) ++times[{resource.resource_type, resource.resource_name}];
  std::vector<bool> twice;
  for (const auto& resource : resources) twice.push_back(times[{resource.resource_type, resource.resource_name}] > 1);
  return twice;
}

}  // namespace naru::kafka
