// CreateTopics, v0-7. Makes topics, one after the other; each is durable and known to all cores when it is answered.
// * v1 validate only, error message  * v2 throttle time  * v4 -1 asks for defaults (taken from any version)
// * v5 flexible, answers with the configuration  * v7 topic id
// One node has one replica: more are INVALID_REPLICATION_FACTOR, as a Kafka of one broker answers.
// Not here: quotas (v6 THROTTLING_QUOTA_EXCEEDED); the timeout is read and dropped.
#include "kafka/messages/19_create_topics.h"

#include <set>

#include "kafka/api.h"
#include "kafka/config_entries.h"
#include "kafka/create_topic.h"
#include "kafka/replica_assignment.h"

namespace naru::kafka {
namespace {

using Asked = CreateTopicsRequest::Topic;
using Answer = CreateTopicsResponse::Topic;

std::optional<Refusal> check_assignments(const Asked& asked, int32_t node) {
  if (asked.replication_factor != -1)
    return Refusal{ErrorCode::invalid_request,
                   "A manual partition assignment was specified, but replication factor was not set to -1."};
  if (asked.num_partitions != -1)
    return Refusal{ErrorCode::invalid_request,
                   "A manual partition assignment was specified, but numPartitions was not set to -1."};
  std::set<int32_t> seen;
  for (const auto& [partition, brokers] : asked.assignments) {
    if (!seen.insert(partition).second)
      return Refusal{ErrorCode::invalid_replica_assignment,
                     "Found multiple manual partition assignments for partition " + std::to_string(partition)};
    if (auto message = replica_assignment_error(brokers, node))
      return Refusal{ErrorCode::invalid_replica_assignment, *message};
  }
  if (*seen.begin() != 0 || *seen.rbegin() != static_cast<int32_t>(seen.size()) - 1)
    return Refusal{ErrorCode::invalid_replica_assignment,
                   "partitions should be a consecutive 0-based integer sequence"};
  return std::nullopt;
}

std::optional<Refusal> check_numbers(const Asked& asked) {
  if (asked.replication_factor == 0 || asked.replication_factor < -1)
    return Refusal{ErrorCode::invalid_replication_factor,
                   "Replication factor must be larger than 0, or -1 to use the default value."};
  if (asked.num_partitions == 0 || asked.num_partitions < -1)
    return Refusal{ErrorCode::invalid_partitions, "Number of partitions was set to an invalid non-positive value."};
  if (asked.replication_factor > 1) {
    std::string factor = std::to_string(asked.replication_factor);
    return Refusal{ErrorCode::invalid_replication_factor,
                   "Unable to replicate the partition " + factor + " time(s): The target replication factor of " +
                       factor + " cannot be reached because only 1 broker(s) are registered."};
  }
  return std::nullopt;
}

std::optional<Refusal> check(const Catalog& catalog, const Asked& asked, const BrokerSettings& settings,
                             TopicConfig& config) {
  if (auto refusal = check_new_name(catalog, asked.name)) return refusal;
  for (const auto& [name, value] : asked.configs) {
    if (!value)
      return Refusal{ErrorCode::invalid_config, "Null value not supported for topic configs: " + std::string(name)};
    config.insert_or_assign(std::string(name), std::string(*value));
  }
  if (auto message = topic_config_error(config)) return Refusal{ErrorCode::invalid_config, *message};
  return asked.assignments.empty() ? check_numbers(asked) : check_assignments(asked, settings.node_id);
}

int32_t partitions_of(const Asked& asked, const BrokerSettings& settings) {
  if (!asked.assignments.empty()) return static_cast<int32_t>(asked.assignments.size());
  return asked.num_partitions == -1 ? settings.partitions : asked.num_partitions;
}

void fill(Answer& answer, int32_t partitions, const TopicConfig& config, const BrokerSettings& settings) {
  answer.num_partitions = partitions;
  answer.replication_factor = 1;
  for (ConfigEntry& entry : topic_entries(config, settings))
    answer.configs->push_back(
        {std::string(entry.name), std::move(entry.value), entry.read_only, static_cast<int8_t>(entry.source), false});
}

/// Runs on core 0.
io::Task<bool> create(Core& first, const Asked& asked, bool validate_only, Answer& answer) {
  const BrokerSettings& settings = first.broker.settings;
  TopicConfig config;
  if (auto refusal = check(*first.catalog(), asked, settings, config)) {
    answer.error_code = refusal->code;
    answer.error_message = std::move(refusal->message);
    co_return false;
  }
  int32_t partitions = partitions_of(asked, settings);
  if (!validate_only) {
    NewTopic wanted{.name = answer.name, .partitions = partitions, .config = config};
    auto created = co_await first.broker.topics->create(std::move(wanted));
    if (!created) {
      answer.error_code = topic_error(created.error().code);
      answer.error_message = answer.error_code == ErrorCode::topic_already_exists
                                 ? "Topic '" + answer.name + "' already exists."
                                 : created.error().reason;
      co_return false;
    }
    answer.topic_id = (*created)->id;
  }
  fill(answer, partitions, config, settings);
  co_return true;
}

io::Task<CreateTopicsResponse> create_all(Core& first, const CreateTopicsRequest& request) {
  CreateTopicsResponse response;
  std::set<std::string_view> seen, twice;
  int64_t partitions = 0;
  for (const Asked& asked : request.topics) {
    if (!seen.insert(asked.name).second) twice.insert(asked.name);
    partitions += std::max(0, partitions_of(asked, first.broker.settings));
  }
  seen.clear();
  for (const Asked& asked : request.topics) {
    if (!seen.insert(asked.name).second) continue;
    auto& answer = response.topics.emplace_back();
    answer.name = asked.name;
    if (twice.contains(asked.name)) {
      answer.error_code = ErrorCode::invalid_request;
      answer.error_message = "Duplicate topic name.";
    } else if (partitions > partitions_per_request_max) {
      answer.error_code = ErrorCode::policy_violation;
      answer.error_message = "Excessively large number of partitions per request.";
    } else {
      (void)co_await create(first, asked, request.validate_only, answer);
    }
  }
  co_return response;
}

io::Task<CreateTopicsResponse> handle(Context& on, const CreateTopicsRequest& request) {
  auto create_there = [&](Core& first) { return create_all(first, request); };
  co_return co_await naru::on(on.core, on.core.broker.first(), create_there);
}

}  // namespace

extern const Handler create_topics{19, handle_with<CreateTopicsRequest, CreateTopicsResponse, handle>};

}  // namespace naru::kafka
