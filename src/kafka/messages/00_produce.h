#pragma once
// Produce, v0-11. Records go into partitions; the answer comes when they are as safe as `acks` asks (0: no answer at
// all).
// * v1 throttle time  * v2 append time  * v3 batch format 2, transactions  * v5 log start  * v7 zstd allowed
// * v8 which record was at fault  * v9 flexible  * v10 the new leader, where it moved (KIP-951)
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct ProduceRequest {
  static constexpr int16_t api_key = 0, flexible_since = 9;
  static constexpr Versions versions = between(0, 11);

  struct Topic {
    struct Partition {
      int32_t index = 0;
      std::optional<ByteView> records;
      static void describe(auto& wire, auto& m) {
        wire("index", m.index);
        wire("records", m.records);
      }
    };

    std::string_view name;
    std::vector<Partition> partition_data;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("partition_data", m.partition_data);
    }
  };

  std::optional<std::string_view> transactional_id;
  int16_t acks = 0;
  int32_t timeout_ms = 0;
  std::vector<Topic> topic_data;
  static void describe(auto& wire, auto& m) {
    wire("transactional_id", m.transactional_id, since(3));
    wire("acks", m.acks);
    wire("timeout_ms", m.timeout_ms);
    wire("topic_data", m.topic_data);
  }
};

struct ProduceResponse {
  static constexpr int16_t api_key = 0, flexible_since = 9;
  static constexpr Versions versions = between(0, 11);

  struct Topic {
    struct Partition {
      struct RecordError {
        int32_t batch_index = 0;
        std::optional<std::string_view> batch_index_error_message;
        static void describe(auto& wire, auto& m) {
          wire("batch_index", m.batch_index);
          wire("batch_index_error_message", m.batch_index_error_message);
        }
      };

      struct LeaderIdAndEpoch {
        int32_t leader_id = -1, leader_epoch = -1;
        static void describe(auto& wire, auto& m) {
          wire("leader_id", m.leader_id);
          wire("leader_epoch", m.leader_epoch);
        }
        bool operator==(const LeaderIdAndEpoch&) const = default;
      };

      int32_t index = 0;
      ErrorCode error_code = ErrorCode::none;
      int64_t base_offset = 0, log_append_time_ms = -1, log_start_offset = -1;
      std::vector<RecordError> record_errors;
      std::optional<std::string_view> error_message;
      LeaderIdAndEpoch current_leader;
      static void describe(auto& wire, auto& m) {
        wire("index", m.index);
        wire("error_code", m.error_code);
        wire("base_offset", m.base_offset);
        wire("log_append_time_ms", m.log_append_time_ms, since(2));
        wire("log_start_offset", m.log_start_offset, since(5));
        wire("record_errors", m.record_errors, since(8));
        wire("error_message", m.error_message, since(8));
        wire.tag(0, "current_leader", m.current_leader, since(10));
      }
    };

    std::string_view name;
    std::vector<Partition> partition_responses;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("partition_responses", m.partition_responses);
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

  std::vector<Topic> responses;
  int32_t throttle_time_ms = 0;
  std::vector<NodeEndpoint> node_endpoints;
  static void describe(auto& wire, auto& m) {
    wire("responses", m.responses);
    wire("throttle_time_ms", m.throttle_time_ms, since(1));
    wire.tag(0, "node_endpoints", m.node_endpoints, since(10));
  }
};

}  // namespace naru::kafka
