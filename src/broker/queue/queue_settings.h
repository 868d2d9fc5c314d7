#pragma once
// What a queue does with its messages, whatever protocol it was made by. Derived from its arguments and the policies
// that match its name.
#include <cstdint>
#include <optional>
#include <string>

#include "log/log.h"

namespace naru {

/// What happens to a message that a full queue has no room for.
enum class Overflow : uint8_t {
  drop_head,           // the oldest message makes room, as a dead letter if there is a place for these
  reject_publish,      // the new one is refused
  reject_publish_dlx,  // the new one is refused, and becomes a dead letter
};

/// Why a message left its queue without having been processed.
enum class Death : uint8_t { rejected, expired, maxlen, delivery_limit };

struct QueueSettings {
  Durability durability = Durability::sync;
  std::optional<int64_t> message_ttl_ms{};  // from when it was published
  std::optional<int64_t> max_length{};      // ready messages
  std::optional<int64_t> max_bytes{};       // of their bodies
  Overflow overflow = Overflow::drop_head;
  std::optional<std::string> dead_letter_exchange{}, dead_letter_key{};
  uint8_t max_priority = 0;  // 0: no priorities
  bool single_active_consumer = false;
  bool counts_deliveries = false;            // consumers are told how often a message came back
  std::optional<uint32_t> delivery_limit{};  // how often a message may be given back
};

}  // namespace naru
