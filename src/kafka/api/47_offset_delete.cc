// OffsetDelete, v0. Forgets how far a group has read some partitions. Partitions that members subscribe to are refused
// one by one, and a group whose members do not say what they subscribe to as a whole.
#include "kafka/messages/47_offset_delete.h"

#include "kafka/api.h"
#include "kafka/group_errors.h"
#include "kafka/partitions.h"

namespace naru::kafka {
namespace {

io::Task<OffsetDeleteResponse> handle(Context& on, const OffsetDeleteRequest& request) {
  OffsetDeleteResponse response;
  if (request.group_id.empty()) {
    response.error_code = ErrorCode::invalid_group_id;
    co_return response;
  }
  std::vector<GroupPartition> partitions;
  std::vector<ErrorCode*> answers;  // of partitions
  CatalogPtr catalog = on.core.catalog();
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    out.partitions.reserve(topic.partitions.size());  // answers points into it
    for (const auto& asked : topic.partitions) {
      auto& answer = out.partitions.emplace_back();
      answer.partition_index = asked.partition_index;
      if (TopicPtr known = topic_with(*catalog, topic.name, asked.partition_index)) {
        partitions.push_back({known->id, asked.partition_index});
        answers.push_back(&answer.error_code);
      } else {
        answer.error_code = ErrorCode::unknown_topic_or_partition;
      }
    }
  }
  Core& owner = on.core.broker.owner_of_group(request.group_id);
  auto remove = [&](Core& there) { return there.groups.remove_offsets(request.group_id, std::move(partitions)); };
  GroupDeleteOffsetsResult removed = co_await naru::on(on.core, owner, remove);
  response.error_code = error_code(removed.error);
  if (removed.error != GroupError::none) {
    response.topics.clear();
    co_return response;
  }
  for (size_t i = 0; i < answers.size(); ++i) *answers[i] = error_code(removed.partitions[i]);
  co_return response;
}

}  // namespace

extern const Handler offset_delete{47, handle_with<OffsetDeleteRequest, OffsetDeleteResponse, handle>};

}  // namespace naru::kafka
