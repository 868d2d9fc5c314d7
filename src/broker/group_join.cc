// Who comes in: new members, members that return, and static members that return under a new id.
#include "broker/group.h"
#include "broker/group_subscription.h"

namespace naru {

static constexpr size_t pending_max = 1000;  // ids given out to who has not come again yet

static std::vector<GroupProtocol> protocols_of(const GroupJoinArgs& args) {
  std::vector<GroupProtocol> protocols;
  for (const auto& [name, metadata] : args.protocols)
    if (std::ranges::find(protocols, name, &GroupProtocol::name) == protocols.end())
      protocols.push_back({std::string(name), Bytes(metadata.begin(), metadata.end())});
  return protocols;
}

static GroupJoinResult refused(GroupError error, std::string_view member) {
  return {.error = error, .member = std::string(member)};
}

void Group::join(const GroupJoinArgs& args, GroupJoinCall& call) {
  if (!has_room_for(args.member)) {
    // Whoever comes last when a group has become too large is out, though it was a member before.
    if (members_.contains(args.member)) {
      remove_member(args.member, GroupError::group_max_size_reached);
      members_left();
    }
    pending_.erase(std::string(args.member));
    return call.answer.set(refused(GroupError::group_max_size_reached, ""));
  }
  if (!supports(args)) return call.answer.set(refused(GroupError::inconsistent_group_protocol, args.member));
  return args.member.empty() ? join_unknown(args, call) : join_known(args, call);
}

bool Group::has_room_for(std::string_view member) const {
  auto known = members_.find(member);
  switch (state_) {
    case GroupState::empty:
    case GroupState::dead: return true;
    case GroupState::preparing_rebalance: {
      auto joined = std::ranges::count_if(members_, [](const auto& entry) { return entry.second.joined; });
      return (known != members_.end() && known->second.joined) ||
             static_cast<size_t>(joined) < host_.settings.members_max;
    }
    case GroupState::completing_rebalance:
    case GroupState::stable: return known != members_.end() || members_.size() < host_.settings.members_max;
  }
  return false;
}

/// Whether everyone who is here would still have a protocol in common.
bool Group::supports(const GroupJoinArgs& args) const {
  if (state_ == GroupState::empty) return !args.protocol_type.empty() && !args.protocols.empty();
  if (args.protocol_type != protocol_type_) return false;
  if (members_.empty()) return !args.protocols.empty();
  return std::ranges::any_of(args.protocols, [&](const auto& protocol) {
    auto count = offered_.find(protocol.name);
    return count != offered_.end() && count->second == members_.size();
  });
}

std::string Group::new_member_id(const GroupJoinArgs& args) const {
  return std::string(args.instance.value_or(args.client_id)) + "-" + to_hex_text(host_.random_id());
}

void Group::join_unknown(const GroupJoinArgs& args, GroupJoinCall& call) {
  if (args.instance) {
    auto holder = instances_.find(*args.instance);
    if (holder == instances_.end()) return add(args, new_member_id(args), call);
    return join_instance_again(args, std::string(holder->second), call);
  }
  if (!args.requires_member_id) return add(args, new_member_id(args), call);
  // With an id in hand the client can come again after a lost answer and is not taken for one more member.
  // Too many have one already: soon there will be room, so the error is one upon which clients try again.
  if (pending_.size() >= pending_max) return call.answer.set(refused(GroupError::coordinator_not_available, ""));
  std::string id = new_member_id(args);
  io::Millis until = host_.loop.now() + args.session_timeout_ms;
  pending_[id] = until;
  expect(until);
  call.answer.set(refused(GroupError::member_id_required, id));
}

void Group::join_known(const GroupJoinArgs& args, GroupJoinCall& call) {
  if (!args.instance && pending_.contains(args.member)) return add(args, std::string(args.member), call);
  auto error = check_member(args.member, args.instance);
  if (error != GroupError::none) return call.answer.set(refused(error, args.member));

  Member& member = members_.find(args.member)->second;
  bool leads = leader_ == member.id, same = member.protocols == protocols_of(args);
  switch (state_) {
    case GroupState::preparing_rebalance: break;
    case GroupState::completing_rebalance:  // it may have missed the answer
      if (!same) break;
      alive(member);
      return call.answer.set(current(member, leads));
    case GroupState::stable:  // a leader comes again when it wants to assign anew
      if (leads || !same) break;
      alive(member);
      return call.answer.set(current(member, false));
    case GroupState::empty:
    case GroupState::dead: return call.answer.set(refused(GroupError::unknown_member_id, args.member));
  }
  update(member, args);
  park(member, call);
  rebalance_or_complete();
}

static bool subscribe_alike(const Bytes& a, const Bytes& b) {
  auto of_a = subscribed_topics(a), of_b = subscribed_topics(b);
  if (of_a) std::ranges::sort(*of_a);
  if (of_b) std::ranges::sort(*of_b);
  return of_a == of_b;
}

/// A static member is back, perhaps as a new process. While nothing changes for the others they need not notice.
void Group::join_instance_again(const GroupJoinArgs& args, const std::string& old_id, GroupJoinCall& call) {
  std::string leader_before = leader_;
  Member& member = replace(old_id, new_member_id(args));
  const Bytes* metadata = member.metadata(protocol_);
  Bytes before = metadata ? *metadata : Bytes();
  update(member, args);
  metadata = member.metadata(protocol_);
  // Only what it subscribes to counts: the rest of a consumer's metadata says what it owned, and differs each time.
  bool unchanged = state_ == GroupState::stable && vote() == protocol_ &&
                   (!is_consumer() || (metadata && subscribe_alike(before, *metadata)));
  if (!unchanged) {
    park(member, call);
    return rebalance_or_complete();
  }
  alive(member);
  bool leads = leader_ == member.id && args.can_skip_assignment;
  GroupJoinResult result = current(member, leads);
  result.skip_assignment = leads;
  // An old client would assign if it heard that it leads; under its former id the leader is somebody else.
  if (!args.can_skip_assignment) result.leader = leader_before;
  call.store_first = true;
  call.answer.set(std::move(result));
}

void Group::add(const GroupJoinArgs& args, std::string id, GroupJoinCall& call) {
  if (members_.empty()) protocol_type_ = args.protocol_type;
  if (leader_.empty()) leader_ = id;
  if (state_ == GroupState::preparing_rebalance && previous_ == GroupState::empty) newcomer_ = true;
  pending_.erase(id);
  Member& member = members_[id];
  member.id = id;
  if (args.instance) {
    member.instance = *args.instance;
    instances_[*member.instance] = id;
  }
  member.is_new = true;
  update(member, args);
  park(member, call);
  rebalance_or_complete();
}

void Group::update(Member& member, const GroupJoinArgs& args) {
  count_protocols(member, -1);
  member.protocols = protocols_of(args);
  count_protocols(member, 1);
  member.client_id = args.client_id;
  member.client_host = args.client_host;
  member.session_timeout_ms = args.session_timeout_ms;
  member.rebalance_timeout_ms = args.rebalance_timeout_ms;
}

void Group::park(Member& member, GroupJoinCall& call) {
  if (member.joining) answer(member, refused(GroupError::rebalance_in_progress, member.id));
  member.joining = &call;
  member.joined = true;
  // A client that does not know its id yet cannot come again, so one that has gone would wait here for ever.
  member.session_deadline = member.is_new ? host_.loop.now() + host_.settings.new_member_timeout_ms : io::never;
  expect(member.session_deadline);
}

/// The same member under a new id. The old one is fenced: two processes run as one instance.
Group::Member& Group::replace(const std::string& old_id, std::string new_id) {
  auto node = members_.extract(old_id);
  CHECK(node);
  Member& member = node.mapped();
  if (member.joining) answer(member, refused(GroupError::fenced_instance_id, old_id));
  if (member.syncing) answer(member, GroupSyncResult{.error = GroupError::fenced_instance_id});
  if (leader_ == old_id) leader_ = new_id;
  instances_[*member.instance] = new_id;
  member.id = new_id;
  node.key() = std::move(new_id);
  return members_.insert(std::move(node)).position->second;
}

}  // namespace naru
