#pragma once
// Changing settings, in Kafka's words: what AlterConfigs and IncrementalAlterConfigs share.
#include <set>

#include "broker/core.h"
#include "kafka/api.h"
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

/// What is wrong with the settings that one resource names, whatever the topic has. `may_be_null(config)`: this one
/// needs no value.
std::optional<Refusal> check_settings(const auto& configs, auto may_be_null) {
  std::set<std::string_view> seen;
  std::string missing;
  for (const auto& config : configs) {
    if (!seen.insert(config.name).second)
      return Refusal{ErrorCode::invalid_request, "Error due to duplicate config keys"};
    if (!config.value && !may_be_null(config)) missing += (missing.empty() ? "" : ", ") + std::string(config.name);
  }
  if (!missing.empty()) return Refusal{ErrorCode::invalid_request, "Null value not supported for : " + missing};
  return std::nullopt;
}

// The two APIs differ in a Way:
//   using Request, Response: the messages
//   static std::optional<Refusal> check(const Request::Resource&): what is wrong with it, whatever the topic has
//   static std::optional<Refusal> apply(TopicConfig&, const Request::Resource&, const BrokerSettings&): makes the next
//     configuration from the present one

template <class Way>
io::Task<std::optional<Refusal>> alter_resource(Core& first, const typename Way::Request::Resource& asked,
                                                bool validate_only) {
  const BrokerSettings& settings = first.broker.settings;
  if (auto refusal = Way::check(asked)) co_return refusal;
  std::vector<std::string_view> keys;
  for (const auto& config : asked.configs) keys.push_back(config.name);
  if (auto refusal = refuse_resource(asked.resource_type, asked.resource_name, keys, settings)) co_return refusal;
  NextConfig next = [&](TopicConfig& config) { return Way::apply(config, asked, settings); };
  co_return co_await alter_topic(first, asked.resource_name, validate_only, next);
}

template <class Way>
io::Task<typename Way::Response> alter_resources(Core& first, const typename Way::Request& request) {
  typename Way::Response response;
  auto twice = named_twice(request.resources);
  for (size_t i = 0; i < request.resources.size(); ++i) {
    const auto& asked = request.resources[i];
    std::optional<Refusal> refusal;
    if (twice[i]) {
      refusal = {ErrorCode::invalid_request, "Each resource must appear at most once."};
    } else {
      refusal = co_await alter_resource<Way>(first, asked, request.validate_only);
    }
    auto& out = response.responses.emplace_back();
    out.resource_type = asked.resource_type;
    out.resource_name = asked.resource_name;
    if (!refusal || refusal->code == ErrorCode::none) continue;
    out.error_code = refusal->code;
    out.error_message = std::move(refusal->message);
  }
  co_return response;
}

/// The whole handler: topics change on core 0.
template <class Way>
io::Task<typename Way::Response> alter(Context& on, const typename Way::Request& request) {
  auto work = [&](Core& first) { return alter_resources<Way>(first, request); };
  co_return co_await naru::on(on.core, on.core.broker.first(), work);
}

}  // namespace naru::kafka
