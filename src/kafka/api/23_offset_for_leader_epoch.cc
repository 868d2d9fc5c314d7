// OffsetForLeaderEpoch, v0-4. Where the records of a leader epoch end, so that a reader finds out whether a restart
// took back what it had read.
// * v1 answers with the epoch found  * v2 the asker's own epoch is checked  * v3 replica id  * v4 flexible
#include "kafka/messages/23_offset_for_leader_epoch.h"

#include "kafka/api.h"
#include "kafka/partitions.h"

namespace naru::kafka {
namespace {

using Answer = OffsetForLeaderEpochResponse::Topic::Partition;

struct Part {
  TopicPtr topic;
  int32_t partition = 0, believed_epoch = -1, wanted = -1;
  Answer* answer = nullptr;
};

/// Kafka's rule. A log notes an epoch with its first batch, so the present epoch may have none yet: it begins and ends
/// at the high watermark.
EpochStart end_of(const Log& log, int32_t wanted) {
  Offset end = log.bounds().high_watermark;
  if (wanted < 0 || wanted > log.epoch()) return {-1, Offset(-1)};
  const auto& epochs = log.state().epochs;
  if (wanted == log.epoch() || epochs.empty()) return {wanted, end};
  EpochStart found = log.end_of_epoch(wanted);
  return found.epoch >= 0 ? found : EpochStart{wanted, epochs.front().start};
}

io::Task<OffsetForLeaderEpochResponse> handle(Context& on, const OffsetForLeaderEpochRequest& request) {
  OffsetForLeaderEpochResponse response;
  std::vector<Part> parts;
  CatalogPtr catalog = on.core.catalog();
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.topic = topic.topic;
    out.partitions.reserve(topic.partitions.size());  // parts point to the answers
    for (const auto& asked : topic.partitions) {
      auto& answer = out.partitions.emplace_back();
      answer.partition = asked.partition;
      answer.error_code = ErrorCode::unknown_topic_or_partition;  // until it is found
      parts.push_back({.topic = topic_with(*catalog, topic.topic, asked.partition),
                       .partition = asked.partition,
                       .believed_epoch = asked.current_leader_epoch,
                       .wanted = asked.leader_epoch,
                       .answer = &answer});
    }
  }
  auto work = [](Core& owner, const std::vector<Part*>& mine) -> io::Task<bool> {
    for (const Part* part : mine) {
      part->answer->error_code = check_leader_epoch(part->believed_epoch, owner.store.epoch());
      if (part->answer->error_code != ErrorCode::none) continue;
      Log* log = owner.find_log(*part->topic, part->partition);
      if (!log) {
        part->answer->error_code = ErrorCode::unknown_topic_or_partition;
        continue;
      }
      EpochStart end = end_of(*log, part->wanted);
      part->answer->leader_epoch = end.epoch;
      part->answer->end_offset = end.start.value;
    }
    co_return true;
  };
  co_await on_owners(on.core, parts, work);
  co_return response;
}

}  // namespace

extern const Handler offset_for_leader_epoch{
    23, handle_with<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, handle>};

}  // namespace naru::kafka
