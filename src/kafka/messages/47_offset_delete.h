#pragma once
// OffsetDelete, v0. Forgets how far a group has read some partitions. Never became flexible.
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct OffsetDeleteRequest {
  static constexpr int16_t api_key = 47, flexible_since = never;
  static constexpr Versions versions = between(0, 0);

  struct Topic {
    struct Partition {
      int32_t partition_index = 0;
      static void describe(auto& wire, auto& m) { wire("partition_index", m.partition_index); }
    };

    std::string_view name;
    std::vector<Partition> partitions;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("partitions", m.partitions);
    }
  };

  std::string_view group_id;
  std::vector<Topic> topics;
  static void describe(auto& wire, auto& m) {
    wire("group_id", m.group_id);
    wire("topics", m.topics);
  }
};

struct OffsetDeleteResponse {
  static constexpr int16_t api_key = 47, flexible_since = never;
  static constexpr Versions versions = between(0, 0);

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

  ErrorCode error_code = ErrorCode::none;
  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  static void describe(auto& wire, auto& m) {
    wire("error_code", m.error_code);
    wire("throttle_time_ms", m.throttle_time_ms);
    wire("topics", m.topics);
  }
};

}  // namespace naru::kafka
