#pragma once
// ListGroups, v0-5. All groups of this broker.
// * v3 flexible  * v4 by state  * v5 by type
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct ListGroupsRequest {
  static constexpr int16_t api_key = 16, flexible_since = 3;
  static constexpr Versions versions = between(0, 5);

  std::vector<std::string_view> states_filter, types_filter;
  static void describe(auto& wire, auto& m) {
    wire("states_filter", m.states_filter, since(4));
    wire("types_filter", m.types_filter, since(5));
  }
};

struct ListGroupsResponse {
  static constexpr int16_t api_key = 16, flexible_since = 3;
  static constexpr Versions versions = between(0, 5);

  struct Group {
    std::string group_id, protocol_type, group_state, group_type;
    static void describe(auto& wire, auto& m) {
      wire("group_id", m.group_id);
      wire("protocol_type", m.protocol_type);
      wire("group_state", m.group_state, since(4));
      wire("group_type", m.group_type, since(5));
    }
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<Group> groups;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms, since(1));
    wire("error_code", m.error_code);
    wire("groups", m.groups);
  }
};

}  // namespace naru::kafka
