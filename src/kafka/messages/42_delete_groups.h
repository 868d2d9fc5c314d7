#pragma once
// DeleteGroups, v0-2. Deletes empty groups.
// * v2 flexible
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct DeleteGroupsRequest {
  static constexpr int16_t api_key = 42, flexible_since = 2;
  static constexpr Versions versions = between(0, 2);

  std::vector<std::string_view> groups_names;
  static void describe(auto& wire, auto& m) { wire("groups_names", m.groups_names); }
};

struct DeleteGroupsResponse {
  static constexpr int16_t api_key = 42, flexible_since = 2;
  static constexpr Versions versions = between(0, 2);

  struct Group {
    std::string group_id;
    ErrorCode error_code = ErrorCode::none;
    static void describe(auto& wire, auto& m) {
      wire("group_id", m.group_id);
      wire("error_code", m.error_code);
    }
  };

  int32_t throttle_time_ms = 0;
  std::vector<Group> results;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms);
    wire("results", m.results);
  }
};

}  // namespace naru::kafka
