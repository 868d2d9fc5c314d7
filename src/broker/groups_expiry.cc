// What nobody has used for long goes. Which clock runs for an offset depends on its group:
//
//   no protocol type (a place kept by a consumer that assigns itself): since its commit
//   empty: since the group became empty, or since its commit if that was later
//   stable, of consumers: since its commit, if nobody subscribes to the topic
//   else, and in any group whose subscriptions cannot be read: none
//
// An empty group goes with its last offset.
#include "broker/group_row.h"
#include "broker/groups.h"
#include "broker/offsets.h"

namespace naru {

/// Wall clock; io::never if no clock runs for it.
int64_t Groups::expires_at(const Group& group, const GroupPartition& partition, const GroupOffset& offset) const {
  int64_t since = offset.commit_timestamp;
  if (group.protocol_type().empty()) {
  } else if (group.state() == GroupState::empty) {
    since = std::max(since, group.state_since());
  } else if (group.state() != GroupState::stable || !group.is_consumer() || !group.topics() ||
             group.topic_ids.contains(partition.topic)) {
    return io::never;
  }
  return offset.expire_timestamp >= 0 ? offset.expire_timestamp : sum_at_most(since, settings_.offsets_retention_ms);
}

/// The first moment at which something of the group can go. Reads the topics' ids anew: topics come and go.
int64_t Groups::next_expiry(Group& group) const {
  refresh_topics(group);
  int64_t first = io::never;
  bool any = false;
  GroupOffsets(host_.table(group.id()), group.id())
      .each([&](const GroupPartition& partition, const GroupOffset& offset) {
        any = true;
        first = std::min(first, expires_at(group, partition, offset));
      });
  bool useless = !any && group.state() == GroupState::empty && !group.has_pending();
  return useless ? loop_.wall() : first;
}

void Groups::consider_expiry(Group& group) { expire_not_after(next_expiry(group)); }

void Groups::expire_not_after(int64_t wall_ms) {
  if (wall_ms == io::never || stopped_) return;
  // Not too often: it looks at everything.
  io::Millis deadline = loop_.now() + std::max(wall_ms - loop_.wall(), settings_.offsets_check_interval_ms);
  if (deadline < expiry_.deadline()) expiry_.arm(deadline);
}

void Groups::expire() {
  std::vector<Group*> useless;
  for (auto& [id, group] : groups_)
    if (expire_offsets(*group)) useless.push_back(group.get());
  for (Group* group : useless) erase(*group);
  for (auto& [id, group] : groups_) consider_expiry(*group);
}

/// Whether nothing is left for which the group would have to stay.
bool Groups::expire_offsets(Group& group) {
  refresh_topics(group);
  GroupOffsets offsets(host_.table(group.id()), group.id(), &memory_);
  std::vector<GroupPartition> expired;
  size_t left = 0;
  offsets.each([&](const GroupPartition& partition, const GroupOffset& offset) {
    expires_at(group, partition, offset) <= loop_.wall() ? expired.push_back(partition) : void(++left);
  });
  for (const GroupPartition& partition : expired) offsets.erase(partition);
  return left == 0 && group.state() == GroupState::empty && !group.has_pending();
}

}  // namespace naru
