// From one generation to the next: gather, elect, vote, assign.
#include "broker/group.h"
#include "broker/group_subscription.h"

namespace naru {

void Group::move_to(GroupState state) {
  switch (state) {  // from where one may come
    case GroupState::preparing_rebalance: CHECK(state_ != GroupState::preparing_rebalance); break;
    case GroupState::empty:
    case GroupState::completing_rebalance: CHECK(state_ == GroupState::preparing_rebalance); break;
    case GroupState::stable: CHECK(state_ == GroupState::completing_rebalance); break;
    case GroupState::dead: CHECK(state_ == GroupState::empty); break;
  }
  CHECK((state == GroupState::empty) <= members_.empty());
  previous_ = state_;
  state_ = state;
  state_since_ = host_.loop.wall();
}

void Group::rebalance_or_complete() {
  return state_ == GroupState::preparing_rebalance ? complete_if_all_joined() : prepare_rebalance();
}

void Group::prepare_rebalance() {
  if (state_ == GroupState::completing_rebalance) fail_syncs(GroupError::rebalance_in_progress);
  sync_deadline_ = io::never;
  storing_ = false;
  move_to(GroupState::preparing_rebalance);
  if (previous_ == GroupState::empty) {
    // The first of many is not worth a generation of its own: wait for the others that are being started too.
    newcomer_ = false;
    delay_ms_ = host_.settings.initial_rebalance_delay_ms;
    delay_left_ms_ = std::max<io::Millis>(rebalance_timeout_ms() - delay_ms_, 0);
    join_deadline_ = host_.loop.now() + delay_ms_;
    if (is_consumer()) topics_.reset();
  } else if (all_joined()) {
    return complete_join();
  } else {
    join_deadline_ = host_.loop.now() + rebalance_timeout_ms();
  }
  expect(join_deadline_);
}

void Group::initial_delay_over() {
  if (!newcomer_ || delay_left_ms_ == 0) return complete_join();
  newcomer_ = false;
  io::Millis next = std::min(host_.settings.initial_rebalance_delay_ms, delay_left_ms_);
  delay_left_ms_ = std::max<io::Millis>(delay_left_ms_ - delay_ms_, 0);
  delay_ms_ = next;
  join_deadline_ = host_.loop.now() + next;
  expect(join_deadline_);
}

bool Group::all_joined() const {
  return pending_.empty() && std::ranges::all_of(members_, [](const auto& entry) { return entry.second.joined; });
}

/// A group that was empty waits its delay out in any case.
void Group::complete_if_all_joined() {
  if (state_ == GroupState::preparing_rebalance && previous_ != GroupState::empty && all_joined()) complete_join();
}

void Group::complete_join() {
  join_deadline_ = io::never;
  std::vector<std::string> absent;
  for (const auto& [id, member] : members_)
    if (!member.joined && !member.instance) absent.push_back(id);
  for (const std::string& id : absent) remove_member(id, GroupError::unknown_member_id);
  if (!members_.empty() && !elect_joined_leader()) {
    // Only static members that are away: wait until one is back or their sessions end.
    constexpr io::Millis least_ms = 1000;  // who allows no time at all would be looked at in every turn
    join_deadline_ = host_.loop.now() + std::max(rebalance_timeout_ms(), least_ms);
    return expect(join_deadline_);
  }
  begin_generation();
}

/// Best one who hears of it: a member whose connection is gone has joined too, and everyone would wait for it to
/// assign.
bool Group::elect_joined_leader() {
  auto elect = [this](auto suits) {
    auto leader = members_.find(leader_);
    if (leader != members_.end() && suits(*leader)) return true;
    auto other = std::ranges::find_if(members_, suits);
    if (other == members_.end()) return false;
    leader_ = other->first;
    return true;
  };
  return elect([](const auto& entry) { return entry.second.joined && entry.second.joining; }) ||
         elect([](const auto& entry) { return entry.second.joined; });
}

void Group::begin_generation() {
  generation_ = generation_ == INT32_MAX ? 1 : generation_ + 1;
  protocol_ = members_.empty() ? "" : vote();
  read_topics();
  if (members_.empty()) {
    move_to(GroupState::empty);
    timer_.arm(first_deadline());
    return host_.emptied(*this);
  }
  move_to(GroupState::completing_rebalance);
  for (auto& [id, member] : members_) {
    member.is_new = false;
    member.assignment.clear();
    // A static member that is away has its session to come back, and is not asked to sync in time.
    member.must_sync = std::exchange(member.joined, false);
    if (member.joining) answer(member, current(member, id == leader_));
    alive(member);
  }
  sync_deadline_ = host_.loop.now() + rebalance_timeout_ms();
  expect(sync_deadline_);
}

/// Of the protocols that all know, each member votes for the one it likes best.
std::string Group::vote() const {
  std::map<std::string_view, size_t> votes;
  for (const auto& [id, member] : members_) {
    auto best = std::ranges::find_if(member.protocols, [&](const GroupProtocol& protocol) {
      return offered_.find(protocol.name)->second == members_.size();
    });
    CHECK(best != member.protocols.end());  // twin: supports() lets nobody in with whom there would be none
    ++votes[best->name];
  }
  return std::string(std::ranges::max_element(votes, {}, [](const auto& entry) { return entry.second; })->first);
}

void Group::read_topics() {
  topics_.emplace();
  if (!is_consumer()) return;
  for (const auto& [id, member] : members_) {
    const Bytes* metadata = member.metadata(protocol_);
    auto topics = metadata ? subscribed_topics(*metadata) : std::nullopt;
    if (!topics) return topics_.reset();
    for (std::string_view topic : *topics) topics_->emplace(topic);
  }
}

io::Millis Group::rebalance_timeout_ms() const {
  io::Millis longest = 0;
  for (const auto& [id, member] : members_) longest = std::max(longest, member.rebalance_timeout_ms);
  return longest;
}

static bool differs(const std::optional<std::string_view>& asked, const std::string& is) {
  return asked && *asked != is;
}

void Group::sync(const GroupSyncArgs& args, GroupSyncCall& call) {
  auto refuse = [&](GroupError error) { call.answer.set(GroupSyncResult{.error = error}); };
  if (auto error = check_member(args.from.member, args.from.instance); error != GroupError::none) return refuse(error);
  if (args.from.generation != generation_) return refuse(GroupError::illegal_generation);
  if (differs(args.protocol_type, protocol_type_) || differs(args.protocol, protocol_))
    return refuse(GroupError::inconsistent_group_protocol);
  if (state_ == GroupState::preparing_rebalance) return refuse(GroupError::rebalance_in_progress);

  Member& member = members_.find(args.from.member)->second;
  synced(member);
  if (state_ == GroupState::stable) {
    alive(member);
    return call.answer.set(assigned(member));
  }
  CHECK(state_ == GroupState::completing_rebalance);  // an empty group has no members to sync
  if (member.syncing) answer(member, GroupSyncResult{.error = GroupError::rebalance_in_progress});
  member.syncing = &call;
  member.session_deadline = io::never;
  if (leader_ != member.id || storing_) return;
  for (const auto& [id, assignment] : args.assignments)  // who is not mentioned gets nothing
    if (auto receiver = members_.find(id); receiver != members_.end())
      receiver->second.assignment.assign(assignment.begin(), assignment.end());
  storing_ = call.store_first = true;
}

void Group::assignment_stored(int32_t generation, GroupError error) {
  // Somebody may have joined or left meanwhile; then these assignments are void and a new round is on its way.
  if (!storing_ || state_ != GroupState::completing_rebalance || generation != generation_) return;
  storing_ = false;
  if (error != GroupError::none) {
    fail_syncs(error);
    return prepare_rebalance();
  }
  move_to(GroupState::stable);
  for (auto& [id, member] : members_) {
    if (!member.syncing) continue;
    answer(member, assigned(member));
    alive(member);
  }
}

void Group::fail_syncs(GroupError error) {
  for (auto& [id, member] : members_) {
    member.assignment.clear();
    if (!member.syncing) continue;
    answer(member, GroupSyncResult{.error = error});
    alive(member);
  }
}

/// When the last one has come, nobody is waited for.
void Group::synced(Member& member) {
  member.must_sync = false;
  if (std::ranges::none_of(members_, [](const auto& entry) { return entry.second.must_sync; }))
    sync_deadline_ = io::never;
}

/// Members that heard of the generation and never fetched their assignment hold partitions that nobody reads.
void Group::sync_overdue() {
  sync_deadline_ = io::never;
  std::vector<std::string> absent;
  for (const auto& [id, member] : members_)
    if (member.must_sync) absent.push_back(id);
  if (absent.empty()) return;
  for (const std::string& id : absent) remove_member(id, GroupError::unknown_member_id);
  members_left();
}

}  // namespace naru
