// AlterConfigs, v0-2. Replaces all settings of a topic: what is not named goes back to its default. Old tools use it;
// new ones use IncrementalAlterConfigs.
// * v2 flexible
// A resource that is named twice is refused each time, where Kafka does not answer at all.
#include "kafka/messages/33_alter_configs.h"

#include <set>

#include "kafka/alter_topic_config.h"
#include "kafka/api.h"

namespace naru::kafka {
namespace {

using Asked = AlterConfigsRequest::Resource;

std::optional<Refusal> check(const Asked& asked) {
  std::set<std::string_view> seen;
  std::string missing;
  for (const auto& [name, value] : asked.configs) {
    if (!seen.insert(name).second) return Refusal{ErrorCode::invalid_request, "Error due to duplicate config keys"};
    if (!value) missing += (missing.empty() ? "" : ", ") + std::string(name);
  }
  if (!missing.empty()) return Refusal{ErrorCode::invalid_request, "Null value not supported for : " + missing};
  return std::nullopt;
}

io::Task<std::optional<Refusal>> alter(Core& first, const Asked& asked, bool validate_only) {
  if (auto refusal = check(asked)) co_return refusal;
  std::vector<std::string_view> keys;
  for (const auto& config : asked.configs) keys.push_back(config.name);
  if (auto refusal = refuse_resource(asked.resource_type, asked.resource_name, keys, first.broker.settings))
    co_return refusal;
  NextConfig next = [&](TopicConfig& config) -> std::optional<Refusal> {
    config.clear();
    for (const auto& one : asked.configs) config.insert_or_assign(std::string(one.name), std::string(*one.value));
    return std::nullopt;
  };
  co_return co_await alter_topic(first, asked.resource_name, validate_only, next);
}

io::Task<AlterConfigsResponse> alter_all(Core& first, const AlterConfigsRequest& request) {
  AlterConfigsResponse response;
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

io::Task<AlterConfigsResponse> handle(Context& on, const AlterConfigsRequest& request) {
  auto work = [&](Core& first) { return alter_all(first, request); };
  co_return co_await naru::on(on.core, on.core.broker.first(), work);
}

}  // namespace

extern const Handler alter_configs{33, handle_with<AlterConfigsRequest, AlterConfigsResponse, handle>};

}  // namespace naru::kafka
