#include "broker/groups.h"

#include "broker/group_row.h"
#include "broker/offsets.h"
#include "io/logger.h"

namespace naru {

class Groups::Waiting {
 public:
  Waiting(Groups& groups, GroupCaller caller, const std::string& group, bool answered)
      : groups_(groups), place_(groups.waiting_.end()) {
    if (caller != 0 && !answered) place_ = groups_.waiting_.emplace(caller, group);
  }
  Waiting(const Waiting&) = delete;
  ~Waiting() {
    if (place_ != groups_.waiting_.end()) groups_.waiting_.erase(place_);
  }

 private:
  Groups& groups_;
  std::multimap<GroupCaller, std::string>::iterator place_;
};

Groups::Groups(io::Loop& loop, GroupSettings settings, GroupHost host)
    : loop_(loop), settings_(settings), host_(std::move(host)), expiry_(loop, [this] { expire(); }) {}

Groups::~Groups() { CHECK(inside_ == 0); }

Result<void> Groups::load(const Table& table) {
  const auto& rows = table.rows();
  for (auto row = rows.lower_bound(group_row_prefix); row != rows.end(); ++row) {
    if (!row->first.starts_with(group_row_prefix)) break;
    auto saved = TRY(decode_group_row(row->second));
    Group& group = find_or_create(std::string_view(row->first).substr(group_row_prefix.size()));
    group.restore(std::move(saved));
    group.recount();
  }
  for (auto row = rows.lower_bound(offset_row_prefix); row != rows.end(); ++row) {
    if (!row->first.starts_with(offset_row_prefix)) break;
    auto group = group_of_offset_row(row->first);
    if (!group) return fail(Code::corrupt, "offsets: a key does not decode");
    TRY(decode_offset_row(row->second));
    find_or_create(*group);
    memory_.used += offset_row_bytes(row->first, row->second);
  }
  for (auto& [id, group] : groups_) consider_expiry(*group);
  return {};
}

Group* Groups::find(std::string_view id) const {
  auto found = groups_.find(id);
  return found == groups_.end() ? nullptr : found->second.get();
}

Group& Groups::find_or_create(std::string_view id) {
  if (Group* group = find(id)) return *group;
  Group::Host host{loop_, settings_, memory_, host_.random_id, [this](Group& group) { emptied(group); }};
  auto made = std::make_unique<Group>(std::string(id), ++groups_created_, std::move(host));
  Group& group = *groups_.emplace(id, std::move(made)).first->second;
  group.recount();
  return group;
}

/// Groups outlive the requests that made them: what is too much is refused, and clients try again.
bool Groups::has_room(uint64_t more) {
  bool has = memory_.used + more <= host_.memory_max();
  if (!std::exchange(told_short_, !has) && !has)
    io::log(io::Level::warning, "consumer groups have all the memory they may: new members or offsets are refused",
            {{"groups", groups_.size()}, {"bytes", memory_.used}, {"remedy", "a larger --memory-limit"}});
  return has;
}

void Groups::emptied(Group& group) {
  group.recount();
  if (group.generation() > 0) store(group);
  consider_expiry(group);
}

JournalPosition Groups::store(Group& group) {
  return group.last_write = host_.table(group.id()).put(group_row_key(group.id()), encode_group_row(group.saved()));
}

// What a member may bring: Kafka keeps a group in one record of at most a megabyte.
constexpr size_t protocols_max = 100, metadata_bytes_max = MiB;

constexpr size_t made_id_bytes = 40;  // what a member's id has beside the name that it begins with

static size_t metadata_bytes(const GroupJoinArgs& args) {
  size_t bytes = 0;
  for (const auto& protocol : args.protocols) bytes += protocol.name.size() + protocol.metadata.size();
  return bytes;
}

static bool is_too_much(const GroupJoinArgs& args) {
  return args.protocols.size() > protocols_max || metadata_bytes(args) > metadata_bytes_max;
}

GroupError Groups::check_join(const GroupJoinArgs& args) {
  if (stopped_) return GroupError::coordinator_not_available;
  if (args.group.empty()) return GroupError::invalid_group_id;
  if (args.session_timeout_ms < settings_.session_timeout_ms_min ||
      args.session_timeout_ms > settings_.session_timeout_ms_max)
    return GroupError::invalid_session_timeout;
  if (is_too_much(args)) return GroupError::inconsistent_group_protocol;
  Group* group = find(args.group);
  const Group::Member* member = nullptr;
  if (group)
    if (auto found = group->members().find(args.member); found != group->members().end()) member = &found->second;
  size_t instance = args.instance ? args.instance->size() : 0;
  size_t its_id = args.member.empty() ? std::max(instance, args.client_id.size()) + made_id_bytes : args.member.size();
  uint64_t before = member ? member->bytes() : 0;
  uint64_t more =
      Group::member_bytes(its_id, instance, args.client_id.size(), args.client_host.size(), metadata_bytes(args)) +
      (member ? member->assignment.size() * 2 : 0) + (group ? 0 : Group::empty_bytes(args.group));
  if (more > before && !has_room(more - before)) return GroupError::coordinator_not_available;
  if (group) return GroupError::none;
  if (!args.member.empty()) return GroupError::unknown_member_id;
  if (args.protocol_type.empty() || args.protocols.empty()) return GroupError::inconsistent_group_protocol;
  return GroupError::none;
}

io::Task<GroupJoinResult> Groups::join(GroupJoinArgs args) {
  Inside inside(*this);
  if (auto error = check_join(args); error != GroupError::none)
    co_return GroupJoinResult{.error = error, .member = std::string(args.member)};
  GroupJoinCall call(args.caller);
  Group& group = find_or_create(args.group);
  group.join(args, call);
  group.recount();
  Waiting waiting(*this, call.caller, group.id(), call.answer.is_set());
  if (group.state() == GroupState::empty) consider_expiry(group);  // it may have come for nothing

  auto error = GroupError::none;
  if (call.store_first) error = co_await written(store(group));
  GroupJoinResult result = co_await call.answer;
  if (error != GroupError::none) result.error = error;
  co_return result;
}

io::Task<GroupSyncResult> Groups::sync(GroupSyncArgs args) {
  Inside inside(*this);
  Group* group = find(args.from.group);
  auto error = stopped_                  ? GroupError::coordinator_not_available
               : args.from.group.empty() ? GroupError::invalid_group_id
               : !group                  ? GroupError::unknown_member_id
                                         : GroupError::none;
  if (error != GroupError::none) co_return GroupSyncResult{.error = error};
  uint64_t bytes = 0;
  for (const auto& assignment : args.assignments) bytes += assignment.assignment.size();
  if (bytes > 0 && !has_room(2 * bytes)) co_return GroupSyncResult{.error = GroupError::coordinator_not_available};
  GroupSyncCall call(args.caller);
  const std::string id = group->id();
  const uint64_t serial = group->serial();
  group->sync(args, call);
  group->recount();
  Waiting waiting(*this, call.caller, id, call.answer.is_set());
  if (call.store_first) {
    error = host_.is_full() ? GroupError::storage_full : GroupError::none;
    if (error == GroupError::none) {
      error = co_await written(store(*group));
      group = find(id);  // it may have gone meanwhile
    }
    if (group && group->serial() == serial && !stopped_) assignment_stored(*group, args.from.generation, error);
  }
  co_return co_await call.answer;
}

void Groups::assignment_stored(Group& group, int32_t generation, GroupError error) {
  group.assignment_stored(generation, error);
  if (group.state() != GroupState::stable) return;
  refresh_topics(group);
  consider_expiry(group);  // topics that nobody subscribes to any more
}

GroupError Groups::heartbeat(const GroupMemberArgs& from) {
  if (stopped_) return GroupError::coordinator_not_available;
  if (from.group.empty()) return GroupError::invalid_group_id;
  Group* group = find(from.group);
  return group ? group->heartbeat(from) : GroupError::unknown_member_id;
}

GroupLeaveResult Groups::leave(const GroupLeaveArgs& args) {
  if (stopped_) return {GroupError::coordinator_not_available, {}};
  if (args.group.empty()) return {GroupError::invalid_group_id, {}};
  Group* group = find(args.group);
  if (!group) return {GroupError::none, std::vector(args.members.size(), GroupError::unknown_member_id)};
  GroupLeaveResult result{GroupError::none, group->leave(args.members)};
  group->recount();
  if (group->state() == GroupState::empty) consider_expiry(*group);  // an id may have been all that it was kept for
  return result;
}

void Groups::drop(GroupCaller caller) {
  auto [first, last] = waiting_.equal_range(caller);
  for (; first != last; ++first)
    if (Group* group = find(first->second)) group->drop(caller);
}

void Groups::stop() {
  stopped_ = true;
  expiry_.cancel();
  for (auto& [id, group] : groups_) group->stop(GroupError::coordinator_not_available);
}

io::Task<GroupError> Groups::remove(std::string_view id) {
  Inside inside(*this);
  if (stopped_) co_return GroupError::coordinator_not_available;
  Group* group = find(id);
  if (!group) co_return GroupError::group_id_not_found;
  if (group->state() != GroupState::empty) co_return GroupError::non_empty_group;
  JournalPosition position = erase(*group);
  co_return co_await written(position);
}

/// Nothing of the group is left; returns up to where that must be durable.
JournalPosition Groups::erase(Group& group) {
  Table& table = host_.table(group.id());
  GroupOffsets(table, group.id(), &memory_).erase_all();
  JournalPosition position = table.erase(group_row_key(group.id()));
  groups_.erase(groups_.find(group.id()));
  return position;
}

io::Task<GroupError> Groups::written(JournalPosition position) {
  auto stored = co_await host_.durable(position);
  co_return stored ? GroupError::none : GroupError::storage_failed;
}

}  // namespace naru
