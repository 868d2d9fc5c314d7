// IncrementalAlterConfigs, v0-1. Changes single settings of topics: set, back to default, add to a list, take from it.
// * v1 flexible
// The settings of the broker are fixed at its start (INVALID_REQUEST, as Kafka says of such); loggers, groups and
// client metrics have none.
#include "kafka/messages/44_incremental_alter_configs.h"

#include <set>

#include "kafka/alter_topic_config.h"
#include "kafka/api.h"

namespace naru::kafka {
namespace {

using Asked = IncrementalAlterConfigsRequest::Resource;
enum class Operation : int8_t { set = 0, remove = 1, append = 2, subtract = 3 };

/// Items of a list are joined as they came; what is there already is not added again.
std::string change_list(std::string_view present, std::string_view items, Operation operation) {
  auto list = config_items(present);
  for (std::string_view item : config_items(items)) {
    bool there = std::ranges::find(list, item) != list.end();
    if (operation == Operation::append && !there) list.push_back(item);
    if (operation == Operation::subtract) std::erase(list, item);
  }
  std::string text;
  for (std::string_view item : list) text += (text.empty() ? "" : ",") + std::string(item);
  return text;
}

std::optional<Refusal> apply(TopicConfig& config, const Asked::Config& asked, const BrokerSettings& settings) {
  auto operation = static_cast<Operation>(asked.config_operation);
  std::string name(asked.name);
  if (operation == Operation::remove) {
    config.erase(name);
    return std::nullopt;
  }
  if (operation != Operation::set && operation != Operation::append && operation != Operation::subtract)
    return Refusal{ErrorCode::invalid_request, "Unknown operation " + std::to_string(asked.config_operation)};
  const ConfigKey* key = find_topic_config(name);
  if (!key) return Refusal{ErrorCode::invalid_config, "Unknown topic config name: " + name};
  if (operation == Operation::set) {
    config.insert_or_assign(name, *asked.value);
    return std::nullopt;
  }
  if (key->type != ConfigType::list)
    return Refusal{ErrorCode::invalid_config, std::string("Can't ") +
                                                  (operation == Operation::append ? "APPEND" : "SUBTRACT") +
                                                  " to key " + name + " because its type is not LIST."};
  auto present = config.find(name);
  std::string_view list = present == config.end() ? topic_config_default(*key, settings) : present->second;
  std::string changed = change_list(list, *asked.value, operation);
  config.insert_or_assign(name, std::move(changed));
  return std::nullopt;
}

/// What is wrong with the request itself, whatever the topic has.
std::optional<Refusal> check(const Asked& asked) {
  std::set<std::string_view> seen;
  for (const auto& config : asked.configs)
    if (!seen.insert(config.name).second)
      return Refusal{ErrorCode::invalid_request, "Error due to duplicate config keys"};
  std::string missing;
  for (const auto& config : asked.configs)
    if (!config.value && config.config_operation != static_cast<int8_t>(Operation::remove))
      missing += (missing.empty() ? "" : ", ") + std::string(config.name);
  if (!missing.empty()) return Refusal{ErrorCode::invalid_request, "Null value not supported for : " + missing};
  return std::nullopt;
}

io::Task<std::optional<Refusal>> alter(Core& first, const Asked& asked, bool validate_only) {
  const BrokerSettings& settings = first.broker.settings;
  if (auto refusal = check(asked)) co_return refusal;
  std::vector<std::string_view> keys;
  for (const auto& config : asked.configs) keys.push_back(config.name);
  if (auto refusal = refuse_resource(asked.resource_type, asked.resource_name, keys, settings)) co_return refusal;
  NextConfig next = [&](TopicConfig& config) -> std::optional<Refusal> {
    for (const auto& one : asked.configs)
      if (auto refusal = apply(config, one, settings)) return refusal;
    return std::nullopt;
  };
  co_return co_await alter_topic(first, asked.resource_name, validate_only, next);
}

io::Task<IncrementalAlterConfigsResponse> alter_all(Core& first, const IncrementalAlterConfigsRequest& request) {
  IncrementalAlterConfigsResponse response;
  auto twice = named_twice(request.resources);
  for (size_t i = 0; i < request.resources.size(); ++i) {
    const Asked& asked = request.resources[i];
    std::optional<Refusal> refusal;
    if (twice[i]) {
      refusal = {ErrorCode::invalid_request, "Each resource must appear at most once."};
    } else {
      refusal = co_await alter(first, asked, request.validate_only);
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

io::Task<IncrementalAlterConfigsResponse> handle(Context& on, const IncrementalAlterConfigsRequest& request) {
  auto work = [&](Core& first) { return alter_all(first, request); };
  co_return co_await naru::on(on.core, on.core.broker.first(), work);
}

}  // namespace

extern const Handler incremental_alter_configs{
    44, handle_with<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, handle>};

}  // namespace naru::kafka
