#pragma once
// JoinGroup, v0-9. A member asks into the group and waits for the others; the leader hears who they are.
// * v1 rebalance timeout  * v4 a member without an id is given one and sent back  * v5 static members  * v6 flexible
// * v7 protocol type in the answer  * v8 reason  * v9 a returning static leader may skip assigning
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct JoinGroupRequest {
  static constexpr int16_t api_key = 11, flexible_since = 6;
  static constexpr Versions versions = between(0, 9);

  struct Protocol {
    std::string_view name;
    ByteView metadata;
    static void describe(auto& wire, auto& m) {
      wire("name", m.name);
      wire("metadata", m.metadata);
    }
  };

  std::string_view group_id;
  int32_t session_timeout_ms = 0, rebalance_timeout_ms = -1;
  std::string_view member_id;
  std::optional<std::string_view> group_instance_id;
  std::string_view protocol_type;
  std::vector<Protocol> protocols;
  std::optional<std::string_view> reason;
  static void describe(auto& wire, auto& m) {
    wire("group_id", m.group_id);
    wire("session_timeout_ms", m.session_timeout_ms);
    wire("rebalance_timeout_ms", m.rebalance_timeout_ms, since(1));
    wire("member_id", m.member_id);
    wire("group_instance_id", m.group_instance_id, since(5));
    wire("protocol_type", m.protocol_type);
    wire("protocols", m.protocols);
    wire("reason", m.reason, since(8));
  }
};

struct JoinGroupResponse {
  static constexpr int16_t api_key = 11, flexible_since = 6;
  static constexpr Versions versions = between(0, 9);

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    Bytes metadata;
    static void describe(auto& wire, auto& m) {
      wire("member_id", m.member_id);
      wire("group_instance_id", m.group_instance_id, since(5));
      wire("metadata", m.metadata);
    }
  };

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  int32_t generation_id = -1;
  std::optional<std::string> protocol_type, protocol_name = "";
  std::string leader;
  bool skip_assignment = false;
  std::string member_id;
  std::vector<Member> members;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms, since(2));
    wire("error_code", m.error_code);
    wire("generation_id", m.generation_id);
    wire("protocol_type", m.protocol_type, since(7));
    wire("protocol_name", m.protocol_name, every, since(7));
    wire("leader", m.leader);
    wire("skip_assignment", m.skip_assignment, since(9));
    wire("member_id", m.member_id);
    wire("members", m.members);
  }
};

}  // namespace naru::kafka
