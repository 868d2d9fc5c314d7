#pragma once
// What the broker is told at start. Handed down as a struct; nothing below server/ reads a global.
#include "broker/catalog.h"
#include "broker/group_types.h"
#include "io/net.h"
#include "log/log.h"

namespace naru {

struct BrokerSettings {
  int32_t node_id = 1;
  Durability durability = Durability::sync;  // of topics that do not say
  TopicConfig topic_defaults;                // of topics that do not say, where it is not Kafka's default
  bool auto_create_topics = true;
  int32_t partitions = 1;  // of a topic that is created without a number
  GroupSettings groups;
  // How soon after an append it is looked whether something is old, or to be compacted; nothing ticks without appends.
  int64_t retention_check_ms = 300'000;  // Kafka's log.retention.check.interval.ms
  int64_t compaction_check_ms = 15'000;  // Kafka's log.cleaner.backoff.ms
  uint64_t memory_bytes = 256 * MiB;     // for everything; see Core::budget
  uint64_t connections_max = INT32_MAX;
  std::string data_dir = "naru-data";  // as it is shown
  std::string version = "0.1.0";
};

}  // namespace naru
