#pragma once
// FindCoordinator, v0-6. Which broker looks after a group or a transaction.
// * v1 key type  * v3 flexible  * v4 many keys at once  * v6 share groups
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct FindCoordinatorRequest {
  static constexpr int16_t api_key = 10, flexible_since = 3;
  static constexpr Versions versions = between(0, 6);

  std::string_view key;
  int8_t key_type = 0;
  std::vector<std::string_view> coordinator_keys;
  static void describe(auto& wire, auto& m) {
    wire("key", m.key, between(0, 3));
    wire("key_type", m.key_type, since(1));
    wire("coordinator_keys", m.coordinator_keys, since(4));
  }
};

struct FindCoordinatorResponse {
  static constexpr int16_t api_key = 10, flexible_since = 3;
  static constexpr Versions versions = between(0, 6);

  struct Coordinator {
    std::string key;
    int32_t node_id = 0;
    std::string host;
    int32_t port = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;
    static void describe(auto& wire, auto& m) {
      wire("key", m.key);
      wire("node_id", m.node_id);
      wire("host", m.host);
      wire("port", m.port);
      wire("error_code", m.error_code);
      wire("error_message", m.error_message);
    }
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  int32_t node_id = 0;
  std::string host;
  int32_t port = 0;
  std::vector<Coordinator> coordinators;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms, since(1));
    wire("error_code", m.error_code, between(0, 3));
    wire("error_message", m.error_message, between(1, 3));
    wire("node_id", m.node_id, between(0, 3));
    wire("host", m.host, between(0, 3));
    wire("port", m.port, between(0, 3));
    wire("coordinators", m.coordinators, since(4));
  }
};

}  // namespace naru::kafka
