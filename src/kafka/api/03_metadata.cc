// Metadata, v0-12. Where the broker is, what topics there are, who leads their partitions. Topics that are asked by
// name and are not there are made, if the request and the broker allow it, and are in the answer already: Kafka makes
// them behind its answer's back, and clients ask again.
// * v0 no topics named: all  * v1 null: all, empty: none; controller, rack, internal topics  * v2 cluster id
// * v3 throttle time  * v4 may forbid to make topics  * v5 offline replicas  * v7 leader epochs  * v8 what the asker
// may do (with the cluster: until v10)  * v9 flexible  * v10 topic ids  * v12 topics may be asked by id
// The address in the answer is the one that the connection's listener advertises. A name that collides with an
// existing one ('.' against '_') is INVALID_TOPIC_EXCEPTION, where Kafka lets clients ask for ever.
// Not here: v13 (the cluster's part in the error).
#include "kafka/messages/03_metadata.h"

#include <set>

#include "kafka/api.h"
#include "kafka/authorized_operations.h"
#include "kafka/create_topic.h"

namespace naru::kafka {
namespace {

using OutTopic = MetadataResponse::Topic;

void fill(OutTopic& out, Broker& broker, const Topic& topic) {
  out.name = topic.name;
  out.topic_id = topic.id;
  out.is_internal = is_internal_topic(topic.name);
  int32_t node = broker.settings.node_id;
  int32_t index = 0;
  for (StreamId stream : topic.partitions) {
    auto& partition = out.partitions.emplace_back();
    partition.partition_index = index++;
    partition.leader_id = node;
    partition.leader_epoch = broker.owner(stream).store.epoch();
    partition.replica_nodes.push_back(node);
    partition.isr_nodes.push_back(node);
  }
}

/// Makes a topic with the broker's defaults. The topic, or why not.
io::Task<Result<TopicPtr>> create(Core& first, std::string name) {
  NewTopic wanted{.name = std::move(name), .partitions = first.broker.settings.partitions, .config = {}};
  auto work = [&](Core& there) { return there.broker.topics->create(wanted); };
  auto created = co_await work(first);
  if (created || created.error().code != Code::exists) co_return created;
  // Somebody else is making it: it is there, or will be in a moment.
  for (int attempt = 0; attempt < 1000; ++attempt) {
    if (TopicPtr topic = first.catalog()->find(wanted.name)) co_return topic;
    co_await first.loop.sleep_until(first.loop.now() + 1);
  }
  co_return fail(Code::timeout);
}

io::Task<> answer_missing(Context& on, std::string_view name, bool may_create, OutTopic& out) {
  Core& first = on.core.broker.first();
  out.name = name;
  out.is_internal = is_internal_topic(name);
  out.error_code = ErrorCode::unknown_topic_or_partition;
  if (topic_name_error(name)) {
    out.error_code = ErrorCode::invalid_topic_exception;
  } else if (may_create && !out.is_internal && colliding_topic(*on.core.catalog(), name)) {
    out.error_code = ErrorCode::invalid_topic_exception;
  } else if (may_create && !out.is_internal) {
    auto work = [&](Core& there) { return create(there, std::string(name)); };
    auto created = co_await naru::on(on.core, first, work);
    if (created) {
      out.error_code = ErrorCode::none;
      fill(out, on.core.broker, **created);
    } else {
      out.error_code = ErrorCode::leader_not_available;  // clients ask again
    }
  }
}

void answer_ids(Context& on, const MetadataRequest& request, MetadataResponse& response) {
  CatalogPtr catalog = on.core.catalog();
  std::set<Uuid> seen;
  for (const auto& asked : *request.topics) {
    if (asked.topic_id.is_none() || !seen.insert(asked.topic_id).second) continue;
    auto& out = response.topics.emplace_back();
    if (TopicPtr topic = catalog->find(asked.topic_id)) {
      fill(out, on.core.broker, *topic);
    } else {
      out.error_code = ErrorCode::unknown_topic_id;
      out.name.reset();
      out.topic_id = asked.topic_id;
    }
  }
}

io::Task<> answer_names(Context& on, const MetadataRequest& request, MetadataResponse& response) {
  bool may_create = request.allow_auto_topic_creation && on.core.broker.settings.auto_create_topics;
  std::set<std::string_view> seen;
  for (const auto& asked : *request.topics) {
    if (!seen.insert(*asked.name).second) continue;
    auto& out = response.topics.emplace_back();
    if (TopicPtr topic = on.core.catalog()->find(*asked.name)) {
      fill(out, on.core.broker, *topic);
    } else {
      co_await answer_missing(on, *asked.name, may_create, out);
    }
  }
}

/// Before v12 ids are only told, not asked; and something has to be asked.
bool is_malformed(const MetadataRequest& request, int16_t version) {
  if (!request.topics) return false;
  bool by_id = std::ranges::any_of(*request.topics, [](const auto& asked) { return !asked.topic_id.is_none(); });
  if (by_id && version >= 12) return false;
  return by_id || std::ranges::any_of(*request.topics, [](const auto& asked) { return !asked.name; });
}

io::Task<MetadataResponse> handle(Context& on, const MetadataRequest& request) {
  MetadataResponse response;
  if (is_malformed(request, on.version())) {
    for (const auto& asked : *request.topics) {
      auto& out = response.topics.emplace_back();
      out.error_code = ErrorCode::invalid_request;
      out.name = asked.name.value_or("");
      out.topic_id = asked.topic_id;
    }
    co_return response;
  }
  Broker& broker = on.core.broker;
  bool all = !request.topics || (on.version() == 0 && request.topics->empty());
  bool by_id =
      request.topics && std::ranges::any_of(*request.topics, [](const auto& t) { return !t.topic_id.is_none(); });
  if (all) {
    CatalogPtr catalog = on.core.catalog();
    response.topics.reserve(catalog->topics.size());
    for (const TopicPtr& topic : catalog->topics) fill(response.topics.emplace_back(), broker, *topic);
  } else if (by_id) {
    answer_ids(on, request, response);
  } else {
    co_await answer_names(on, request, response);
  }
  response.brokers.push_back({broker.settings.node_id, on.peer.advertised_host, on.peer.advertised_port, std::nullopt});
  response.cluster_id = to_text(broker.cluster_id);
  response.controller_id = broker.settings.node_id;
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = operations_on_cluster;
  if (request.include_topic_authorized_operations)
    for (auto& topic : response.topics) topic.topic_authorized_operations = operations_on_topic;
  co_return response;
}

}  // namespace

extern const Handler metadata{3, handle_with<MetadataRequest, MetadataResponse, handle>, /*long_answer=*/true};

}  // namespace naru::kafka
