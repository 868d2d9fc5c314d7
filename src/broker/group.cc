#include "broker/group.h"

namespace naru {

const Bytes* Group::Member::metadata(std::string_view protocol) const {
  auto found = std::ranges::find(protocols, protocol, &GroupProtocol::name);
  return found == protocols.end() ? nullptr : &found->metadata;
}

size_t Group::Member::metadata_bytes() const {
  size_t bytes = 0;
  for (const GroupProtocol& protocol : protocols) bytes += protocol.name.size() + protocol.metadata.size();
  return bytes;
}

Group::Group(std::string id, uint64_t serial, Host host)
    : id_(std::move(id)),
      serial_(serial),
      host_(std::move(host)),
      state_since_(host_.loop.wall()),
      timer_(host_.loop, [this] { on_time(); }) {}

// Measured: the objects, their names and what the allocator takes for them. All of it is in the group's row, too, and
// ids of members and instances are what they are found by.
uint64_t Group::empty_bytes(std::string_view id) { return 1000 + 2 * id.size(); }
uint64_t Group::member_bytes(size_t id, size_t instance, size_t client_id, size_t client_host, size_t metadata) {
  return 700 + 4 * (id + instance) + 2 * (client_id + client_host + metadata);
}
uint64_t Group::pending_bytes(size_t id) { return 150 + id; }

uint64_t Group::Member::bytes() const {
  return member_bytes(id.size(), instance ? instance->size() : 0, client_id.size(), client_host.size(),
                      metadata_bytes() + assignment.size());
}

void Group::recount() {
  uint64_t bytes = empty_bytes(id_);
  for (const auto& [id, until] : pending_) bytes += pending_bytes(id.size());
  for (const auto& [id, member] : members_) bytes += member.bytes();
  host_.memory.used += bytes - counted_;
  counted_ = bytes;
}

Group::Saved Group::saved() const {
  Saved saved{protocol_type_, protocol_, leader_, generation_, state_since_, {}};
  for (const auto& [id, member] : members_) saved.members.push_back(member);
  return saved;
}

void Group::restore(Saved saved) {
  CHECK(members_.empty() && state_ == GroupState::empty);
  protocol_type_ = std::move(saved.protocol_type);
  protocol_ = std::move(saved.protocol);
  leader_ = std::move(saved.leader);
  generation_ = saved.generation;
  state_since_ = saved.state_since;
  for (Member& member : saved.members) {
    if (member.instance) instances_[*member.instance] = member.id;
    count_protocols(member, 1);
    std::string member_id = member.id;
    alive(members_.emplace(std::move(member_id), std::move(member)).first->second);
  }
  if (!members_.empty()) state_ = previous_ = GroupState::stable;
  read_topics();
}

GroupError Group::check_member(std::string_view member, std::optional<std::string_view> instance) const {
  if (instance) {
    auto holder = instances_.find(*instance);
    if (holder == instances_.end()) return GroupError::unknown_member_id;
    if (holder->second != member) return GroupError::fenced_instance_id;
  }
  return members_.contains(member) ? GroupError::none : GroupError::unknown_member_id;
}

GroupError Group::heartbeat(const GroupMemberArgs& from) {
  if (auto error = check_member(from.member, from.instance); error != GroupError::none) return error;
  if (from.generation != generation_) return GroupError::illegal_generation;
  alive(members_.find(from.member)->second);
  return state_ == GroupState::preparing_rebalance ? GroupError::rebalance_in_progress : GroupError::none;
}

GroupError Group::check_commit(const GroupMemberArgs& from) {
  // Nobody's offsets: of a tool, or of a consumer that assigns itself and only keeps its place here.
  if (from.generation < 0 && state_ == GroupState::empty) return GroupError::none;
  if (from.generation < 0 && from.member.empty() && !from.instance) return GroupError::unknown_member_id;
  if (auto error = check_member(from.member, from.instance); error != GroupError::none) return error;
  if (from.generation != generation_) return GroupError::illegal_generation;
  // The new generation does not own anything yet, so this would be for partitions that are someone else's soon.
  if (state_ == GroupState::completing_rebalance) return GroupError::rebalance_in_progress;
  alive(members_.find(from.member)->second);
  return GroupError::none;
}

std::vector<GroupError> Group::leave(const std::vector<GroupLeaveArgs::Member>& leaving) {
  std::vector<GroupError> results;
  size_t members_before = members_.size();
  for (const auto& [member, instance] : leaving) {
    auto error = GroupError::none;
    if (member.empty()) {
      auto holder = instance ? instances_.find(*instance) : instances_.end();
      if (holder == instances_.end()) {
        error = GroupError::unknown_member_id;
      } else {
        remove_member(std::string(holder->second), GroupError::unknown_member_id);
      }
    } else if (auto waiting = pending_.find(member); waiting != pending_.end()) {
      pending_.erase(waiting);
    } else if (error = check_member(member, instance); error == GroupError::none) {
      remove_member(member, GroupError::unknown_member_id);
    }
    results.push_back(error);
  }
  members_.size() < members_before ? members_left() : complete_if_all_joined();
  return results;
}

void Group::count_protocols(const Member& member, int step) {
  for (const GroupProtocol& protocol : member.protocols) {
    size_t& count = offered_[protocol.name];
    count = step > 0 ? count + 1 : count - 1;
    if (count == 0) offered_.erase(protocol.name);
  }
}

void Group::remove_member(std::string_view id, GroupError reason) {
  auto place = members_.find(id);
  CHECK(place != members_.end());
  Member& member = place->second;
  if (member.joining) answer(member, GroupJoinResult{.error = reason, .member = member.id});
  if (member.syncing) answer(member, GroupSyncResult{.error = reason});
  count_protocols(member, -1);
  if (member.instance) instances_.erase(*member.instance);
  bool led = leader_ == member.id;
  members_.erase(place);
  if (led) leader_ = members_.empty() ? "" : members_.begin()->first;
}

/// After members have gone: the others divide the work anew.
void Group::members_left() {
  switch (state_) {
    case GroupState::stable:
    case GroupState::completing_rebalance: return prepare_rebalance();
    case GroupState::preparing_rebalance: return complete_if_all_joined();
    case GroupState::empty:
    case GroupState::dead: return;
  }
}

void Group::drop(GroupCaller caller) {
  for (auto& [id, member] : members_) {
    bool waits = false;
    if (member.joining && member.joining->caller == caller) {
      answer(member, GroupJoinResult{.error = GroupError::dropped, .member = id});
      waits = true;
    }
    if (member.syncing && member.syncing->caller == caller) {
      answer(member, GroupSyncResult{.error = GroupError::dropped});
      waits = true;
    }
    if (waits) alive(member);
  }
}

void Group::stop(GroupError error) {
  for (auto& [id, member] : members_) {
    if (member.joining) answer(member, GroupJoinResult{.error = error, .member = id});
    if (member.syncing) answer(member, GroupSyncResult{.error = error});
  }
  timer_.cancel();
}

/// A sign of life. Who waits for an answer needs to give none: its clock starts again with the answer.
void Group::alive(Member& member) {
  if (member.joining || member.syncing) return;
  member.session_deadline = host_.loop.now() + member.session_timeout_ms;
  expect(member.session_deadline);
}

void Group::expect(io::Millis deadline) {
  if (deadline < timer_.deadline()) timer_.arm(deadline);
}

io::Millis Group::first_deadline() const {
  io::Millis first = std::min(join_deadline_, sync_deadline_);
  for (const auto& [id, deadline] : pending_) first = std::min(first, deadline);
  for (const auto& [id, member] : members_) first = std::min(first, member.session_deadline);
  return first;
}

void Group::on_time() {
  io::Millis now = host_.loop.now();
  bool pending_gone = std::erase_if(pending_, [&](const auto& entry) { return entry.second <= now; }) > 0;
  std::vector<std::string> silent;
  for (const auto& [id, member] : members_)
    if (member.session_deadline <= now) silent.push_back(id);
  for (const std::string& id : silent) remove_member(id, GroupError::unknown_member_id);

  if (!silent.empty()) {
    members_left();
  } else if (pending_gone && state_ == GroupState::preparing_rebalance) {
    complete_if_all_joined();
  } else if (pending_gone && state_ == GroupState::empty) {
    host_.emptied(*this);
  }
  if (sync_deadline_ <= now) sync_overdue();
  if (join_deadline_ <= now) previous_ == GroupState::empty ? initial_delay_over() : complete_join();
  timer_.arm(first_deadline());
  recount();
}

GroupJoinResult Group::current(const Member& member, bool with_members) const {
  GroupJoinResult result{.member = member.id,
                         .generation = generation_,
                         .protocol_type = protocol_type_,
                         .protocol = protocol_,
                         .leader = leader_};
  if (!with_members) return result;
  for (const auto& [id, other] : members_) {
    const Bytes* metadata = other.metadata(protocol_);
    result.members.push_back({id, other.instance, metadata ? *metadata : Bytes()});
  }
  return result;
}

GroupSyncResult Group::assigned(const Member& member) const {
  return {GroupError::none, protocol_type_, protocol_, member.assignment};
}

void Group::answer(Member& member, GroupJoinResult result) {
  auto* call = std::exchange(member.joining, nullptr);
  host_.loop.post([call, result = std::move(result)]() mutable { call->answer.set(std::move(result)); });
}

void Group::answer(Member& member, GroupSyncResult result) {
  auto* call = std::exchange(member.syncing, nullptr);
  host_.loop.post([call, result = std::move(result)]() mutable { call->answer.set(std::move(result)); });
}

}  // namespace naru
