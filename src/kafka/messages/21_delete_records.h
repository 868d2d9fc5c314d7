#pragma once
// DeleteRecords, v0-2. Drops the records below an offset.
// * v2 flexible
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct DeleteRecordsRequest {
  static constexpr int16_t api_key = 21, flexible_since = 2;
  static constexpr Versions versions = between(0, 2);

  struct Topic {
    struct Partition {
      int32_t partition_index = 0;
      int64_t offset = 0;
      static void describe(auto& wire, auto& m) {
        wire("partition_index", m.partition_index);
        wire("offset", m.offset);
      }
    };

    std::string_view name;
    std::vector<Partition> partitions;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("partitions", m.partitions);
    }
  };

  std::vector<Topic> topics;
  int32_t timeout_ms = 0;
  static void describe(auto& wire, auto& m) {
    wire("topics", m.topics);
    wire("timeout_ms", m.timeout_ms);
  }
};

struct DeleteRecordsResponse {
  static constexpr int16_t api_key = 21, flexible_since = 2;
  static constexpr Versions versions = between(0, 2);

  struct Topic {
    struct Partition {
      int32_t partition_index = 0;
      int64_t low_watermark = 0;
      ErrorCode error_code = ErrorCode::none;
      static void describe(auto& wire, auto& m) {
        wire("partition_index", m.partition_index);
        wire("low_watermark", m.low_watermark);
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
    wire("throttle_time_ms", m.throttle_time_ms);
    wire("topics", m.topics);
  }
};

}  // namespace naru::kafka
