// The requests that the load generator sends, with the version it sends them in, and their answers.
// Versions are the newest without compact encodings, so naru and Kafka 2.1 to 4.x accept all of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire.h"

namespace naru::load {

struct Api {
  int16_t key;
  int16_t version;
  const char* name;
};
inline constexpr Api produce_api{0, 7, "Produce"};
inline constexpr Api fetch_api{1, 11, "Fetch"};
inline constexpr Api list_offsets_api{2, 5, "ListOffsets"};
inline constexpr Api metadata_api{3, 4, "Metadata"};
inline constexpr Api api_versions_api{18, 0, "ApiVersions"};
inline constexpr Api create_topics_api{19, 4, "CreateTopics"};
inline constexpr Api delete_topics_api{20, 3, "DeleteTopics"};

/// Bytes before the correlation id: the frame's length, the key and the version.
inline constexpr size_t correlation_at = 8;

/// Starts a frame; the length is filled in by `finish`.
Writer begin(const Api& api);

/// A whole frame; `trailing` more bytes follow it that are not in the writer (a shared record batch).
std::string finish(Writer writer, size_t trailing = 0);

struct ProducedPartition {
  int32_t partition;
  int16_t error;
};
/// A Produce request for one batch of `batch_bytes`, up to where the batch itself begins.
std::string produce_head(std::string_view topic, int32_t partition, int16_t acks, size_t batch_bytes);
/// The answer to a request with one batch. `answer` begins after the correlation id, here and below.
ProducedPartition produced(std::string_view answer);

struct FetchPosition {
  int32_t partition;
  int64_t offset;
};
struct FetchLimits {
  int32_t wait_ms;
  int32_t bytes_min;
  int32_t bytes_max;
  int32_t partition_bytes_max;
};
std::string fetch_request(std::string_view topic, const std::vector<FetchPosition>& positions,
                          const FetchLimits& limits);

struct FetchedPartition {
  int32_t partition;
  int16_t error;
  int64_t high_watermark;
  int64_t log_start;
  std::string_view records;  // whole batches, the last one perhaps cut short
};
struct Fetched {
  int16_t error;
  std::vector<FetchedPartition> partitions;
};
/// Reuses `into`, because a fetch answer arrives tens of thousands of times a second.
void fetched(std::string_view answer, Fetched& into);

const char* error_name(int16_t error);

}  // namespace naru::load
