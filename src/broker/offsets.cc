#include "broker/offsets.h"

#include "base/pack.h"

namespace naru {

constexpr uint8_t offset_row_version = 1;
constexpr size_t partition_bytes = 16 + 4;  // topic id, partition

std::optional<std::string_view> group_of_offset_row(std::string_view key) {
  if (!key.starts_with(offset_row_prefix)) return {};
  key.remove_prefix(offset_row_prefix.size());
  if (key.size() < 1 + partition_bytes || key[key.size() - partition_bytes - 1] != '\0') return {};
  return key.substr(0, key.size() - partition_bytes - 1);
}

static std::string encode(const GroupOffset& offset) {
  Bytes row;
  Packer to(row);
  to.put(offset_row_version).put(offset.offset).put(offset.leader_epoch);
  to.put(offset.commit_timestamp).put(offset.expire_timestamp).put(offset.metadata);
  return std::string(text(row));
}

Result<GroupOffset> decode_offset_row(std::string_view value) {
  Unpacker from(view(value));
  if (from.get<uint8_t>() != offset_row_version) return fail(Code::unsupported, "offsets: a row of an unknown version");
  GroupOffset offset;
  offset.offset = from.get<int64_t>();
  offset.leader_epoch = from.get<int32_t>();
  offset.commit_timestamp = from.get<int64_t>();
  offset.expire_timestamp = from.get<int64_t>();
  offset.metadata = from.text();
  if (!from.at_end()) return fail(Code::corrupt, "offsets: a row does not decode");
  return offset;
}

static GroupOffset checked(std::string_view value) {
  auto offset = decode_offset_row(value);
  CHECK(offset);  // twin: Groups::load() refuses rows that do not decode
  return *std::move(offset);
}

GroupOffsets::GroupOffsets(Table& table, std::string_view group, GroupMemory* memory)
    : table_(table), prefix_(std::string(offset_row_prefix).append(group).append(1, '\0')), memory_(memory) {}

std::string GroupOffsets::key(const GroupPartition& partition) const {
  std::string key = prefix_;
  key.append(text(partition.topic.bytes));
  char number[4];
  store_be(number, static_cast<uint32_t>(partition.partition));
  return key.append(number, sizeof number);
}

void GroupOffsets::scan(const std::string& prefix,
                        const std::function<bool(const GroupPartition&, const std::string&)>& call) const {
  const auto& rows = table_.rows();
  for (auto row = rows.lower_bound(prefix); row != rows.end() && row->first.starts_with(prefix); ++row) {
    // A longer key belongs to a group whose name goes on after a zero byte.
    if (row->first.size() != prefix_.size() + partition_bytes) continue;
    GroupPartition partition;
    std::memcpy(partition.topic.bytes.data(), row->first.data() + prefix_.size(), 16);
    partition.partition = load_be<int32_t>(row->first.data() + prefix_.size() + 16);
    if (!call(partition, row->second)) return;
  }
}

std::optional<GroupOffset> GroupOffsets::find(const GroupPartition& partition) const {
  const std::string* value = table_.find(key(partition));
  if (!value) return {};
  return checked(*value);
}

bool GroupOffsets::empty() const {
  bool any = false;
  scan(prefix_, [&](const GroupPartition&, const std::string&) { return any = true, false; });
  return !any;
}

void GroupOffsets::each(const std::function<void(const GroupPartition&, const GroupOffset&)>& call) const {
  scan(prefix_, [&](const GroupPartition& partition, const std::string& value) {
    call(partition, checked(value));
    return true;
  });
}

std::vector<GroupPartition> GroupOffsets::of_topic(const Uuid& topic) const {
  std::vector<GroupPartition> partitions;
  scan(prefix_ + std::string(text(topic.bytes)), [&](const GroupPartition& partition, const std::string&) {
    partitions.push_back(partition);
    return true;
  });
  return partitions;
}

JournalPosition GroupOffsets::put(const GroupPartition& partition, const GroupOffset& offset) {
  std::string row = key(partition), value = encode(offset);
  forget(row);
  if (memory_) memory_->used += offset_row_bytes(row, value);
  return table_.put(row, value);
}

uint64_t GroupOffsets::growth(const GroupPartition& partition, const GroupOffset& offset) const {
  std::string row = key(partition);
  const std::string* before = table_.find(row);
  uint64_t now = offset_row_bytes(row, encode(offset)), then = before ? offset_row_bytes(row, *before) : 0;
  return now > then ? now - then : 0;
}

/// The row goes, or is written anew.
void GroupOffsets::forget(const std::string& row) {
  const std::string* before = memory_ ? table_.find(row) : nullptr;
  if (before) memory_->used -= offset_row_bytes(row, *before);
}

JournalPosition GroupOffsets::erase(const GroupPartition& partition) {
  std::string row = key(partition);
  forget(row);
  return table_.erase(row);
}

JournalPosition GroupOffsets::erase_all() {
  std::vector<GroupPartition> all;
  scan(prefix_, [&](const GroupPartition& partition, const std::string&) { return all.push_back(partition), true; });
  JournalPosition position = 0;
  for (const GroupPartition& partition : all) position = erase(partition);
  return position;
}

}  // namespace naru
