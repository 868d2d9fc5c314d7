// DeleteRecords, v0-2. Gives up the records below an offset; -1 is the high watermark. Answers with the new first
// offset once that survives a crash.
// * v2 flexible
// Space comes back by whole segments. A topic that is only compacted is refused (POLICY_VIOLATION), as in Kafka; so is
// a queue.
#include "kafka/messages/21_delete_records.h"

#include "kafka/api.h"
#include "kafka/partitions.h"

namespace naru::kafka {
namespace {

using Answer = DeleteRecordsResponse::Topic::Partition;

struct Part {
  TopicPtr topic;
  int32_t partition = 0;
  int64_t below = 0;
  Answer* answer = nullptr;
};

/// Returns the position that has to be durable, 0 if none.
JournalPosition trim(Core& owner, const Part& part) {
  auto& answer = *part.answer;
  bool is_queue = part.topic->log.trim_to_cursors;  // what it has is its consumers'
  if (!part.topic->log.remove_old || is_queue) {
    answer.error_code = ErrorCode::policy_violation;
    return 0;
  }
  Log* found = owner.find_log(*part.topic, part.partition);
  if (!found) {
    answer.error_code = ErrorCode::unknown_topic_or_partition;
    return 0;
  }
  Log& log = *found;
  Offset end = log.bounds().high_watermark;
  Offset below = part.below == -1 ? end : Offset(part.below);
  if (below.value < 0 || below > end) {
    answer.error_code = ErrorCode::offset_out_of_range;
    return 0;
  }
  auto trimmed = log.trim(below);
  answer.error_code = trimmed ? ErrorCode::none : ErrorCode::kafka_storage_error;
  if (trimmed) answer.low_watermark = log.bounds().begin.value;
  return trimmed.value_or(0);
}

io::Task<bool> trim_all(Core& owner, const std::vector<Part*>& parts) {
  JournalPosition position = 0;
  for (const Part* part : parts) position = std::max(position, trim(owner, *part));
  if (position == 0) co_return true;
  auto stored = co_await owner.store.durable(position);
  if (stored) co_return true;
  for (const Part* part : parts) {
    if (part->answer->error_code != ErrorCode::none) continue;
    part->answer->error_code = ErrorCode::kafka_storage_error;
    part->answer->low_watermark = -1;
  }
  co_return false;
}

io::Task<DeleteRecordsResponse> handle(Context& on, const DeleteRecordsRequest& request) {
  DeleteRecordsResponse response;
  std::vector<Part> parts;
  CatalogPtr catalog = on.core.catalog();
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    out.partitions.reserve(topic.partitions.size());  // parts point to the answers
    for (const auto& asked : topic.partitions) {
      auto& answer = out.partitions.emplace_back();
      answer.partition_index = asked.partition_index;
      answer.low_watermark = -1;
      answer.error_code = ErrorCode::unknown_topic_or_partition;  // until it is found
      parts.push_back(
          {topic_with(*catalog, topic.name, asked.partition_index), asked.partition_index, asked.offset, &answer});
    }
  }
  co_await on_owners(on.core, parts, trim_all);
  co_return response;
}

}  // namespace

extern const Handler delete_records{21, handle_with<DeleteRecordsRequest, DeleteRecordsResponse, handle>};

}  // namespace naru::kafka
