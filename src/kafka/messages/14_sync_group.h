#pragma once
// SyncGroup, v0-5. The leader brings the assignment of everyone, everyone takes his own.
// * v1 throttle time  * v3 static members  * v4 flexible  * v5 protocol type and name are checked
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct SyncGroupRequest {
  static constexpr int16_t api_key = 14, flexible_since = 4;
  static constexpr Versions versions = between(0, 5);

  struct Assignment {
    std::string_view member_id;
    ByteView assignment;
    static void describe(auto& wire, auto& m) {
      wire("member_id", m.member_id);
      wire("assignment", m.assignment);
    }
  };

  std::string_view group_id;
  int32_t generation_id = 0;
  std::string_view member_id;
  std::optional<std::string_view> group_instance_id, protocol_type, protocol_name;
  std::vector<Assignment> assignments;
  static void describe(auto& wire, auto& m) {
    wire("group_id", m.group_id);
    wire("generation_id", m.generation_id);
    wire("member_id", m.member_id);
    wire("group_instance_id", m.group_instance_id, since(3));
    wire("protocol_type", m.protocol_type, since(5));
    wire("protocol_name", m.protocol_name, since(5));
    wire("assignments", m.assignments);
  }
};

struct SyncGroupResponse {
  static constexpr int16_t api_key = 14, flexible_since = 4;
  static constexpr Versions versions = between(0, 5);

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> protocol_type, protocol_name;
  Bytes assignment;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms, since(1));
    wire("error_code", m.error_code);
    wire("protocol_type", m.protocol_type, since(5));
    wire("protocol_name", m.protocol_name, since(5));
    wire("assignment", m.assignment);
  }
};

}  // namespace naru::kafka
