#pragma once
// Which APIs and versions naru serves. Clients choose by this table, and old ones choose strangely: every minimum has
// a client behind it (api_versions_test.cc names them). What is advertised is this table without the rows that have
// no handler.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>

#include "kafka/wire.h"

namespace naru::kafka {

struct Api {
  int16_t key;
  const char* name;
  Versions served;           // as advertised
  int16_t flexible_since;    // as in the message
  int16_t usable_since = 0;  // advertised below this only to be seen: a request closes the connection
  constexpr bool accepts(int version) const { return served.has(version) && version >= usable_since; }
};

// Why not from 0 everywhere: a version that is advertised has to be right, and the oldest differ in meaning. Where the
// oldest differ only in fields, they are served, since the description already has them.
// Why not to the newest: topic ids instead of names (Fetch 13) come when all of the broker knows ids; group members
// with epochs (OffsetCommit 9, OffsetFetch 9) with the new group protocol; InitProducerId 5 with transactions.
inline constexpr Api apis[] = {
    // 0: librdkafka up to 2.11.0 sends uncompressed, without a word, to brokers whose minimum is above. Requests of
    // version 0-2 carry the record formats before 2, which naru does not store.
    {.key = 0, .name = "Produce", .served = between(0, 9), .flexible_since = 9, .usable_since = 3},
    // 4: the first with batch format 2, which librdkafka asks for by exactly this number.
    {.key = 1, .name = "Fetch", .served = between(4, 12), .flexible_since = 12},
    // 1: sarama and kafka-go; 0 answers many offsets per partition, from segment files.
    {.key = 2, .name = "ListOffsets", .served = between(1, 10), .flexible_since = 6},
    // 0: kafka-python 2.0.2 probes with it. 1 and 6 are what kafka-go's simple connection knows.
    {.key = 3, .name = "Metadata", .served = between(0, 12), .flexible_since = 9},
    // 1: librdkafka needs 1-2 to believe in balanced consumers; 0 kept offsets in ZooKeeper.
    {.key = 8, .name = "OffsetCommit", .served = between(1, 8), .flexible_since = 8},
    {.key = 9, .name = "OffsetFetch", .served = between(1, 8), .flexible_since = 6},
    // The group APIs from 0: librdkafka looks for exactly 0 in each of them, kafka-go joins with 1 or 2.
    {.key = 10, .name = "FindCoordinator", .served = between(0, 4), .flexible_since = 3},
    {.key = 11, .name = "JoinGroup", .served = between(0, 9), .flexible_since = 6},
    {.key = 12, .name = "Heartbeat", .served = between(0, 4), .flexible_since = 4},
    {.key = 13, .name = "LeaveGroup", .served = between(0, 5), .flexible_since = 4},
    {.key = 14, .name = "SyncGroup", .served = between(0, 5), .flexible_since = 4},
    {.key = 15, .name = "DescribeGroups", .served = between(0, 5), .flexible_since = 5},
    {.key = 16, .name = "ListGroups", .served = between(0, 5), .flexible_since = 3},
    {.key = 17, .name = "SaslHandshake", .served = between(0, 1), .flexible_since = never},
    // A version above is answered too, in the form of version 0 (KIP-511).
    {.key = 18, .name = "ApiVersions", .served = between(0, 4), .flexible_since = 3},
    // 0: kafka-go's simple connection creates and deletes with 0, sarama's older defaults create with 1.
    {.key = 19, .name = "CreateTopics", .served = between(0, 7), .flexible_since = 5},
    {.key = 20, .name = "DeleteTopics", .served = between(0, 6), .flexible_since = 4},
    {.key = 21, .name = "DeleteRecords", .served = between(0, 2), .flexible_since = 2},
    {.key = 22, .name = "InitProducerId", .served = between(0, 4), .flexible_since = 2},
    // librdkafka from 2.1 on sends 2 and nothing else, after every change of leader epoch.
    {.key = 23, .name = "OffsetForLeaderEpoch", .served = between(0, 4), .flexible_since = 4},
    {.key = 32, .name = "DescribeConfigs", .served = between(0, 4), .flexible_since = 4},
    {.key = 33, .name = "AlterConfigs", .served = between(0, 2), .flexible_since = 2},
    {.key = 35, .name = "DescribeLogDirs", .served = between(0, 4), .flexible_since = 2},
    {.key = 36, .name = "SaslAuthenticate", .served = between(0, 2), .flexible_since = 2},
    {.key = 37, .name = "CreatePartitions", .served = between(0, 3), .flexible_since = 2},
    {.key = 42, .name = "DeleteGroups", .served = between(0, 2), .flexible_since = 2},
    {.key = 44, .name = "IncrementalAlterConfigs", .served = between(0, 1), .flexible_since = 1},
    {.key = 47, .name = "OffsetDelete", .served = between(0, 0), .flexible_since = never},
    {.key = 60, .name = "DescribeCluster", .served = between(0, 1), .flexible_since = 0},
};
static_assert(std::ranges::is_sorted(apis, {}, &Api::key));

/// The row of a key, or null for a key that naru does not know.
constexpr const Api* find_api(int key) {
  auto row = std::ranges::find(apis, key, [](const Api& api) -> int { return api.key; });
  return row == std::end(apis) ? nullptr : row;
}
constexpr std::optional<Versions> served(int key) {
  const Api* api = find_api(key);
  return api ? std::optional(api->served) : std::nullopt;
}

/// A frame (without its size) split into header and body, in any version, also ones that are not served: whether
/// header.version may be used is for find_api(header.key)->accepts() to say. Of an unknown key only the header means
/// something.
Result<Request> decode_request(ByteView frame);

}  // namespace naru::kafka
