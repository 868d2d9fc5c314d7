#pragma once
// Who received messages: a connection, and the client that it is one of. A queue with the tag naru:lease lets no
// message become visible while whoever has it shows life; see leases.h.
#include <memory>
#include <string>

#include "io/loop.h"

namespace naru::sqs {

/// All connections of one access key and address, and token where one was given.
struct Client {
  io::Millis seen_at = 0;  // on the loop's clock: the last request on any of them
};

/// A connection. Made by Queues::connected, used on core 0 only.
struct Holder {
  std::shared_ptr<Client> client;
  /// The peer is the client itself and no proxy: that the connection is open is a sign of life.
  bool is_direct = true;
  bool is_open = true;
  io::Millis closed_at = 0;
  size_t leases = 0;  // messages that it has, of queues with leases
};
using HolderPtr = std::shared_ptr<Holder>;

}  // namespace naru::sqs
