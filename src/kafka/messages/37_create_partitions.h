#pragma once
// CreatePartitions, v0-3. Raises the number of partitions of topics.
// * v2 flexible
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct CreatePartitionsRequest {
  static constexpr int16_t api_key = 37, flexible_since = 2;
  static constexpr Versions versions = between(0, 3);

  struct Topic {
    struct Assignment {
      std::vector<int32_t> broker_ids;
      static void describe(auto& wire, auto& m) { wire("broker_ids", m.broker_ids); }
    };

    std::string_view name;
    int32_t count = 0;
    std::optional<std::vector<Assignment>> assignments{std::in_place};
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("count", m.count);
      wire("assignments", m.assignments);
    }
  };

  std::vector<Topic> topics;
  int32_t timeout_ms = 0;
  bool validate_only = false;
  static void describe(auto& wire, auto& m) {
    wire("topics", m.topics);
    wire("timeout_ms", m.timeout_ms);
    wire("validate_only", m.validate_only);
  }
};

struct CreatePartitionsResponse {
  static constexpr int16_t api_key = 37, flexible_since = 2;
  static constexpr Versions versions = between(0, 3);

  struct Topic {
    std::string name;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("error_code", m.error_code);
      wire("error_message", m.error_message);
    }
  };

  int32_t throttle_time_ms = 0;
  std::vector<Topic> results;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms);
    wire("results", m.results);
  }
};

}  // namespace naru::kafka
