#pragma once
// Fetch, v0-17. Records come out of partitions; an answer may wait until there are min_bytes of them.
// * v3 max_bytes, order of partitions matters  * v4 isolation level, batch format 2  * v5 log start
// * v7 sessions (KIP-227)  * v9 leader epochs  * v10 zstd allowed  * v11 rack  * v12 flexible, divergence
// * v13 topic ids  * v15-17 for replicas
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct FetchRequest {
  static constexpr int16_t api_key = 1, flexible_since = 12;
  static constexpr Versions versions = between(0, 17);

  struct ReplicaState {
    int32_t replica_id = -1;
    int64_t replica_epoch = -1;
    static void describe(auto& wire, auto& m) {
      wire("replica_id", m.replica_id);
      wire("replica_epoch", m.replica_epoch);
    }
    bool operator==(const ReplicaState&) const = default;
  };

  struct Topic {
    struct Partition {
      int32_t partition = 0, current_leader_epoch = -1;
      int64_t fetch_offset = 0;
      int32_t last_fetched_epoch = -1;
      int64_t log_start_offset = -1;
      int32_t partition_max_bytes = 0;
      Uuid replica_directory_id;
      static void describe(auto& wire, auto& m) {
        wire("partition", m.partition);
        wire("current_leader_epoch", m.current_leader_epoch, since(9));
        wire("fetch_offset", m.fetch_offset);
        wire("last_fetched_epoch", m.last_fetched_epoch, since(12));
        wire("log_start_offset", m.log_start_offset, since(5));
        wire("partition_max_bytes", m.partition_max_bytes);
        wire.tag(0, "replica_directory_id", m.replica_directory_id, since(17));
      }
    };

    std::string_view topic;
    Uuid topic_id;
    std::vector<Partition> partitions;
    static void describe(auto& wire, auto& m) {
      wire("topic", m.topic, between(0, 12));
      wire("topic_id", m.topic_id, since(13));
      wire("partitions", m.partitions);
    }
  };

  struct ForgottenTopic {
    std::string_view topic;
    Uuid topic_id;
    std::vector<int32_t> partitions;
    static void describe(auto& wire, auto& m) {
      wire("topic", m.topic, between(7, 12));
      wire("topic_id", m.topic_id, since(13));
      wire("partitions", m.partitions);
    }
  };

  std::optional<std::string_view> cluster_id;
  int32_t replica_id = -1;
  ReplicaState replica_state;
  int32_t max_wait_ms = 0, min_bytes = 0, max_bytes = INT32_MAX;
  int8_t isolation_level = 0;
  int32_t session_id = 0, session_epoch = -1;
  std::vector<Topic> topics;
  std::vector<ForgottenTopic> forgotten_topics_data;
  std::string_view rack_id;
  static void describe(auto& wire, auto& m) {
    wire("replica_id", m.replica_id, between(0, 14));
    wire("max_wait_ms", m.max_wait_ms);
    wire("min_bytes", m.min_bytes);
    wire("max_bytes", m.max_bytes, since(3));
    wire("isolation_level", m.isolation_level, since(4));
    wire("session_id", m.session_id, since(7));
    wire("session_epoch", m.session_epoch, since(7));
    wire("topics", m.topics);
    wire("forgotten_topics_data", m.forgotten_topics_data, since(7));
    wire("rack_id", m.rack_id, since(11));
    wire.tag(0, "cluster_id", m.cluster_id, since(12));
    wire.tag(1, "replica_state", m.replica_state, since(15));
  }
};

struct FetchResponse {
  static constexpr int16_t api_key = 1, flexible_since = 12;
  static constexpr Versions versions = between(0, 17);

  struct Topic {
    struct Partition {
      struct EpochEndOffset {
        int32_t epoch = -1;
        int64_t end_offset = -1;
        static void describe(auto& wire, auto& m) {
          wire("epoch", m.epoch);
          wire("end_offset", m.end_offset);
        }
        bool operator==(const EpochEndOffset&) const = default;
      };

      struct LeaderIdAndEpoch {
        int32_t leader_id = -1, leader_epoch = -1;
        static void describe(auto& wire, auto& m) {
          wire("leader_id", m.leader_id);
          wire("leader_epoch", m.leader_epoch);
        }
        bool operator==(const LeaderIdAndEpoch&) const = default;
      };

      struct SnapshotId {
        int64_t end_offset = -1;
        int32_t epoch = -1;
        static void describe(auto& wire, auto& m) {
          wire("end_offset", m.end_offset);
          wire("epoch", m.epoch);
        }
        bool operator==(const SnapshotId&) const = default;
      };

      struct AbortedTransaction {
        int64_t producer_id = 0, first_offset = 0;
        static void describe(auto& wire, auto& m) {
          wire("producer_id", m.producer_id);
          wire("first_offset", m.first_offset);
        }
      };

      int32_t partition_index = 0;
      ErrorCode error_code = ErrorCode::none;
      int64_t high_watermark = 0, last_stable_offset = -1, log_start_offset = -1;
      EpochEndOffset diverging_epoch;
      LeaderIdAndEpoch current_leader;
      SnapshotId snapshot_id;
      std::optional<std::vector<AbortedTransaction>> aborted_transactions{std::in_place};
      int32_t preferred_read_replica = -1;
      Records records;
      static void describe(auto& wire, auto& m) {
        wire("partition_index", m.partition_index);
        wire("error_code", m.error_code);
        wire("high_watermark", m.high_watermark);
        wire("last_stable_offset", m.last_stable_offset, since(4));
        wire("log_start_offset", m.log_start_offset, since(5));
        wire("aborted_transactions", m.aborted_transactions, since(4));
        wire("preferred_read_replica", m.preferred_read_replica, since(11));
        wire("records", m.records);
        wire.tag(0, "diverging_epoch", m.diverging_epoch, since(12));
        wire.tag(1, "current_leader", m.current_leader, since(12));
        wire.tag(2, "snapshot_id", m.snapshot_id, since(12));
      }
    };

    std::string_view topic;
    Uuid topic_id;
    std::vector<Partition> partitions;
    static void describe(auto& wire, auto& m) {
      wire("topic", m.topic, between(0, 12));
      wire("topic_id", m.topic_id, since(13));
      wire("partitions", m.partitions);
    }
  };

  struct NodeEndpoint {
    int32_t node_id = 0;
    std::string_view host;
    int32_t port = 0;
    std::optional<std::string_view> rack;
    static void describe(auto& wire, auto& m) {
      wire("node_id", m.node_id);
      wire("host", m.host);
      wire("port", m.port);
      wire("rack", m.rack);
    }
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  int32_t session_id = 0;
  std::vector<Topic> responses;
  std::vector<NodeEndpoint> node_endpoints;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms, since(1));
    wire("error_code", m.error_code, since(7));
    wire("session_id", m.session_id, since(7));
    wire("responses", m.responses);
    wire.tag(0, "node_endpoints", m.node_endpoints, since(16));
  }
};

}  // namespace naru::kafka
