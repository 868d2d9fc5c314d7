#pragma once
// Metadata, v0-12. Where the brokers are, what topics exist, who leads their partitions.
// * v0 no topics named means all; from v1 on null means all and empty means none  * v4 may create topics
// * v7 leader epochs  * v8 what the asker may do (for the cluster: until v10)  * v9 flexible  * v10 topic ids
// * v12 topics may be asked by id
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct MetadataRequest {
  static constexpr int16_t api_key = 3, flexible_since = 9;
  static constexpr Versions versions = between(0, 12);

  struct Topic {
    Uuid topic_id;
    std::optional<std::string_view> name = "";
    static void describe(auto& wire, auto& m) {
      wire("topic_id", m.topic_id, since(10));
      wire("name", m.name, every, since(10));
    }
  };

  std::optional<std::vector<Topic>> topics{std::in_place};
  bool allow_auto_topic_creation = true, include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;
  static void describe(auto& wire, auto& m) {
    wire("topics", m.topics, every, since(1));
    wire("allow_auto_topic_creation", m.allow_auto_topic_creation, since(4));
    wire("include_cluster_authorized_operations", m.include_cluster_authorized_operations, between(8, 10));
    wire("include_topic_authorized_operations", m.include_topic_authorized_operations, since(8));
  }
};

struct MetadataResponse {
  static constexpr int16_t api_key = 3, flexible_since = 9;
  static constexpr Versions versions = between(0, 12);

  struct Broker {
    int32_t node_id = 0;
    std::string host;
    int32_t port = 0;
    std::optional<std::string> rack;
    static void describe(auto& wire, auto& m) {
      wire("node_id", m.node_id);
      wire("host", m.host);
      wire("port", m.port);
      wire("rack", m.rack, since(1));
    }
  };

  struct Topic {
    struct Partition {
      ErrorCode error_code = ErrorCode::none;
      int32_t partition_index = 0, leader_id = 0, leader_epoch = -1;
      std::vector<int32_t> replica_nodes, isr_nodes, offline_replicas;
      static void describe(auto& wire, auto& m) {
        wire("error_code", m.error_code);
        wire("partition_index", m.partition_index);
        wire("leader_id", m.leader_id);
        wire("leader_epoch", m.leader_epoch, since(7));
        wire("replica_nodes", m.replica_nodes);
        wire("isr_nodes", m.isr_nodes);
        wire("offline_replicas", m.offline_replicas, since(5));
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
      wire("name", m.name, every, since(12));
      wire("topic_id", m.topic_id, since(10));
      wire("is_internal", m.is_internal, since(1));
      wire("partitions", m.partitions);
      wire("topic_authorized_operations", m.topic_authorized_operations, since(8));
    }
  };

  int32_t throttle_time_ms = 0;
  std::vector<Broker> brokers;
  std::optional<std::string> cluster_id;
  int32_t controller_id = -1;
  std::vector<Topic> topics;
  int32_t cluster_authorized_operations = INT32_MIN;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms, since(3));
    wire("brokers", m.brokers);
    wire("cluster_id", m.cluster_id, since(2));
    wire("controller_id", m.controller_id, since(1));
    wire("topics", m.topics);
    wire("cluster_authorized_operations", m.cluster_authorized_operations, between(8, 10));
  }
};

}  // namespace naru::kafka
