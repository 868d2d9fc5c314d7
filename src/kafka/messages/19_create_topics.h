#pragma once
// CreateTopics, v0-7. Creates topics.
// * v1 validate only  * v4 -1 for the defaults  * v5 flexible, answers with the configuration  * v7 topic id
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct CreateTopicsRequest {
  static constexpr int16_t api_key = 19, flexible_since = 5;
  static constexpr Versions versions = between(0, 7);

  struct Topic {
    struct Assignment {
      int32_t partition_index = 0;
      std::vector<int32_t> broker_ids;
      static void describe(auto& wire, auto& m) {
        wire("partition_index", m.partition_index);
        wire("broker_ids", m.broker_ids);
      }
    };

    struct Config {
      std::string_view name;
      std::optional<std::string_view> value = "";
      static void describe(auto& wire, auto& m) {
        wire("name", m.name);
        wire("value", m.value);
      }
    };

    std::string_view name;
    int32_t num_partitions = 0;
    int16_t replication_factor = 0;
    std::vector<Assignment> assignments;
    std::vector<Config> configs;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("num_partitions", m.num_partitions);
      wire("replication_factor", m.replication_factor);
      wire("assignments", m.assignments);
      wire("configs", m.configs);
    }
  };

  std::vector<Topic> topics;
  int32_t timeout_ms = 60000;
  bool validate_only = false;
  static void describe(auto& wire, auto& m) {
    wire("topics", m.topics);
    wire("timeout_ms", m.timeout_ms);
    wire("validate_only", m.validate_only, since(1));
  }
};

struct CreateTopicsResponse {
  static constexpr int16_t api_key = 19, flexible_since = 5;
  static constexpr Versions versions = between(0, 7);

  struct Topic {
    struct Config {
      std::string name;
      std::optional<std::string> value = "";
      bool read_only = false;
      int8_t config_source = -1;
      bool is_sensitive = false;
      static void describe(auto& wire, auto& m) {
        wire("name", m.name);
        wire("value", m.value);
        wire("read_only", m.read_only);
        wire("config_source", m.config_source);
        wire("is_sensitive", m.is_sensitive);
      }
    };

    std::string name;
    Uuid topic_id;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;
    ErrorCode topic_config_error_code = ErrorCode::none;
    int32_t num_partitions = -1;
    int16_t replication_factor = -1;
    std::optional<std::vector<Config>> configs{std::in_place};
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("topic_id", m.topic_id, since(7));
      wire("error_code", m.error_code);
      wire("error_message", m.error_message, since(1));
      wire("num_partitions", m.num_partitions, since(5));
      wire("replication_factor", m.replication_factor, since(5));
      wire("configs", m.configs, since(5));
      wire.tag(0, "topic_config_error_code", m.topic_config_error_code, since(5));
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
