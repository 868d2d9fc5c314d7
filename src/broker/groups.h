#pragma once
// The consumer groups of one core: who belongs to each, which generation of its assignment holds, and how far it has
// read. Kafka's classic group protocol whole, without its wire (group.h has the rules of one group).
//
// What must survive is rows of the group's shard: "group/<id>" and one "offset/..." per partition (offsets.h).
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "base/result.h"
#include "broker/group.h"
#include "broker/group_types.h"
#include "log/table.h"

namespace naru {

/// What groups need of the world around them.
struct GroupHost {
  std::function<Table&(std::string_view group)> table;  // of the shard that owns the group
  std::function<io::Task<Result<void>>(JournalPosition)> durable;
  std::function<Uuid()> random_id;                       // makes member ids unique
  std::function<Uuid(std::string_view)> topic_id;        // of a topic's name; none if there is no such topic
  std::function<bool()> is_full = [] { return false; };  // no space: what must be durable is refused
  std::function<uint64_t()> memory_max = [] { return UINT64_MAX; };  // for groups, their members and offsets
};

class Groups {
 public:
  Groups(io::Loop& loop, GroupSettings settings, GroupHost host);
  Groups(const Groups&) = delete;
  /// stop() first, and let the loop run until idle().
  ~Groups();

  /// Takes back the groups and offsets of one shard after a start. Members have a whole session to be heard of again.
  Result<void> load(const Table& table);

  // Membership. join() waits for the rebalance, sync() for the leader's assignment to be durable.
  io::Task<GroupJoinResult> join(GroupJoinArgs args);
  io::Task<GroupSyncResult> sync(GroupSyncArgs args);
  GroupError heartbeat(const GroupMemberArgs& from);
  GroupLeaveResult leave(const GroupLeaveArgs& args);
  /// Whoever asked has gone: what it waits for is answered at once with `dropped`. Its members stay, for one session
  /// timeout; they may come back over another connection.
  void drop(GroupCaller caller);

  // Offsets. All of these show and confirm only what is durable.
  io::Task<GroupCommitResult> commit(GroupCommitArgs args);
  io::Task<GroupFetchResult> fetch(GroupFetchArgs args);
  /// Refused for topics that the group's members subscribe to.
  io::Task<GroupDeleteOffsetsResult> remove_offsets(std::string_view group, std::vector<GroupPartition> partitions);
  /// The topic is gone for ever, and so is what was read of it. A new one of the same name has another id.
  void topic_deleted(const Uuid& topic);

  // Administration.
  /// Deletes an empty group with its offsets.
  io::Task<GroupError> remove(std::string_view group);
  /// Names of states (GroupState) and types ("classic"), in any case; an empty filter passes all.
  std::vector<GroupSummary> list(const std::vector<std::string_view>& states = {},
                                 const std::vector<std::string_view>& types = {}) const;
  GroupDescription describe(std::string_view group) const;
  std::array<size_t, group_state_count> count_by_state() const;
  /// Of memory, roughly: what groups, their members and their offsets take.
  uint64_t bytes() const { return memory_.used; }

  /// Answers everyone who waits and refuses whoever comes: the broker is going away.
  void stop();
  bool idle() const { return inside_ == 0; }

 private:
  /// Counts the coroutines that run here.
  class Inside {
   public:
    explicit Inside(Groups& groups) : groups_(groups) { ++groups_.inside_; }
    Inside(const Inside&) = delete;
    ~Inside() { --groups_.inside_; }

   private:
    Groups& groups_;
  };
  class Waiting;  // notes where a caller waits, for drop()

  // groups.cc
  Group* find(std::string_view id) const;
  bool has_room(uint64_t more);
  Group& find_or_create(std::string_view id);
  void emptied(Group& group);
  JournalPosition store(Group& group);
  JournalPosition erase(Group& group);
  io::Task<GroupError> written(JournalPosition position);
  GroupError check_join(const GroupJoinArgs& args);
  void assignment_stored(Group& group, int32_t generation, GroupError error);
  // groups_offsets.cc
  GroupError check_commit(const GroupMemberArgs& from);
  JournalPosition write_commit(const GroupCommitArgs& args, GroupCommitResult& result);
  void read_offsets(const GroupFetchArgs& args, bool known, GroupFetchResult& result) const;
  void refresh_topics(Group& group) const;
  // groups_expiry.cc: the one timer is armed for the first moment at which anything can expire
  int64_t expires_at(const Group& group, const GroupPartition& partition, const GroupOffset& offset) const;
  int64_t next_expiry(Group& group) const;
  /// Of times: io::never where it would be beyond.
  static int64_t sum_at_most(int64_t a, int64_t b) { return a > 0 && b > io::never - a ? io::never : a + b; }
  void consider_expiry(Group& group);
  void expire_not_after(int64_t wall_ms);
  void expire();
  bool expire_offsets(Group& group);

  io::Loop& loop_;
  const GroupSettings settings_;
  GroupHost host_;
  GroupMemory memory_;  // before the groups, which count theirs
  bool told_short_ = false;
  std::map<std::string, std::unique_ptr<Group>, std::less<>> groups_;
  std::multimap<GroupCaller, std::string> waiting_;  // in which groups a caller waits
  io::Timer expiry_;
  uint64_t groups_created_ = 0;
  size_t inside_ = 0;
  bool stopped_ = false;
};

}  // namespace naru
