// ListOffsets, v1-10. The first offset whose record is not older than a time, or the offset of a special place.
// * v2 isolation level  * v4 leader epochs  * v6 flexible  * v7 -3, the record with the greatest time  * v8 -4, the
// local begin: the begin  * v9 -5, the end of a tier that there is not  * v10 a timeout for that A special value that
// is newer than the request is UNSUPPORTED_VERSION for its partition; a partition that is named twice gets one answer,
// INVALID_REQUEST. Not here: v0 (many offsets from segment files); a last stable offset other than the high watermark.
#include "kafka/messages/02_list_offsets.h"

#include <set>

#include "kafka/api.h"
#include "kafka/partitions.h"
#include "log/time_search.h"

namespace naru::kafka {
namespace {

using Answer = ListOffsetsResponse::Topic::Partition;

constexpr int64_t latest = -1, earliest = -2, max_time = -3, local_earliest = -4, latest_tiered = -5;

struct Part {
  TopicPtr topic;
  int32_t partition = 0, believed_epoch = -1;
  int64_t wanted = 0;
  Answer* answer = nullptr;
};

/// The request version that introduced a special value; 0 for a time.
int16_t needed_version(int64_t wanted) {
  switch (wanted) {
    case latest:
    case earliest: return 1;
    case max_time: return 7;
    case local_earliest: return 8;
    case latest_tiered: return 9;
    default: return wanted >= 0 ? 0 : INT16_MAX;
  }
}

/// A part whose topic goes away meanwhile loses it.
io::Task<> find(Core& owner, Part& part) {
  auto& answer = *part.answer;
  answer.error_code = check_leader_epoch(part.believed_epoch, owner.store.epoch());
  if (answer.error_code != ErrorCode::none || part.wanted == latest_tiered) co_return;
  // Null once the topic is gone.
  auto log = [&owner, &part]() -> Log* {
    return owner.catalog()->find(part.topic->id) ? owner.find_log(*part.topic, part.partition) : nullptr;
  };
  if (part.wanted == latest || part.wanted == earliest || part.wanted == local_earliest) {
    Log* there = log();
    if (!there) {
      part.topic = nullptr;
      co_return;
    }
    Offset at = part.wanted == latest ? there->bounds().high_watermark : there->bounds().begin;
    answer.offset = at.value;
    // A log notes an epoch with its first batch; before that the present one will be it.
    answer.leader_epoch = there->state().epochs.empty() ? there->epoch() : there->epoch_at(at);
    co_return;
  }
  WantedTime wanted = part.wanted == max_time ? WantedTime() : part.wanted;
  auto found = co_await find_by_time(owner.loop, log, wanted);
  if (!found && found.error().code == Code::closed) {
    part.topic = nullptr;
  } else if (!found) {
    answer.error_code = ErrorCode::kafka_storage_error;
  } else if (*found) {
    answer.offset = (*found)->offset.value;
    answer.timestamp = (*found)->timestamp;
    answer.leader_epoch = (*found)->epoch;
  }
}

io::Task<bool> find_all(Core& owner, std::vector<Part*> mine) {
  for (Part* part : mine) co_await find(owner, *part);
  co_return true;
}

io::Task<ListOffsetsResponse> handle(Context& on, const ListOffsetsRequest& request) {
  ListOffsetsResponse response;
  std::vector<Part> parts;
  CatalogPtr catalog = on.core.catalog();
  std::set<std::pair<std::string_view, int32_t>> seen, twice;
  for (const auto& topic : request.topics)
    for (const auto& asked : topic.partitions)
      if (!seen.emplace(topic.name, asked.partition_index).second) twice.emplace(topic.name, asked.partition_index);
  seen.clear();
  for (const auto& topic : request.topics) {
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    out.partitions.reserve(topic.partitions.size());  // parts point to the answers
    for (const auto& asked : topic.partitions) {
      std::pair key(topic.name, asked.partition_index);
      if (!seen.insert(key).second) continue;
      auto& answer = out.partitions.emplace_back();
      answer.partition_index = asked.partition_index;
      TopicPtr known = topic_with(*catalog, topic.name, asked.partition_index);
      answer.error_code = twice.contains(key)                              ? ErrorCode::invalid_request
                          : on.version() < needed_version(asked.timestamp) ? ErrorCode::unsupported_version
                          : !known                                         ? ErrorCode::unknown_topic_or_partition
                                                                           : ErrorCode::none;
      if (answer.error_code == ErrorCode::none)
        parts.push_back({known, asked.partition_index, asked.current_leader_epoch, asked.timestamp, &answer});
    }
  }
  co_await on_owners(on.core, parts, find_all);
  for (const Part& part : parts)
    if (!part.topic) part.answer->error_code = ErrorCode::unknown_topic_or_partition;
  co_return response;
}

}  // namespace

extern const Handler list_offsets{2, handle_with<ListOffsetsRequest, ListOffsetsResponse, handle>};

}  // namespace naru::kafka
