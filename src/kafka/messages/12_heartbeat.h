#pragma once
// Heartbeat, v0-4. A member says that it is alive; the answer tells it to rejoin.
// * v1 throttle time  * v3 static members (KIP-345)  * v4 flexible
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct HeartbeatRequest {
  static constexpr int16_t api_key = 12, flexible_since = 4;
  static constexpr Versions versions = between(0, 4);

  std::string_view group_id;
  int32_t generation_id = 0;
  std::string_view member_id;
  std::optional<std::string_view> group_instance_id;
  static void describe(auto& wire, auto& m) {
    wire("group_id", m.group_id);
    wire("generation_id", m.generation_id);
    wire("member_id", m.member_id);
    wire("group_instance_id", m.group_instance_id, since(3));
  }
};

struct HeartbeatResponse {
  static constexpr int16_t api_key = 12, flexible_since = 4;
  static constexpr Versions versions = between(0, 4);

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms, since(1));
    wire("error_code", m.error_code);
  }
};

}  // namespace naru::kafka
