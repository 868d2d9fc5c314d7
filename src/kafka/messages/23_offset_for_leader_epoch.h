#pragma once
// OffsetForLeaderEpoch, v0-4. Where the records of a leader epoch end, for readers that look for a loss behind them.
// * v1 answers with the epoch found  * v2 the asker's own epoch is checked  * v3 replica id  * v4 flexible
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct OffsetForLeaderEpochRequest {
  static constexpr int16_t api_key = 23, flexible_since = 4;
  static constexpr Versions versions = between(0, 4);

  struct Topic {
    struct Partition {
      int32_t partition = 0, current_leader_epoch = -1, leader_epoch = 0;
      static void describe(auto& wire, auto& m) {
        wire("partition", m.partition);
        wire("current_leader_epoch", m.current_leader_epoch, since(2));
        wire("leader_epoch", m.leader_epoch);
      }
    };

    std::string_view topic;
    std::vector<Partition> partitions;
    static void describe(auto& wire, auto& m) {
      wire("topic", m.topic);
      wire("partitions", m.partitions);
    }
  };

  int32_t replica_id = -2;
  std::vector<Topic> topics;
  static void describe(auto& wire, auto& m) {
    wire("replica_id", m.replica_id, since(3));
    wire("topics", m.topics);
  }
};

struct OffsetForLeaderEpochResponse {
  static constexpr int16_t api_key = 23, flexible_since = 4;
  static constexpr Versions versions = between(0, 4);

  struct Topic {
    struct Partition {
      ErrorCode error_code = ErrorCode::none;
      int32_t partition = 0, leader_epoch = -1;
      int64_t end_offset = -1;
      static void describe(auto& wire, auto& m) {
        wire("error_code", m.error_code);
        wire("partition", m.partition);
        wire("leader_epoch", m.leader_epoch, since(1));
        wire("end_offset", m.end_offset);
      }
    };

    std::string_view topic;
    std::vector<Partition> partitions;
    static void describe(auto& wire, auto& m) {
      wire("topic", m.topic);
      wire("partitions", m.partitions);
    }
  };

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms, since(2));
    wire("topics", m.topics);
  }
};

}  // namespace naru::kafka
