// DescribeLogDirs, v0-4. How much disk each partition takes, in the one data folder.
// * v1 throttle time  * v2 flexible  * v3 error code  * v4 space of the volume (told as unknown, -1)
// Sizes are of record batches in segments; what only the journal holds is in both. Partitions that do not exist are
// left out, as in Kafka.
#include "kafka/messages/35_describe_log_dirs.h"

#include "kafka/api.h"
#include "kafka/partitions.h"

namespace naru::kafka {
namespace {

struct Part {
  TopicPtr topic;
  int32_t partition = 0;
  int64_t bytes = 0;
};

std::vector<Part> wanted(const Catalog& catalog, const DescribeLogDirsRequest& request) {
  std::vector<Part> parts;
  if (!request.topics) {
    for (const TopicPtr& topic : catalog.topics)
      for (size_t i = 0; i < topic->partitions.size(); ++i) parts.push_back({topic, static_cast<int32_t>(i)});
    return parts;
  }
  for (const auto& [name, partitions] : *request.topics)
    for (int32_t partition : partitions)
      if (TopicPtr topic = topic_with(catalog, name, partition)) parts.push_back({topic, partition});
  return parts;
}

io::Task<DescribeLogDirsResponse> handle(Context& on, const DescribeLogDirsRequest& request) {
  DescribeLogDirsResponse response;
  std::vector<Part> parts = wanted(*on.core.catalog(), request);
  auto measure = [](Core& owner, const std::vector<Part*>& mine) -> io::Task<bool> {
    for (Part* part : mine) {
      Log* log = owner.store.find(part->topic->partitions[static_cast<size_t>(part->partition)]);
      if (log) part->bytes = static_cast<int64_t>(log->state().bytes());
    }
    co_return true;
  };
  co_await on_owners(on.core, parts, measure);
  auto& folder = response.results.emplace_back();
  folder.log_dir = on.core.broker.settings.data_dir;
  for (const Part& part : parts) {
    if (!part.topic) continue;
    if (folder.topics.empty() || folder.topics.back().name != part.topic->name)
      folder.topics.emplace_back().name = part.topic->name;
    folder.topics.back().partitions.push_back({.partition_index = part.partition, .partition_size = part.bytes});
  }
  co_return response;
}

}  // namespace

extern const Handler describe_log_dirs{35, handle_with<DescribeLogDirsRequest, DescribeLogDirsResponse, handle>,
                                       /*long_answer=*/true};

}  // namespace naru::kafka
