#pragma once
// One group: who its members are and which generation of its assignment holds. Plain state that never awaits; answers
// go out by way of the loop, so that nobody who is answered runs in the middle of a change.
//
//   empty -> preparing_rebalance -> completing_rebalance -> stable
//     ^             |    ^                   |                |
//     '-- nobody ---'    '---- join, leave, expiry ----------'
//
// A rebalance: members join and wait; when all have (or the time is up) a generation begins and each is told so; the
// leader, who alone hears of the others, brings everyone's assignment with its sync; once that is durable, all syncs
// are answered with it.
//
// Owner: Groups, which makes rows of what must survive (group_row.h).
#include <functional>
#include <map>
#include <set>

#include "broker/group_types.h"
#include "io/task.h"

namespace naru {

/// Somebody who waits for an answer; lives where it is awaited. `store_first`: the owner makes the group's row durable
/// and, for a sync, then calls assignment_stored().
template <class Answer>
struct GroupCall {
  explicit GroupCall(GroupCaller from) : caller(from) {}
  const GroupCaller caller;
  bool store_first = false;
  io::Once<Answer> answer;
};
using GroupJoinCall = GroupCall<GroupJoinResult>;
using GroupSyncCall = GroupCall<GroupSyncResult>;

class Group {
 public:
  struct Member {
    std::string id = {};
    std::optional<std::string> instance = {};  // static: keeps its place while away, for a session timeout
    std::string client_id = {}, client_host = {};
    io::Millis session_timeout_ms = 0, rebalance_timeout_ms = 0;
    std::vector<GroupProtocol> protocols = {};  // best first
    Bytes assignment = {};

    io::Millis session_deadline = io::never;  // never: while it waits for an answer it is alive
    bool is_new = false;                      // in its first join
    bool joined = false;                      // is in for the next generation
    bool must_sync = false;                   // has not fetched this generation's assignment
    GroupJoinCall* joining = nullptr;
    GroupSyncCall* syncing = nullptr;

    const Bytes* metadata(std::string_view protocol) const;
    /// What it brought.
    size_t metadata_bytes() const;
    /// Of memory, with its row in the store.
    uint64_t bytes() const;
  };
  using Members = std::map<std::string, Member, std::less<>>;
  /// Of memory, roughly: a group without members, a member with such names, an id that waits for its member.
  static uint64_t empty_bytes(std::string_view id);
  static uint64_t member_bytes(size_t id, size_t instance, size_t client_id, size_t client_host, size_t metadata);
  static uint64_t pending_bytes(size_t id);

  /// What a group needs of its owner.
  struct Host {
    io::Loop& loop;
    const GroupSettings& settings;
    GroupMemory& memory;
    std::function<Uuid()> random_id;
    std::function<void(Group&)> emptied;  // nobody is left: its row is due, and things may expire
  };

  Group(std::string id, uint64_t serial, Host host);
  ~Group() { host_.memory.used -= counted_; }
  Group(const Group&) = delete;

  /// Each of these answers `call` now or keeps it until it can; the call must stay where it is until it is answered.
  void join(const GroupJoinArgs& args, GroupJoinCall& call);
  void sync(const GroupSyncArgs& args, GroupSyncCall& call);
  /// The assignment of `generation` is on disk, or could not be.
  void assignment_stored(int32_t generation, GroupError error);
  GroupError heartbeat(const GroupMemberArgs& from);
  std::vector<GroupError> leave(const std::vector<GroupLeaveArgs::Member>& leaving);
  /// Whether these may commit; a commit is a sign of life too.
  GroupError check_commit(const GroupMemberArgs& from);
  void drop(GroupCaller caller);
  /// Answers all who wait with `error`; nothing happens by itself from now on.
  void stop(GroupError error);

  /// What a row keeps, and the only way to set it from outside.
  struct Saved {
    std::string protocol_type, protocol, leader;
    int32_t generation = 0;
    int64_t state_since = 0;  // wall clock
    std::vector<Member> members;
  };
  Saved saved() const;
  void restore(Saved saved);

  const std::string& id() const { return id_; }
  uint64_t serial() const { return serial_; }  // no two groups of one run have the same, not even of one name
  GroupState state() const { return state_; }
  int64_t state_since() const { return state_since_; }
  int32_t generation() const { return generation_; }
  const std::string& protocol_type() const { return protocol_type_; }
  const std::string& protocol() const { return protocol_; }
  const std::string& leader() const { return leader_; }
  const Members& members() const { return members_; }
  /// Counts what it keeps now; the owner calls it after whatever may have changed that.
  void recount();
  bool has_pending() const { return !pending_.empty(); }
  bool is_consumer() const { return protocol_type_ == "consumer"; }
  /// Names the current generation's members subscribe to; none: they cannot be told, it could be any.
  const std::optional<std::set<std::string>>& topics() const { return topics_; }
  /// Ids of those topics, as the owner found them last.
  std::set<Uuid> topic_ids;
  /// Journal position of the last row written for it: what is durable up to there may be shown.
  uint64_t last_write = 0;

 private:
  // group_join.cc: who comes in
  bool has_room_for(std::string_view member) const;
  bool supports(const GroupJoinArgs& args) const;
  void join_unknown(const GroupJoinArgs& args, GroupJoinCall& call);
  void join_known(const GroupJoinArgs& args, GroupJoinCall& call);
  void join_instance_again(const GroupJoinArgs& args, const std::string& old_id, GroupJoinCall& call);
  void add(const GroupJoinArgs& args, std::string id, GroupJoinCall& call);
  void update(Member& member, const GroupJoinArgs& args);
  void park(Member& member, GroupJoinCall& call);
  Member& replace(const std::string& old_id, std::string new_id);
  std::string new_member_id(const GroupJoinArgs& args) const;
  // group_rebalance.cc: from one generation to the next
  void rebalance_or_complete();
  void prepare_rebalance();
  void complete_if_all_joined();
  void initial_delay_over();
  void complete_join();
  bool elect_joined_leader();
  void begin_generation();
  std::string vote() const;
  void read_topics();
  bool all_joined() const;
  io::Millis rebalance_timeout_ms() const;
  void synced(Member& member);
  void sync_overdue();
  void fail_syncs(GroupError error);
  void move_to(GroupState state);
  // group.cc: life and death of members, answers
  GroupError check_member(std::string_view member, std::optional<std::string_view> instance) const;
  void count_protocols(const Member& member, int step);
  void remove_member(std::string_view id, GroupError reason);
  void members_left();
  void alive(Member& member);
  void expect(io::Millis deadline);
  io::Millis first_deadline() const;
  void on_time();
  GroupJoinResult current(const Member& member, bool with_members) const;
  GroupSyncResult assigned(const Member& member) const;
  void answer(Member& member, GroupJoinResult result);
  void answer(Member& member, GroupSyncResult result);

  const std::string id_;
  const uint64_t serial_;
  Host host_;
  GroupState state_ = GroupState::empty, previous_ = GroupState::empty;
  int64_t state_since_;
  int32_t generation_ = 0;
  std::string protocol_type_, protocol_, leader_;  // empty: none
  Members members_;
  std::map<std::string, std::string, std::less<>> instances_;  // of static members -> member id
  std::map<std::string, io::Millis, std::less<>> pending_;     // ids given out, not yet joined -> until when
  std::map<std::string, size_t, std::less<>> offered_;         // protocol -> how many members know it
  std::optional<std::set<std::string>> topics_{std::in_place};
  uint64_t counted_ = 0;  // of host_.memory
  bool storing_ = false;  // the leader's assignment is on its way to the disk
  // A group that was empty waits for company: once more for each newcomer, while time is left.
  bool newcomer_ = false;
  io::Millis delay_ms_ = 0, delay_left_ms_ = 0;
  io::Millis join_deadline_ = io::never, sync_deadline_ = io::never;
  io::Timer timer_;  // armed no later than the first deadline; when it fires early it looks again
};

}  // namespace naru
