#pragma once
// LeaveGroup, v0-5. Members leave.
// * v1 throttle time  * v3 many at once, static ones too  * v4 flexible  * v5 reason
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct LeaveGroupRequest {
  static constexpr int16_t api_key = 13, flexible_since = 4;
  static constexpr Versions versions = between(0, 5);

  struct Member {
    std::string_view member_id;
    std::optional<std::string_view> group_instance_id, reason;
    static void describe(auto& wire, auto& m) {
      wire("member_id", m.member_id);
      wire("group_instance_id", m.group_instance_id);
      wire("reason", m.reason, since(5));
    }
  };

  std::string_view group_id, member_id;
  std::vector<Member> members;
  static void describe(auto& wire, auto& m) {
    wire("group_id", m.group_id);
    wire("member_id", m.member_id, between(0, 2));
    wire("members", m.members, since(3));
  }
};

struct LeaveGroupResponse {
  static constexpr int16_t api_key = 13, flexible_since = 4;
  static constexpr Versions versions = between(0, 5);

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id = "";
    ErrorCode error_code = ErrorCode::none;
    static void describe(auto& wire, auto& m) {
      wire("member_id", m.member_id);
      wire("group_instance_id", m.group_instance_id);
      wire("error_code", m.error_code);
    }
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<Member> members;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms, since(1));
    wire("error_code", m.error_code);
    wire("members", m.members, since(3));
  }
};

}  // namespace naru::kafka
