#pragma once
// Who received messages: a connection and what it stands for. A queue with the tag naru:lease lets no message of a
// holder become visible that shows life; see leases.h.
#include <memory>
#include <string>

#include "io/loop.h"

namespace naru::sqs {

/// One per connection, made with it by the session; used on core 0 only.
struct Holder {
  /// Access key and address, and a token where one was given: any request with the same is a sign of life of all its
  /// connections.
  std::string identity{};
  /// The peer is the client itself and no proxy: an open connection is a sign of life.
  bool is_direct = true;
  bool is_open = true;
  io::Millis seen_at = 0;  // on the loop's clock: the last request, or when the connection closed
};
using HolderPtr = std::shared_ptr<Holder>;

}  // namespace naru::sqs
