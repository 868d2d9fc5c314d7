#pragma once
// OffsetFetch, v0-9. How far a group has read.
// * v2 null topics means all, error for the whole group  * v5 leader epochs  * v6 flexible
// * v7 wait for open transactions  * v8 many groups at once  * v9 members of the new group protocol (KIP-848)
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct OffsetFetchRequest {
  static constexpr int16_t api_key = 9, flexible_since = 6;
  static constexpr Versions versions = between(0, 9);

  struct Topic {
    std::string_view name;
    std::vector<int32_t> partition_indexes;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("partition_indexes", m.partition_indexes);
    }
  };

  struct Group {
    struct Topic {
      std::string_view name;
      std::vector<int32_t> partition_indexes;
      static void describe(auto& wire, auto& m) {
        wire("name", m.name);
        wire("partition_indexes", m.partition_indexes);
      }
    };

    std::string_view group_id;
    std::optional<std::string_view> member_id;
    int32_t member_epoch = -1;
    std::optional<std::vector<Topic>> topics{std::in_place};
    static void describe(auto& wire, auto& m) {
      wire("group_id", m.group_id);
      wire("member_id", m.member_id, since(9));
      wire("member_epoch", m.member_epoch, since(9));
      wire("topics", m.topics);
    }
  };

  std::string_view group_id;
  std::optional<std::vector<Topic>> topics{std::in_place};
  std::vector<Group> groups;
  bool require_stable = false;
  static void describe(auto& wire, auto& m) {
    wire("group_id", m.group_id, between(0, 7));
    wire("topics", m.topics, between(0, 7), between(2, 7));
    wire("groups", m.groups, since(8));
    wire("require_stable", m.require_stable, since(7));
  }
};

struct OffsetFetchResponse {
  static constexpr int16_t api_key = 9, flexible_since = 6;
  static constexpr Versions versions = between(0, 9);

  struct Topic {
    struct Partition {
      int32_t partition_index = 0;
      int64_t committed_offset = 0;
      int32_t committed_leader_epoch = -1;
      std::optional<std::string> metadata = "";
      ErrorCode error_code = ErrorCode::none;
      static void describe(auto& wire, auto& m) {
        wire("partition_index", m.partition_index);
        wire("committed_offset", m.committed_offset);
        wire("committed_leader_epoch", m.committed_leader_epoch, between(5, 7));
        wire("metadata", m.metadata);
        wire("error_code", m.error_code);
      }
    };

    std::string name;
    std::vector<Partition> partitions;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("partitions", m.partitions);
    }
  };

  struct Group {
    struct Topic {
      struct Partition {
        int32_t partition_index = 0;
        int64_t committed_offset = 0;
        int32_t committed_leader_epoch = -1;
        std::optional<std::string> metadata = "";
        ErrorCode error_code = ErrorCode::none;
        static void describe(auto& wire, auto& m) {
          wire("partition_index", m.partition_index);
          wire("committed_offset", m.committed_offset);
          wire("committed_leader_epoch", m.committed_leader_epoch);
          wire("metadata", m.metadata);
          wire("error_code", m.error_code);
        }
      };

      std::string name;
      std::vector<Partition> partitions;
      static void describe(auto& wire, auto& m) {
        wire("name", m.name);
        wire("partitions", m.partitions);
      }
    };

    std::string group_id;
    std::vector<Topic> topics;
    ErrorCode error_code = ErrorCode::none;
    static void describe(auto& wire, auto& m) {
      wire("group_id", m.group_id);
      wire("topics", m.topics);
      wire("error_code", m.error_code);
    }
  };

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  ErrorCode error_code = ErrorCode::none;
  std::vector<Group> groups;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms, since(3));
    wire("topics", m.topics, between(0, 7));
    wire("error_code", m.error_code, between(2, 7));
    wire("groups", m.groups, since(8));
  }
};

}  // namespace naru::kafka
