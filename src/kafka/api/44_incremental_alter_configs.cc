// IncrementalAlterConfigs, v0-1. Changes single settings of topics: set, back to default, add to a list, take from it.
// * v1 flexible
// The settings of the broker are fixed at its start (INVALID_REQUEST, as Kafka says of such); loggers, groups and
// client metrics have none.
#include "kafka/messages/44_incremental_alter_configs.h"

#include "kafka/alter_topic_config.h"

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

std::optional<Refusal> change(TopicConfig& config, const Asked::Config& asked, const BrokerSettings& settings) {
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

struct Step {
  using Request = IncrementalAlterConfigsRequest;
  using Response = IncrementalAlterConfigsResponse;
  static std::optional<Refusal> check(const Asked& asked) {
    return check_settings(asked.configs, [](const Asked::Config& config) {
      return config.config_operation == static_cast<int8_t>(Operation::remove);
    });
  }
  static std::optional<Refusal> apply(TopicConfig& config, const Asked& asked, const BrokerSettings& settings) {
    for (const auto& one : asked.configs)
      if (auto refusal = change(config, one, settings)) return refusal;
    return std::nullopt;
  }
};

}  // namespace

extern const Handler incremental_alter_configs{
    44, handle_with<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, alter<Step>>};

}  // namespace naru::kafka
