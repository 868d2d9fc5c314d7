// OffsetCommit, v1-8. A group notes how far it has read; the answer comes when that survives a crash.
// * v1 membership is checked, time of the commit asked by the client  * v2-4 retention asked by the client
// * v3 throttle time  * v6 leader epochs  * v7 static members  * v8 flexible
// Partitions that do not exist are refused one by one, also when the group would have been refused.
// Not here: v0 (offsets in ZooKeeper), v9 (members of the new group protocol), v10 (topic ids).
#include "kafka/messages/08_offset_commit.h"

#include "kafka/api.h"
#include "kafka/group_errors.h"
#include "kafka/partitions.h"

namespace naru::kafka {
namespace {

io::Task<OffsetCommitResponse> handle(Context& on, const OffsetCommitRequest& request) {
  OffsetCommitResponse response;
  GroupCommitArgs args{
      .from = {.group = request.group_id,
               .member = request.member_id,
               .instance = request.group_instance_id,
               .generation = request.generation_id_or_member_epoch},
      .retention_ms = request.retention_time_ms,
  };
  std::vector<ErrorCode*> answers;  // of args.offsets
  CatalogPtr catalog = on.core.catalog();
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    out.partitions.reserve(topic.partitions.size());  // answers points into it
    for (const auto& asked : topic.partitions) {
      auto& answer = out.partitions.emplace_back();
      answer.partition_index = asked.partition_index;
      TopicPtr known = topic_with(*catalog, topic.name, asked.partition_index);
      if (!known) {
        answer.error_code = ErrorCode::unknown_topic_or_partition;
        continue;
      }
      answers.push_back(&answer.error_code);
      args.offsets.push_back({.partition = {known->id, asked.partition_index},
                              .offset = asked.committed_offset,
                              .leader_epoch = asked.committed_leader_epoch,
                              .metadata = asked.committed_metadata.value_or(""),
                              .timestamp = asked.commit_timestamp});
    }
  }
  if (args.offsets.empty()) co_return response;
  Core& owner = on.core.broker.owner_of_group(request.group_id);
  auto commit = [&](Core& there) { return there.groups.commit(std::move(args)); };
  GroupCommitResult committed = co_await naru::on(on.core, owner, commit);
  for (size_t i = 0; i < answers.size(); ++i) *answers[i] = error_code(committed.offsets[i]);
  co_return response;
}

}  // namespace

extern const Handler offset_commit{8, handle_with<OffsetCommitRequest, OffsetCommitResponse, handle>};

}  // namespace naru::kafka
