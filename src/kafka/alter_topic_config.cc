#include "kafka/alter_topic_config.h"

#include <charconv>

namespace naru::kafka {
namespace {

std::optional<Refusal> refuse_broker(std::string_view name, const std::vector<std::string_view>& keys,
                                     const BrokerSettings& settings) {
  int32_t node = settings.node_id;
  if (!name.empty()) {
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), node);
    if (error != std::errc() || end != name.data() + name.size())
      return Refusal{ErrorCode::invalid_request, "Node id must be an integer, but it is: " + std::string(name)};
    if (node != settings.node_id)
      return Refusal{ErrorCode::invalid_request, "Unexpected broker id, expected " + std::to_string(settings.node_id) +
                                                     ", but received " + std::to_string(node)};
  }
  std::string list;
  for (std::string_view key : keys) list += (list.empty() ? "" : ", ") + std::string(key);
  if (list.empty()) return Refusal{};
  return Refusal{ErrorCode::invalid_request, "Cannot update these configs dynamically: [" + list + "]"};
}

std::optional<Refusal> refuse_topic(std::string_view name) {
  if (name.empty()) return Refusal{ErrorCode::invalid_request, "Default topic resources are not allowed."};
  if (auto message = topic_name_message(name)) return Refusal{ErrorCode::invalid_topic_exception, *message};
  return std::nullopt;
}

/// From the present configuration to the new one without a pause; Code::conflict if another change came first.
io::Task<Result<TopicPtr>> try_alter(Core& first, std::string_view name, bool validate_only, const NextConfig& next,
                                     std::optional<Refusal>& refusal) {
  TopicPtr topic = first.catalog()->find(name);
  if (!topic) {
    refusal = {ErrorCode::unknown_topic_or_partition, "The topic '" + std::string(name) + "' does not exist."};
    co_return TopicPtr();
  }
  const TopicConfig present = shown_config(*topic);
  TopicConfig config = present;
  refusal = next(config);
  if (refusal) co_return TopicPtr();
  if (auto message = topic_config_error(config)) {
    refusal = {ErrorCode::invalid_config, *message};
    co_return TopicPtr();
  }
  if (validate_only || config == present) co_return topic;
  co_return co_await first.broker.topics->configure(topic->name, std::move(config));
}

}  // namespace

std::optional<Refusal> refuse_resource(int8_t type, std::string_view name, const std::vector<std::string_view>& keys,
                                       const BrokerSettings& settings) {
  switch (static_cast<ResourceType>(type)) {
    case ResourceType::topic: return refuse_topic(name);
    case ResourceType::broker: return refuse_broker(name, keys, settings);
    case ResourceType::broker_logger:
      return Refusal{ErrorCode::invalid_config,
                     "Logger " + std::string(keys.empty() ? "" : keys[0]) + " does not exist!"};
    case ResourceType::client_metrics:
    case ResourceType::group:
      return Refusal{ErrorCode::invalid_request, "Resources of this type have no settings here."};
  }
  return Refusal{ErrorCode::invalid_request, "Unknown resource type " + std::to_string(type)};
}

io::Task<std::optional<Refusal>> alter_topic(Core& first, std::string_view name, bool validate_only, NextConfig next) {
  std::optional<Refusal> refusal;
  auto change = [&] { return try_alter(first, name, validate_only, next, refusal); };
  auto changed = co_await change_catalog(first, change);
  if (!changed) refusal = {topic_error(changed.error().code), changed.error().reason};
  co_return refusal;
}

}  // namespace naru::kafka
