// CreatePartitions, v0-3. Raises the number of partitions of topics; `count` is the new total.
// * v1 the same  * v2 flexible  * v3 the same
// Not here: quotas (v3 THROTTLING_QUOTA_EXCEEDED); the timeout is read and dropped.
#include "kafka/messages/37_create_partitions.h"

#include <set>

#include "kafka/api.h"
#include "kafka/create_topic.h"
#include "kafka/replica_assignment.h"

namespace naru::kafka {
namespace {

using Asked = CreatePartitionsRequest::Topic;

std::optional<Refusal> check(const Topic& topic, const Asked& asked, int32_t node) {
  auto present = static_cast<int64_t>(topic.partitions.size());
  if (asked.count == present)
    return Refusal{ErrorCode::invalid_partitions, "Topic already has " + std::to_string(present) + " partition(s)."};
  if (asked.count < present)
    return Refusal{ErrorCode::invalid_partitions, "The topic " + topic.name + " currently has " +
                                                      std::to_string(present) + " partition(s); " +
                                                      std::to_string(asked.count) + " would not be an increase."};
  int64_t more = asked.count - present;
  if (more > partitions_per_request_max)
    return Refusal{ErrorCode::policy_violation, "Excessively large number of partitions per request."};
  if (!asked.assignments) return std::nullopt;
  if (static_cast<int64_t>(asked.assignments->size()) != more)
    return Refusal{ErrorCode::invalid_replica_assignment,
                   "Attempted to add " + std::to_string(more) + " additional partition(s), but only " +
                       std::to_string(asked.assignments->size()) + " assignment(s) were specified."};
  for (const auto& [brokers] : *asked.assignments)
    if (auto message = replica_assignment_error(brokers, node))
      return Refusal{ErrorCode::invalid_replica_assignment, *message};
  return std::nullopt;
}

/// One attempt; `refusal` tells what the topic as it is now speaks against it.
io::Task<Result<TopicPtr>> try_add(Core& first, const Asked& asked, bool validate_only,
                                   std::optional<Refusal>& refusal) {
  TopicPtr topic = first.catalog()->find(asked.name);
  refusal.reset();
  if (!topic) {
    refusal.emplace(ErrorCode::unknown_topic_or_partition);
  } else {
    refusal = check(*topic, asked, first.broker.settings.node_id);
  }
  if (refusal || validate_only) co_return topic;
  co_return co_await first.broker.topics->add_partitions(topic->name, asked.count);
}

/// Runs on core 0. Nothing if it is done.
io::Task<std::optional<Refusal>> add(Core& first, const Asked& asked, bool validate_only) {
  std::optional<Refusal> refusal;
  auto change = [&] { return try_add(first, asked, validate_only, refusal); };
  auto added = co_await change_catalog(first, change);
  if (!added) refusal = {topic_error(added.error().code), added.error().reason};
  co_return refusal;
}

io::Task<CreatePartitionsResponse> add_all(Core& first, const CreatePartitionsRequest& request) {
  CreatePartitionsResponse response;
  std::set<std::string_view> seen, twice;
  for (const Asked& asked : request.topics)
    if (!seen.insert(asked.name).second) twice.insert(asked.name);
  seen.clear();
  for (const Asked& asked : request.topics) {
    if (!seen.insert(asked.name).second) continue;
    std::optional<Refusal> refusal;
    if (twice.contains(asked.name)) {
      refusal = {ErrorCode::invalid_request, "Duplicate topic name."};
    } else {
      refusal = co_await add(first, asked, request.validate_only);
    }
    auto& out = response.results.emplace_back();
    out.name = asked.name;
    if (!refusal) continue;
    out.error_code = refusal->code;
    if (!refusal->message.empty()) out.error_message = std::move(refusal->message);
  }
  co_return response;
}

io::Task<CreatePartitionsResponse> handle(Context& on, const CreatePartitionsRequest& request) {
  auto work = [&](Core& first) { return add_all(first, request); };
  co_return co_await naru::on(on.core, on.core.broker.first(), work);
}

}  // namespace

extern const Handler create_partitions{37, handle_with<CreatePartitionsRequest, CreatePartitionsResponse, handle>};

}  // namespace naru::kafka
