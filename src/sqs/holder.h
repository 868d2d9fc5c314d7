#pragma once
<<<<<<< HEAD
// Who received messages: a connection and what it stands for. A queue with the tag naru:lease lets no message of a
// holder become visible that shows life; see leases.h.
=======
// Who received messages: a connection, and the client that it is one of. A queue with the tag naru:lease lets no
// message become visible while whoever has it shows life; see leases.h.
>>>>>>> b6407cf (SQS: the engine. Queues with visibility, delays and long polls over the broker's own, FIFO groups with deduplication, dead letters and their way back, fair shares, leases; what was taken is noted in the journal)
#include <memory>
#include <string>

#include "io/loop.h"

namespace naru::sqs {

<<<<<<< HEAD
/// One per connection, made with it by the session; used on core 0 only.
struct Holder {
  /// Access key and address, and a token where one was given: any request with the same is a sign of life of all its
  /// connections.
  std::string identity{};
  /// The peer is the client itself and no proxy: an open connection is a sign of life.
  bool is_direct = true;
  bool is_open = true;
  io::Millis seen_at = 0;  // on the loop's clock: the last request, or when the connection closed
=======
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
>>>>>>> b6407cf (SQS: the engine. Queues with visibility, delays and long polls over the broker's own, FIFO groups with deduplication, dead letters and their way back, fair shares, leases; what was taken is noted in the journal)
};
using HolderPtr = std::shared_ptr<Holder>;

}  // namespace naru::sqs
