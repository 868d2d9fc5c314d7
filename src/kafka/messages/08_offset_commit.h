#pragma once
// OffsetCommit, v0-9. A group notes how far it has read.
// * v1 membership is checked  * v2-4 retention asked by the client  * v6 leader epochs  * v7 static members
// * v8 flexible  * v9 the same for members of the new group protocol (KIP-848)
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct OffsetCommitRequest {
  static constexpr int16_t api_key = 8, flexible_since = 8;
  static constexpr Versions versions = between(0, 9);

  struct Topic {
    struct Partition {
      int32_t partition_index = 0;
      int64_t committed_offset = 0;
      int32_t committed_leader_epoch = -1;
      int64_t commit_timestamp = -1;
      std::optional<std::string_view> committed_metadata = "";
      static void describe(auto& wire, auto& m) {
        wire("partition_index", m.partition_index);
        wire("committed_offset", m.committed_offset);
        wire("committed_leader_epoch", m.committed_leader_epoch, since(6));
        wire("commit_timestamp", m.commit_timestamp, between(1, 1));
        wire("committed_metadata", m.committed_metadata);
      }
    };

    std::string_view name;
    std::vector<Partition> partitions;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("partitions", m.partitions);
    }
  };

  std::string_view group_id;
  int32_t generation_id_or_member_epoch = -1;
  std::string_view member_id;
  std::optional<std::string_view> group_instance_id;
  int64_t retention_time_ms = -1;
  std::vector<Topic> topics;
  static void describe(auto& wire, auto& m) {
    wire("group_id", m.group_id);
    wire("generation_id_or_member_epoch", m.generation_id_or_member_epoch, since(1));
    wire("member_id", m.member_id, since(1));
    wire("group_instance_id", m.group_instance_id, since(7));
    wire("retention_time_ms", m.retention_time_ms, between(2, 4));
    wire("topics", m.topics);
  }
};

struct OffsetCommitResponse {
  static constexpr int16_t api_key = 8, flexible_since = 8;
  static constexpr Versions versions = between(0, 9);

  struct Topic {
    struct Partition {
      int32_t partition_index = 0;
      ErrorCode error_code = ErrorCode::none;
      static void describe(auto& wire, auto& m) {
        wire("partition_index", m.partition_index);
        wire("error_code", m.error_code);
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
    wire("throttle_time_ms", m.throttle_time_ms, since(3));
    wire("topics", m.topics);
  }
};

}  // namespace naru::kafka
