#pragma once
// DescribeLogDirs, v0-4. Where partitions lie on disk, how big they are.
// * v2 flexible  * v3 error code  * v4 space of the volume
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct DescribeLogDirsRequest {
  static constexpr int16_t api_key = 35, flexible_since = 2;
  static constexpr Versions versions = between(0, 4);

  struct Topic {
    std::string_view topic;
    std::vector<int32_t> partitions;
    static void describe(auto& wire, auto& m) {
      wire("topic", m.topic);
      wire("partitions", m.partitions);
    }
  };

  std::optional<std::vector<Topic>> topics{std::in_place};
  static void describe(auto& wire, auto& m) { wire("topics", m.topics); }
};

struct DescribeLogDirsResponse {
  static constexpr int16_t api_key = 35, flexible_since = 2;
  static constexpr Versions versions = between(0, 4);

  struct LogDir {
    struct Topic {
      struct Partition {
        int32_t partition_index = 0;
        int64_t partition_size = 0, offset_lag = 0;
        bool is_future_key = false;
        static void describe(auto& wire, auto& m) {
          wire("partition_index", m.partition_index);
          wire("partition_size", m.partition_size);
          wire("offset_lag", m.offset_lag);
          wire("is_future_key", m.is_future_key);
        }
      };

      std::string name;
      std::vector<Partition> partitions;
      static void describe(auto& wire, auto& m) {
        wire("name", m.name);
        wire("partitions", m.partitions);
      }
    };

    ErrorCode error_code = ErrorCode::none;
    std::string log_dir;
    std::vector<Topic> topics;
    int64_t total_bytes = -1, usable_bytes = -1;
    static void describe(auto& wire, auto& m) {
      wire("error_code", m.error_code);
      wire("log_dir", m.log_dir);
      wire("topics", m.topics);
      wire("total_bytes", m.total_bytes, since(4));
      wire("usable_bytes", m.usable_bytes, since(4));
    }
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<LogDir> results;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms);
    wire("error_code", m.error_code, since(3));
    wire("results", m.results);
  }
};

}  // namespace naru::kafka
