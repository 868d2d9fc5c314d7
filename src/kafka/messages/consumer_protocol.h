#pragma once
// What the members of a consumer group tell each other inside JoinGroup and SyncGroup. A broker passes these on
// untouched; it reads them only to know which topics a group wants. Never flexible; a version newer than these is read
// as the newest, since its fields only come after.
#include <algorithm>

#include "kafka/wire.h"

namespace naru::kafka {

struct ConsumerProtocolSubscription {
  static constexpr int16_t flexible_since = never;
  static constexpr Versions versions = between(0, 3);

  struct TopicPartition {
    std::string_view topic;
    std::vector<int32_t> partitions;
    static void describe(auto& wire, auto& m) {
      wire("topic", m.topic);
      wire("partitions", m.partitions);
    }
  };

  std::vector<std::string_view> topics;
  std::optional<ByteView> user_data;
  std::vector<TopicPartition> owned_partitions;
  int32_t generation_id = -1;
  std::optional<std::string_view> rack_id;
  static void describe(auto& wire, auto& m) {
    wire("topics", m.topics);
    wire("user_data", m.user_data);
    wire("owned_partitions", m.owned_partitions, since(1));
    wire("generation_id", m.generation_id, since(2));
    wire("rack_id", m.rack_id, since(3));
  }
};

struct ConsumerProtocolAssignment {
  static constexpr int16_t flexible_since = never;
  static constexpr Versions versions = between(0, 3);

  struct TopicPartition {
    std::string_view topic;
    std::vector<int32_t> partitions;
    static void describe(auto& wire, auto& m) {
      wire("topic", m.topic);
      wire("partitions", m.partitions);
    }
  };

  std::vector<TopicPartition> assigned_partitions;
  std::optional<ByteView> user_data;
  static void describe(auto& wire, auto& m) {
    wire("assigned_partitions", m.assigned_partitions);
    wire("user_data", m.user_data);
  }
};

/// A blob as it lies in JoinGroup's metadata or SyncGroup's assignment: its version, then the message.
template <class M>
Result<M> decode_blob(ByteView blob) {
  Reader reader(blob, 0, false);
  auto version = reader.number<int16_t>();
  if (!reader.ok() || version < 0) return fail(Code::invalid, "bad version of a consumer protocol message");
  return decode<M>(reader.rest(), std::min(version, M::versions.last));
}

}  // namespace naru::kafka
