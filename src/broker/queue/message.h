#pragma once
// Messages as queues take and give them. Both forms borrow what they show.
#include <optional>
#include <span>

#include "broker/queue/record_window.h"

namespace naru {

/// A message on its way into queues. Borrows everything until publish returns.
struct NewMessage {
  std::optional<ByteView> key{};
  ByteView body{};
  std::span<const Header> headers{};
  uint8_t priority = 0;
  std::optional<int64_t> ttl_ms{};      // the message's own; the queue's may be shorter
  std::optional<int64_t> delayed_to{};  // not handed out before; ms since 1970
  std::optional<int64_t> timestamp{};   // of a message that was published before, elsewhere
};

/// Names a message of one queue while it is there.
struct MessageId {
  uint8_t level = 0;
  Offset offset{};
  uint32_t body_bytes = 0;
  bool is_copy = false;  // it stays where it is: settling or requeueing it means nothing to the queue
  uint16_t tenant = 0;   // whose the level was then: of queues over topics that come and go
};

/// Where somebody who reads a log begins.
struct ReadStart {
  enum class Kind : uint8_t { first, last /* batch */, next, offset, time };
  Kind kind = Kind::next;
  int64_t value = 0;  // of offset; of time, ms since 1970
};

/// A message on its way out. Borrows the queue's memory until the call that gave it returns.
struct Delivery {
  MessageId id;
  uint32_t attempt = 1;  // how often it was handed out by now, as far as is known
  bool redelivered = false;
  const StoredRecord& record;
};

}  // namespace naru
