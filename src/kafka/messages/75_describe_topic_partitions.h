#pragma once
// DescribeTopicPartitions, v0. Topics in pages, with a cursor.
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct DescribeTopicPartitionsRequest {
  static constexpr int16_t api_key = 75, flexible_since = 0;
  static constexpr Versions versions = between(0, 0);

  struct Topic {
    std::string_view name;
    static void describe(auto& wire, auto& m) { wire("name", m.name); }
  };

  struct Cursor {
    std::string_view topic_name;
    int32_t partition_index = 0;
    static void describe(auto& wire, auto& m) {
      wire("topic_name", m.topic_name);
      wire("partition_index", m.partition_index);
    }
  };

  std::vector<Topic> topics;
  int32_t response_partition_limit = 2000;
  std::optional<Cursor> cursor;
  static void describe(auto& wire, auto& m) {
    wire("topics", m.topics);
    wire("response_partition_limit", m.response_partition_limit);
    wire("cursor", m.cursor);
  }
};

struct DescribeTopicPartitionsResponse {
  static constexpr int16_t api_key = 75, flexible_since = 0;
  static constexpr Versions versions = between(0, 0);

  struct Topic {
    struct Partition {
      ErrorCode error_code = ErrorCode::none;
      int32_t partition_index = 0, leader_id = 0, leader_epoch = -1;
      std::vector<int32_t> replica_nodes, isr_nodes;
      std::optional<std::vector<int32_t>> eligible_leader_replicas, last_known_elr;
      std::vector<int32_t> offline_replicas;
      static void describe(auto& wire, auto& m) {
        wire("error_code", m.error_code);
        wire("partition_index", m.partition_index);
        wire("leader_id", m.leader_id);
        wire("leader_epoch", m.leader_epoch);
        wire("replica_nodes", m.replica_nodes);
        wire("isr_nodes", m.isr_nodes);
        wire("eligible_leader_replicas", m.eligible_leader_replicas);
        wire("last_known_elr", m.last_known_elr);
        wire("offline_replicas", m.offline_replicas);
      }
    };

    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> name = "";
    Uuid topic_id;
    bool is_internal = false;
    std::vector<Partition> partitions;
    int32_t topic_authorized_operations = INT32_MIN;
    static void describe(auto& wire, auto& m) {
      wire("error_code", m.error_code);
      wire("name", m.name);
      wire("topic_id", m.topic_id);
      wire("is_internal", m.is_internal);
      wire("partitions", m.partitions);
      wire("topic_authorized_operations", m.topic_authorized_operations);
    }
  };

  struct Cursor {
    std::string topic_name;
    int32_t partition_index = 0;
    static void describe(auto& wire, auto& m) {
      wire("topic_name", m.topic_name);
      wire("partition_index", m.partition_index);
    }
  };

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  std::optional<Cursor> next_cursor;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms);
    wire("topics", m.topics);
    wire("next_cursor", m.next_cursor);
  }
};

}  // namespace naru::kafka
