// AlterConfigs, v0-2. Replaces all settings of a topic: what is not named goes back to its default. Old tools use it;
// new ones use IncrementalAlterConfigs.
// * v2 flexible
// A resource that is named twice is refused each time, where Kafka does not answer at all.
#include "kafka/messages/33_alter_configs.h"

#include "kafka/alter_topic_config.h"

namespace naru::kafka {
namespace {

struct Whole {
  using Request = AlterConfigsRequest;
  using Response = AlterConfigsResponse;
  static std::optional<Refusal> check(const Request::Resource& asked) {
    return check_settings(asked.configs, [](const auto&) { return false; });
  }
  static std::optional<Refusal> apply(TopicConfig& config, const Request::Resource& asked, const BrokerSettings&) {
    config.clear();
    for (const auto& one : asked.configs) config.insert_or_assign(std::string(one.name), std::string(*one.value));
    return std::nullopt;
  }
};

}  // namespace

extern const Handler alter_configs{33, handle_with<AlterConfigsRequest, AlterConfigsResponse, alter<Whole>>};

}  // namespace naru::kafka
