#pragma once
// What a channel in transaction mode has been told and not yet to commit: AMQP 0-9-1, 1.9; rabbitmq.md 2.14.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amqp/unsettled.h"

namespace naru::amqp {

/// What becomes of a message that was handed out: settled, given back, rejected.
using Settlement = void (*)(Queue&, const MessageId&);

struct Transaction {
  /// A message, with the queues that it had a way to when it was published.
  struct Publish {
    std::string exchange, routing_key;
    Bytes properties, body;
    bool mandatory = false, has_bcc = false;
    std::vector<std::shared_ptr<Queue>> queues{};
    uint64_t bytes() const {
      return sizeof(Publish) + exchange.size() + routing_key.size() + properties.size() + body.size() +
             queues.size() * sizeof(queues[0]);
    }
  };
  struct Settled {
    uint64_t tag;
    Settlement how;
    Unacked message;
  };
  std::vector<Publish> published;
  std::vector<Settled> settled;
  uint64_t bytes = 0;
};

}  // namespace naru::amqp
