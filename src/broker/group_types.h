#pragma once
// How one speaks to groups: arguments, results and errors. No wire format; the views in arguments are read before a
// call first suspends, results own what they carry.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "io/loop.h"

namespace naru {

/// Why a group refused, one to one with what Kafka's clients know how to handle.
enum class GroupError : uint8_t {
  none,
  invalid_group_id,
  group_id_not_found,
  non_empty_group,
  group_max_size_reached,
  group_subscribed_to_topic,
  unknown_member_id,
  member_id_required,
  fenced_instance_id,
  illegal_generation,
  rebalance_in_progress,
  inconsistent_group_protocol,
  invalid_session_timeout,
  offset_metadata_too_large,
  unstable_offset_commit,  // an open transaction covers the offset
  coordinator_load_in_progress,
  coordinator_not_available,  // the group or the broker is going away; ask again
  not_coordinator,
  storage_full,  // heals by itself: to a client the same as coordinator_not_available
  storage_failed,
  dropped,  // by Groups::drop(): who asked has gone, and there is nobody to answer
};
/// "unknown_member_id"
const char* name(GroupError error);

enum class GroupState : uint8_t { empty, preparing_rebalance, completing_rebalance, stable, dead };
inline constexpr size_t group_state_count = 5;
/// As tools print and filter them: "PreparingRebalance".
const char* name(GroupState state);

struct GroupSettings {
  io::Millis session_timeout_ms_min = 6'000, session_timeout_ms_max = 30 * 60'000;
  io::Millis initial_rebalance_delay_ms = 3'000;  // how long a new group waits for more members, and again for each
  io::Millis new_member_timeout_ms = 5 * 60'000;  // a first join that waits longer is given up
  size_t members_max = INT32_MAX;
  size_t offset_metadata_bytes_max = 4096;
  io::Millis offsets_retention_ms = 7 * 24 * 3'600'000LL;
  io::Millis offsets_check_interval_ms = 10 * 60'000;  // expired offsets may stay this much longer
};

/// What the groups of a core keep in memory, roughly, with the rows of their offsets; see Groups::has_room.
struct GroupMemory {
  uint64_t used = 0;
};

/// Names whoever waits for answers, a connection for example. 0 = never dropped.
using GroupCaller = uint64_t;

/// One way of assigning that a member offers, with what it wants its leader to know.
struct GroupProtocol {
  std::string name = {};
  Bytes metadata = {};
  bool operator==(const GroupProtocol&) const = default;
};

struct GroupJoinArgs {
  struct Protocol {
    std::string_view name = {};
    ByteView metadata = {};
  };
  GroupCaller caller = 0;
  std::string_view group = {}, member = {};  // an empty member id asks for one
  std::optional<std::string_view> instance = {};
  std::string_view client_id = {}, client_host = {};
  io::Millis session_timeout_ms = 0, rebalance_timeout_ms = 0;  // clients that know one timeout send it as both
  std::string_view protocol_type = {};
  std::vector<Protocol> protocols = {};  // best first
  bool requires_member_id = false;       // a new dynamic member is given an id and sent back (Kafka: v4 and later)
  bool can_skip_assignment = false;      // a returning static leader understands skip_assignment (Kafka: v9 and later)
};
struct GroupJoinResult {
  struct Member {
    std::string id = {};
    std::optional<std::string> instance = {};
    Bytes metadata = {};
  };
  GroupError error = GroupError::none;
  std::string member = {};
  int32_t generation = -1;
  std::optional<std::string> protocol_type = {}, protocol = {};
  std::string leader = {};
  bool skip_assignment = false;
  std::vector<Member> members = {};  // for the leader only
};

/// Who speaks; a member of a group, or nobody (empty member, generation -1).
struct GroupMemberArgs {
  std::string_view group = {}, member = {};
  std::optional<std::string_view> instance = {};
  int32_t generation = -1;
};

struct GroupSyncArgs {
  struct Assignment {
    std::string_view member = {};
    ByteView assignment = {};
  };
  GroupCaller caller = 0;
  GroupMemberArgs from = {};
  std::optional<std::string_view> protocol_type = {}, protocol = {};  // checked if given
  std::vector<Assignment> assignments = {};                           // the leader's
};
struct GroupSyncResult {
  GroupError error = GroupError::none;
  std::optional<std::string> protocol_type = {}, protocol = {};
  Bytes assignment = {};
};

struct GroupLeaveArgs {
  struct Member {
    std::string_view member = {};  // empty: the instance is meant, whatever its member id
    std::optional<std::string_view> instance = {};
  };
  std::string_view group = {};
  std::vector<Member> members = {};
};
struct GroupLeaveResult {
  GroupError error = GroupError::none;   // of the whole request; then `members` is empty
  std::vector<GroupError> members = {};  // in the order asked
};

struct GroupPartition {
  Uuid topic = {};
  int32_t partition = 0;
  auto operator<=>(const GroupPartition&) const = default;
};

/// How far a group has read one partition.
struct GroupOffset {
  int64_t offset = -1;  // -1: never committed
  int32_t leader_epoch = -1;
  std::string metadata = {};
  int64_t commit_timestamp = -1;  // milliseconds since 1970
  int64_t expire_timestamp = -1;  // -1: by the broker's retention
  bool operator==(const GroupOffset&) const = default;
};

struct GroupCommitArgs {
  struct Offset {
    GroupPartition partition = {};
    int64_t offset = 0;
    int32_t leader_epoch = -1;
    std::string_view metadata = {};
    int64_t timestamp = -1;  // -1: now
  };
  GroupMemberArgs from = {};
  io::Millis retention_ms = -1;  // -1: the broker's
  std::vector<Offset> offsets = {};
};
struct GroupCommitResult {
  std::vector<GroupError> offsets = {};  // in the order asked; an error of the group is everyone's
};

struct GroupFetchArgs {
  std::string_view group = {};
  std::optional<std::vector<GroupPartition>> partitions = {};  // none: all that were ever committed
};
struct GroupFetchResult {
  struct Offset {
    GroupPartition partition = {};
    GroupOffset committed = {};
  };
  GroupError error = GroupError::none;
  std::vector<Offset> offsets = {};  // in the order asked, or by topic and partition
};

struct GroupDeleteOffsetsResult {
  GroupError error = GroupError::none;      // of the group; then `partitions` is empty
  std::vector<GroupError> partitions = {};  // in the order asked
};

/// A line about a group: for lists, counters and diagnosis.
struct GroupSummary {
  std::string group = {}, protocol_type = {};
  GroupState state = GroupState::dead;
  int32_t generation = 0;
  size_t members = 0;
  std::vector<std::string> topics = {};  // subscribed by the current generation, as far as its metadata can be read
};

struct GroupDescription {
  struct Member {
    std::string id = {};
    std::optional<std::string> instance = {};
    std::string client_id = {}, client_host = {};
    Bytes metadata = {}, assignment = {};  // of a stable group only
  };
  GroupError error = GroupError::none;  // group_id_not_found: the rest is as of a dead group
  GroupState state = GroupState::dead;
  std::string protocol_type = {}, protocol = {};  // the protocol of a stable group only
  std::string leader = {};
  int32_t generation = 0;
  std::vector<Member> members = {};
};

}  // namespace naru
