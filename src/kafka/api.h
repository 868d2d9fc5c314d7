#pragma once
// What a handler gets and gives, and the table of handlers. A file in api/ has one API: its versions and behaviour, the
// handler, and `extern const Handler` that api.cc lists.
#include "broker/core.h"
#include "kafka/api_versions.h"
#include "kafka/wire.h"

namespace naru::kafka {

/// The connection that a request came over, as far as handlers care.
struct Peer {
  uint64_t id = 0;              // names this connection for ever; GroupCaller
  std::string host;             // "/127.0.0.1", as Kafka prints a member's host
  std::string advertised_host;  // what this client is told to connect to
  uint16_t advertised_port = 0;
  /// It has ended its side: nobody will read what it waits for.
  bool gone = false;
  /// Of a request that waits for something else than a group: woken when the peer goes.
  mutable std::weak_ptr<io::Wakeup> waiting = {};
};

/// All a handler works on. `core` is the core of the connection: what belongs to others is reached by on().
struct Context {
  Core& core;
  const Peer& peer;
  RequestHeader header;
  std::string_view client_id() const { return header.client_id.value_or(""); }
  int16_t version() const { return header.version; }
};

struct Reply {
  Frame frame;                        // empty: no answer at all (acks=0)
  std::vector<io::FileRange> slices;  // what frame.splices refer to
  bool close = false;                 // and then end the connection, as Kafka does for what it cannot answer
};

/// Runs a request. `body` stays where it is until the task is done, except for Produce: there until it first suspends.
using Handle = io::Task<Reply> (*)(Context on, ByteView body);
struct Handler {
  int16_t key;
  Handle handle;
};

/// The handler of a key; null for what naru does not serve.
const Handler* find_handler(int key);
/// The keys that are advertised, ascending: served and handled.
std::vector<const Api*> advertised();

/// Wraps a function on messages, `io::Task<Response> f(Context&, const Request&)`. A body that does not decode closes
/// the connection.
template <class Request, class Response, io::Task<Response> (*F)(Context&, const Request&)>
io::Task<Reply> handle_with(Context on, ByteView body) {
  auto request = decode<Request>(body, on.version());
  Reply reply;
  if (!request) {
    reply.close = true;
    co_return reply;
  }
  Response response = co_await F(on, *request);
  reply.frame = encode_response(on.header, response);
  co_return reply;
}

}  // namespace naru::kafka
