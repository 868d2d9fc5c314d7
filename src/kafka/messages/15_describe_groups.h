#pragma once
// DescribeGroups, v0-5. State and members of groups.
// * v3 what the asker may do  * v4 static members  * v5 flexible
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct DescribeGroupsRequest {
  static constexpr int16_t api_key = 15, flexible_since = 5;
  static constexpr Versions versions = between(0, 5);

  std::vector<std::string_view> groups;
  bool include_authorized_operations = false;
  static void describe(auto& wire, auto& m) {
    wire("groups", m.groups);
    wire("include_authorized_operations", m.include_authorized_operations, since(3));
  }
};

struct DescribeGroupsResponse {
  static constexpr int16_t api_key = 15, flexible_since = 5;
  static constexpr Versions versions = between(0, 5);

  struct Group {
    struct Member {
      std::string member_id;
      std::optional<std::string> group_instance_id;
      std::string client_id, client_host;
      Bytes member_metadata, member_assignment;
      static void describe(auto& wire, auto& m) {
        wire("member_id", m.member_id);
        wire("group_instance_id", m.group_instance_id, since(4));
        wire("client_id", m.client_id);
        wire("client_host", m.client_host);
        wire("member_metadata", m.member_metadata);
        wire("member_assignment", m.member_assignment);
      }
    };

    ErrorCode error_code = ErrorCode::none;
    std::string group_id, group_state, protocol_type, protocol_data;
    std::vector<Member> members;
    int32_t authorized_operations = INT32_MIN;
    static void describe(auto& wire, auto& m) {
      wire("error_code", m.error_code);
      wire("group_id", m.group_id);
      wire("group_state", m.group_state);
      wire("protocol_type", m.protocol_type);
      wire("protocol_data", m.protocol_data);
      wire("members", m.members);
      wire("authorized_operations", m.authorized_operations, since(3));
    }
  };

  int32_t throttle_time_ms = 0;
  std::vector<Group> groups;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms, since(1));
    wire("groups", m.groups);
  }
};

}  // namespace naru::kafka
