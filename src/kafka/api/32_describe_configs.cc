// DescribeConfigs, v0-4. The settings of topics and of this broker, all of them or those that are named, with where
// each value comes from.
// * v1 sources and synonyms  * v3 types, documentation  * v4 flexible
// The default broker ("") has no settings of its own, as in a Kafka where nobody made any. A broker's loggers are an
// empty list: naru has none to set. Groups and client metrics (KIP-848, KIP-714) are refused.
#include "kafka/messages/32_describe_configs.h"

#include <charconv>
#include <set>

#include "kafka/alter_topic_config.h"
#include "kafka/api.h"
#include "kafka/config_entries.h"

namespace naru::kafka {
namespace {

using Asked = DescribeConfigsRequest::Resource;
using Answer = DescribedResource;

std::optional<int32_t> number(std::string_view text) {
  int32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Refusal> check_broker(std::string_view name, int32_t node, const char* expected) {
  auto id = number(name);
  if (!id) return Refusal{ErrorCode::invalid_request, "Broker id must be an integer, but it is: " + std::string(name)};
  if (*id != node)
    return Refusal{ErrorCode::invalid_request, "Unexpected broker id, expected " + std::to_string(node) + expected +
                                                   " but received " + std::string(name)};
  return std::nullopt;
}

/// The entries of a resource, or why there are none.
std::expected<std::vector<ConfigEntry>, Refusal> entries_of(const Context& on, const Catalog& catalog,
                                                            const Asked& asked) {
  const Broker& broker = on.core.broker;
  const BrokerSettings& settings = broker.settings;
  std::string_view name = asked.resource_name;
  switch (static_cast<ResourceType>(asked.resource_type)) {
    case ResourceType::topic: {
      if (auto message = topic_name_message(name))
        return std::unexpected(Refusal{ErrorCode::invalid_topic_exception, *message});
      TopicPtr topic = catalog.find(name);
      if (!topic) return std::unexpected(Refusal{ErrorCode::unknown_topic_or_partition, ""});
      return topic_entries(shown_config(*topic), settings);
    }
    case ResourceType::broker: {
      if (name.empty()) return std::vector<ConfigEntry>();
      if (auto refusal = check_broker(name, settings.node_id, " or empty string,")) return std::unexpected(*refusal);
      return broker_entries(broker,
                            "PLAINTEXT://" + on.peer.advertised_host + ":" + std::to_string(on.peer.advertised_port));
    }
    case ResourceType::broker_logger: {
      if (name.empty()) return std::unexpected(Refusal{ErrorCode::invalid_request, "Broker id must not be empty"});
      if (auto refusal = check_broker(name, settings.node_id, "")) return std::unexpected(*refusal);
      return std::vector<ConfigEntry>();
    }
    case ResourceType::client_metrics:
    case ResourceType::group:
      return std::unexpected(Refusal{ErrorCode::invalid_request, "Resources of this type have no settings here."});
  }
  return std::unexpected(
      Refusal{ErrorCode::invalid_request, "Unknown resource type " + std::to_string(asked.resource_type)});
}

void fill(Answer& answer, ConfigEntry& entry, const DescribeConfigsRequest& request) {
  auto& out = answer.configs.emplace_back();
  out.name = entry.name;
  out.value = std::move(entry.value);
  out.read_only = entry.read_only;
  out.is_default = entry.source == ConfigSource::default_value;
  out.config_source = static_cast<int8_t>(entry.source);
  out.config_type = static_cast<int8_t>(entry.type);
  if (request.include_synonyms)
    for (auto& [name, value, source] : entry.synonyms)
      out.synonyms.push_back({std::move(name), std::move(value), static_cast<int8_t>(source)});
  out.documentation.reset();
  if (request.include_documentation) out.documentation = entry.documentation;
}

Answer answer(const Context& on, const Catalog& catalog, const DescribeConfigsRequest& request, const Asked& asked) {
  Answer answer;
  answer.error_message = "";
  answer.resource_type = asked.resource_type;
  answer.resource_name = asked.resource_name;
  auto entries = entries_of(on, catalog, asked);
  if (!entries) {
    answer.error_code = entries.error().code;
    answer.error_message = std::move(entries.error().message);
    return answer;
  }
  std::vector<std::string_view> keys = asked.configuration_keys.value_or(std::vector<std::string_view>());
  for (ConfigEntry& entry : *entries)
    if (keys.empty() || std::ranges::find(keys, entry.name) != keys.end()) fill(answer, entry, request);
  return answer;
}

/// What is asked about, whatever it is called: "1" and "01" are one broker.
std::pair<int8_t, std::string> subject(const Asked& asked) {
  auto type = static_cast<ResourceType>(asked.resource_type);
  bool is_number = type == ResourceType::broker || type == ResourceType::broker_logger;
  auto id = is_number ? number(asked.resource_name) : std::nullopt;
  return {asked.resource_type, id ? std::to_string(*id) : std::string(asked.resource_name)};
}

io::Task<LongDescribeConfigsResponse> handle(Context& on, const DescribeConfigsRequest& request) {
  std::set<std::pair<int8_t, std::string>> seen;  // an answer is long: what is asked twice is told once
  std::vector<const Asked*> once;
  for (const Asked& asked : request.resources)
    if (seen.insert(subject(asked)).second) once.push_back(&asked);
  size_t count = once.size();
  auto make = [&on, &request, once = std::move(once), catalog = on.core.catalog()](size_t i) {
    return answer(on, *catalog, request, *once[i]);
  };
  LongDescribeConfigsResponse response;
  response.results = {count, std::move(make)};
  co_return response;
}

}  // namespace

extern const Handler describe_configs{32, handle_with<DescribeConfigsRequest, LongDescribeConfigsResponse, handle>,
                                      /*long_answer=*/true};

}  // namespace naru::kafka
