#pragma once
// ListOffsets, v0-10. The offset at a time: of the first record at or after it, or of a special place when negative.
// * v0 many offsets at once  * v1 one offset, its time  * v2 isolation level  * v4 leader epochs  * v6 flexible
// * v7 -3, the newest time  * v8 -4, the local begin  * v9 -5, the end of the tier  * v10 timeout
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct ListOffsetsRequest {
  static constexpr int16_t api_key = 2, flexible_since = 6;
  static constexpr Versions versions = between(0, 10);

  struct Topic {
    struct Partition {
      int32_t partition_index = 0, current_leader_epoch = -1;
      int64_t timestamp = 0;
      int32_t max_num_offsets = 1;
      static void describe(auto& wire, auto& m) {
        wire("partition_index", m.partition_index);
        wire("current_leader_epoch", m.current_leader_epoch, since(4));
        wire("timestamp", m.timestamp);
        wire("max_num_offsets", m.max_num_offsets, between(0, 0));
      }
    };

    std::string_view name;
    std::vector<Partition> partitions;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("partitions", m.partitions);
    }
  };

  int32_t replica_id = 0;
  int8_t isolation_level = 0;
  std::vector<Topic> topics;
  int32_t timeout_ms = 0;
  static void describe(auto& wire, auto& m) {
    wire("replica_id", m.replica_id);
    wire("isolation_level", m.isolation_level, since(2));
    wire("topics", m.topics);
    wire("timeout_ms", m.timeout_ms, since(10));
  }
};

struct ListOffsetsResponse {
  static constexpr int16_t api_key = 2, flexible_since = 6;
  static constexpr Versions versions = between(0, 10);

  struct Topic {
    struct Partition {
      int32_t partition_index = 0;
      ErrorCode error_code = ErrorCode::none;
      std::vector<int64_t> old_style_offsets;
      int64_t timestamp = -1, offset = -1;
      int32_t leader_epoch = -1;
      static void describe(auto& wire, auto& m) {
        wire("partition_index", m.partition_index);
        wire("error_code", m.error_code);
        wire("old_style_offsets", m.old_style_offsets, between(0, 0));
        wire("timestamp", m.timestamp, since(1));
        wire("offset", m.offset, since(1));
        wire("leader_epoch", m.leader_epoch, since(4));
      }
    };

    std::string_view name;
    std::vector<Partition> partitions;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
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
