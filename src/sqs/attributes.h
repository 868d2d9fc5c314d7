#pragma once
// What a queue of SQS is told to be. A row of the meta store per queue; a queue that AMQP declared has none and these
// defaults, until somebody sets one.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace naru::sqs {

/// Where messages go that were received too often.
struct Redrive {
  std::string target;         // name of the dead-letter queue
  uint32_t receives_max = 1;  // a receive beyond this moves the message instead
  bool operator==(const Redrive&) const = default;
};

/// Checked by the wire: ranges, and that FIFO's own are only on FIFO queues. Times in seconds.
struct Attributes {
  int32_t delay = 0, message_bytes_max = 1'048'576, retention = 345'600, wait = 0, visibility = 30;
  bool is_fifo = false;  // never changes
  bool content_based_deduplication = false;
  bool deduplicate_per_group = false;  // DeduplicationScope=messageGroup
  std::optional<Redrive> redrive{};
  /// Texts as they were given, by the name that SQS has for them: RedrivePolicy, RedriveAllowPolicy, Policy,
  /// FifoThroughputLimit, KmsMasterKeyId and so on. For the wire alone; the engine keeps and returns them.
  std::map<std::string, std::string, std::less<>> texts{};
  bool operator==(const Attributes&) const = default;
};

using Tags = std::map<std::string, std::string, std::less<>>;

}  // namespace naru::sqs
