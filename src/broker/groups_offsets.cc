// Offsets: commit, fetch, forget.
#include "broker/groups.h"
#include "broker/offsets.h"

namespace naru {

GroupError Groups::check_commit(const GroupMemberArgs& from) {
  if (stopped_) return GroupError::coordinator_not_available;
  Group* group = find(from.group);
  if (!group && from.generation >= 0) return GroupError::illegal_generation;
  auto error = group ? group->check_commit(from) : GroupError::none;
  if (error != GroupError::none) return error;
  return host_.is_full() ? GroupError::storage_full : GroupError::none;
}

io::Task<GroupCommitResult> Groups::commit(GroupCommitArgs args) {
  Inside inside(*this);
  GroupCommitResult result;
  if (auto error = check_commit(args.from); error != GroupError::none) {
    result.offsets.assign(args.offsets.size(), error);
    co_return result;
  }
  JournalPosition position = write_commit(args, result);
  if (position == 0) co_return result;
  if (auto error = co_await written(position); error != GroupError::none)
    for (GroupError& of_one : result.offsets)
      if (of_one == GroupError::none) of_one = error;
  co_return result;
}

/// Returns 0 if there was nothing to write.
JournalPosition Groups::write_commit(const GroupCommitArgs& args, GroupCommitResult& result) {
  const std::string id(args.from.group);
  Group* group = find(id);  // made with its first offset: what is refused leaves none
  GroupOffsets offsets(host_.table(id), id, &memory_);
  int64_t now = loop_.wall(), first_expiry = io::never;
  JournalPosition position = 0;
  for (const auto& [partition, offset, leader_epoch, metadata, timestamp] : args.offsets) {
    if (metadata.size() > settings_.offset_metadata_bytes_max) {
      result.offsets.push_back(GroupError::offset_metadata_too_large);
      continue;
    }
    GroupOffset committed{offset, leader_epoch, std::string(metadata), timestamp >= 0 ? timestamp : now};
    if (args.retention_ms >= 0) committed.expire_timestamp = sum_at_most(now, args.retention_ms);
    uint64_t more = offsets.growth(partition, committed) + (group ? 0 : Group::empty_bytes(id));
    if (more > 0 && !has_room(more)) {
      result.offsets.push_back(GroupError::storage_full);
      continue;
    }
    if (!group) group = &find_or_create(id);
    position = offsets.put(partition, committed);
    first_expiry = std::min(first_expiry, expires_at(*group, partition, committed));
    result.offsets.push_back(GroupError::none);
  }
  if (position != 0) group->last_write = position;
  expire_not_after(first_expiry);
  return position;
}

io::Task<GroupFetchResult> Groups::fetch(GroupFetchArgs args) {
  Inside inside(*this);
  GroupFetchResult result;
  if (stopped_) {
    result.error = GroupError::coordinator_not_available;
    co_return result;
  }
  Group* group = find(args.group);
  JournalPosition position = group ? group->last_write : 0;
  read_offsets(args, group != nullptr, result);
  // Whoever starts here may do so only if a crash cannot take it back.
  if (position != 0) result.error = co_await written(position);
  co_return result;
}

void Groups::read_offsets(const GroupFetchArgs& args, bool known, GroupFetchResult& result) const {
  if (!known) {
    for (const GroupPartition& partition : args.partitions.value_or(std::vector<GroupPartition>()))
      result.offsets.push_back({partition, {}});
    return;
  }
  GroupOffsets offsets(host_.table(args.group), args.group);
  if (args.partitions) {
    for (const GroupPartition& partition : *args.partitions)
      result.offsets.push_back({partition, offsets.find(partition).value_or(GroupOffset())});
  } else {
    offsets.each([&](const GroupPartition& partition, const GroupOffset& offset) {
      result.offsets.push_back({partition, offset});
    });
  }
}

io::Task<GroupDeleteOffsetsResult> Groups::remove_offsets(std::string_view id, std::vector<GroupPartition> partitions) {
  Inside inside(*this);
  GroupDeleteOffsetsResult result;
  Group* group = find(id);
  bool busy = group && group->state() != GroupState::empty;
  result.error = stopped_                        ? GroupError::coordinator_not_available
                 : !group                        ? GroupError::group_id_not_found
                 : busy && !group->is_consumer() ? GroupError::non_empty_group
                                                 : GroupError::none;
  if (result.error != GroupError::none) co_return result;
  refresh_topics(*group);
  GroupOffsets offsets(host_.table(id), id, &memory_);
  JournalPosition position = 0;
  for (const GroupPartition& partition : partitions) {
    bool wanted = busy && (!group->topics() || group->topic_ids.contains(partition.topic));
    if (!wanted) position = offsets.erase(partition);
    result.partitions.push_back(wanted ? GroupError::group_subscribed_to_topic : GroupError::none);
  }
  consider_expiry(*group);
  if (position == 0) co_return result;
  group->last_write = position;
  result.error = co_await written(position);
  co_return result;
}

void Groups::topic_deleted(const Uuid& topic) {
  for (auto& [id, group] : groups_) {
    GroupOffsets offsets(host_.table(id), id, &memory_);
    auto partitions = offsets.of_topic(topic);
    for (const GroupPartition& partition : partitions) offsets.erase(partition);
    if (!partitions.empty()) consider_expiry(*group);
  }
}

void Groups::refresh_topics(Group& group) const {
  group.topic_ids.clear();
  if (!group.topics()) return;
  for (const std::string& topic : *group.topics()) group.topic_ids.insert(host_.topic_id(topic));
}

}  // namespace naru
