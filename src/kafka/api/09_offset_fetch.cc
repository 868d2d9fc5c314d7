// OffsetFetch, v1-8. How far a group has read. What was never committed, or is no partition, is at -1 without an error.
// * v2 null topics: all that were ever committed; an error for the whole group  * v3 throttle time  * v5 leader epochs
// * v6 flexible  * v7 may wait for open transactions, of which there are none  * v8 many groups at once
// Not here: v0 (offsets in ZooKeeper), v9 (members of the new group protocol), v10 (topic ids).
#include "kafka/messages/09_offset_fetch.h"

#include <set>

#include "kafka/api.h"
#include "kafka/group_errors.h"
#include "kafka/partitions.h"

namespace naru::kafka {
namespace {

void fill(auto& out, int32_t partition, GroupOffset committed) {
  out.partition_index = partition;
  out.committed_offset = committed.offset;
  out.committed_leader_epoch = committed.leader_epoch;
  out.metadata = std::move(committed.metadata);
}

/// All that the group has committed, of topics that are still there.
template <class Topic>
void fill_all(std::vector<Topic>& topics, const Catalog& catalog, GroupFetchResult& fetched) {
  Uuid last;
  for (auto& [partition, committed] : fetched.offsets) {
    TopicPtr topic = catalog.find(partition.topic);
    if (!topic) continue;
    if (topics.empty() || partition.topic != last) topics.emplace_back().name = topic->name;
    last = partition.topic;
    fill(topics.back().partitions.emplace_back(), partition.partition, std::move(committed));
  }
}

/// One group. `Asked` and `Topic` are the request's and the response's words for a topic, which v8 changed.
template <class Topic, class Asked>
io::Task<GroupError> fetch(Context& on, std::string_view group, const std::optional<std::vector<Asked>>& asked,
                           std::vector<Topic>& topics) {
  CatalogPtr catalog = on.core.catalog();
  GroupFetchArgs args{.group = group};
  std::set<std::pair<std::string_view, int32_t>> seen;
  std::vector<std::vector<int32_t>> partitions;  // of each topic, each once: what was committed with it can be long
  if (asked) {
    args.partitions.emplace();
    for (const auto& topic : *asked) {
      auto& its = partitions.emplace_back();
      for (int32_t partition : topic.partition_indexes) {
        if (!seen.emplace(topic.name, partition).second) continue;
        its.push_back(partition);
        if (TopicPtr known = topic_with(*catalog, topic.name, partition))
          args.partitions->push_back({known->id, partition});
      }
    }
  }
  Core& owner = on.core.broker.owner_of_group(group);
  auto work = [&](Core& there) { return there.groups.fetch(std::move(args)); };
  GroupFetchResult fetched = co_await naru::on(on.core, owner, work);
  if (fetched.error != GroupError::none) co_return fetched.error;
  if (!asked) {
    fill_all(topics, *catalog, fetched);
    co_return GroupError::none;
  }
  size_t next = 0;
  for (size_t i = 0; i < asked->size(); ++i) {
    auto& out = topics.emplace_back();
    out.name = (*asked)[i].name;
    for (int32_t partition : partitions[i]) {
      GroupOffset committed;
      if (topic_with(*catalog, out.name, partition)) committed = std::move(fetched.offsets[next++].committed);
      fill(out.partitions.emplace_back(), partition, std::move(committed));
    }
  }
  co_return GroupError::none;
}

io::Task<OffsetFetchResponse> handle(Context& on, const OffsetFetchRequest& request) {
  OffsetFetchResponse response;
  if (on.version() >= 8) {
    std::set<std::string_view> seen;
    for (const auto& asked : request.groups) {
      if (!seen.insert(asked.group_id).second) continue;
      auto& group = response.groups.emplace_back();
      group.group_id = asked.group_id;
      GroupError error = co_await fetch(on, asked.group_id, asked.topics, group.topics);
      group.error_code = error_code(error);
    }
    co_return response;
  }
  GroupError error = co_await fetch(on, request.group_id, request.topics, response.topics);
  response.error_code = error_code(error);
  if (on.version() >= 2 || error == GroupError::none) co_return response;
  for (const auto& asked : *request.topics) {  // v1 has a place for errors in partitions only
    auto& topic = response.topics.emplace_back();
    topic.name = asked.name;
    for (int32_t partition : asked.partition_indexes) {
      auto& out = topic.partitions.emplace_back();
      fill(out, partition, GroupOffset());
      out.error_code = error_code(error);
    }
  }
  co_return response;
}

}  // namespace

extern const Handler offset_fetch{9, handle_with<OffsetFetchRequest, OffsetFetchResponse, handle>,
                                  /*long_answer=*/true};

}  // namespace naru::kafka
