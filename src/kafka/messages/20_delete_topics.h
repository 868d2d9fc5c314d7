#pragma once
// DeleteTopics, v0-6. Deletes topics.
// * v1 throttle time  * v4 flexible  * v5 error message  * v6 by id
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct DeleteTopicsRequest {
  static constexpr int16_t api_key = 20, flexible_since = 4;
  static constexpr Versions versions = between(0, 6);

  struct Topic {
    std::optional<std::string_view> name;
    Uuid topic_id;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("topic_id", m.topic_id);
    }
  };

  std::vector<Topic> topics;
  std::vector<std::string_view> topic_names;
  int32_t timeout_ms = 0;
  static void describe(auto& wire, auto& m) {
    wire("topics", m.topics, since(6));
    wire("topic_names", m.topic_names, between(0, 5));
    wire("timeout_ms", m.timeout_ms);
  }
};

struct DeleteTopicsResponse {
  static constexpr int16_t api_key = 20, flexible_since = 4;
  static constexpr Versions versions = between(0, 6);

  struct Topic {
    std::optional<std::string> name = "";
    Uuid topic_id;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name, every, since(6));
      wire("topic_id", m.topic_id, since(6));
      wire("error_code", m.error_code);
      wire("error_message", m.error_message, since(5));
    }
  };

  int32_t throttle_time_ms = 0;
  std::vector<Topic> responses;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms, since(1));
    wire("responses", m.responses);
  }
};

}  // namespace naru::kafka
