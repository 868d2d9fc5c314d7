#pragma once
// What there is: topics with their partitions and configuration. A Catalog is an immutable picture of it; core 0 makes
// the next one at each change and hands it to all cores (DESIGN: changed in one place, read everywhere).
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/shared_map.h"
#include "base/uuid.h"
#include "log/compression.h"
#include "log/log.h"

namespace naru {

using TopicConfig = std::map<std::string, std::string, std::less<>>;  // only what was set; the rest is default

/// Names a queue.
struct QueueName {
  std::string vhost, name;
};

struct Topic {
  std::string name;
  Uuid id;                           // new for each creation, also under an old name
  std::vector<StreamId> partitions;  // by partition number
  TopicConfig config;
  uint64_t revision = 0;  // of its row in the meta store
  /// The queue whose logs these are: it decides what becomes of them, and of what is produced to them.
  std::optional<QueueName> queue{};

  // Derived from config and the broker's defaults:
  LogSettings log;
  int64_t message_bytes_max = 1048588;
  bool log_append_time = false;
  int64_t timestamp_before_max_ms = INT64_MAX, timestamp_after_max_ms = INT64_MAX;
  std::optional<Compression> compression{};  // of stored batches; nothing: as producers sent them
};

using TopicPtr = std::shared_ptr<const Topic>;

inline constexpr auto topic_name_key = [](const Topic& topic) -> const std::string& { return topic.name; };
inline constexpr auto topic_id_key = [](const Topic& topic) -> const Uuid& { return topic.id; };

/// Copies share what they have in common, so that the next picture of 100,000 queues costs no more than what changed.
struct Catalog {
  SharedMap<Topic, topic_name_key> topics;
  SharedMap<Topic, topic_id_key> by_id;
  uint64_t revision = 0;  // rises with each change

  TopicPtr find(std::string_view name) const { return topics.find(name); }
  TopicPtr find(const Uuid& id) const { return by_id.find(id); }
  void put(TopicPtr topic) {
    topics.put(topic);
    by_id.put(std::move(topic));
  }
  void erase(const Topic& topic) {
    by_id.erase(topic.id);
    topics.erase(topic.name);
  }
};
using CatalogPtr = std::shared_ptr<const Catalog>;

/// Topic rows in the meta store: "topic/<name>".
std::string encode_topic(const Topic& topic);
Result<Topic> decode_topic(std::string_view name, std::string_view row);

/// Kafka's rules for names: 1 to 249 of [a-zA-Z0-9._-], not "." or "..". nullptr if fine, else what is wrong.
const char* topic_name_error(std::string_view name);

}  // namespace naru
