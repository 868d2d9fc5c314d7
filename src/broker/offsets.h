#pragma once
// How far a group has read, as rows of its shard's table, which are their only home. The key is
// "offset/<group>\0<topic id, 16 bytes><partition, u32 big-endian>": by topic's id, so that a topic made again under
// its old name starts afresh. What follows the group's name has a fixed size, so any name is fine. The value
// (base/pack.h): u8 version = 1, i64 offset, i32 leader epoch, i64 committed at, i64 expires at, text metadata.
#include <functional>

#include "base/result.h"
#include "broker/group_types.h"
#include "log/table.h"

namespace naru {

inline constexpr std::string_view offset_row_prefix = "offset/";
/// The group that a key of an offset belongs to; none if the key is not one.
std::optional<std::string_view> group_of_offset_row(std::string_view key);
Result<GroupOffset> decode_offset_row(std::string_view value);

/// A view of one group's rows. Rows were checked when they were loaded.
class GroupOffsets {
 public:
  /// `memory`: counts the rows; for who changes them.
  GroupOffsets(Table& table, std::string_view group, GroupMemory* memory = nullptr);

  std::optional<GroupOffset> find(const GroupPartition& partition) const;
  bool empty() const;
  /// By topic and partition; `call` must not change the table.
  void each(const std::function<void(const GroupPartition&, const GroupOffset&)>& call) const;
  std::vector<GroupPartition> of_topic(const Uuid& topic) const;

  JournalPosition put(const GroupPartition& partition, const GroupOffset& offset);
  /// How many bytes of memory that would take more.
  uint64_t growth(const GroupPartition& partition, const GroupOffset& offset) const;
  JournalPosition erase(const GroupPartition& partition);
  /// Forgets all of the group's.
  JournalPosition erase_all();

 private:
  std::string key(const GroupPartition& partition) const;
  void forget(const std::string& row);
  /// Calls for the rows whose key begins with `prefix` until `call` says false.
  void scan(const std::string& prefix,
            const std::function<bool(const GroupPartition&, const std::string&)>& call) const;

  Table& table_;
  const std::string prefix_;
  GroupMemory* const memory_;
};

/// Of memory, roughly.
inline uint64_t offset_row_bytes(std::string_view key, std::string_view value) {
  constexpr uint64_t node_bytes = 130;
  return node_bytes + key.size() + value.size();
}

}  // namespace naru
