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
  /// Of the request that was decoded last, as counted in the budget.
  mutable uint64_t work_bytes = 0;
};

/// All a handler works on. `core` is the core of the connection: what belongs to others is reached by on().
struct Context {
  Core& core;
  const Peer& peer;
  RequestHeader header;
  /// Of Produce: woken when nothing refers to the body any more; the connection goes on with its next request then.
  io::Wakeup* body_done = nullptr;
  std::string_view client_id() const { return header.client_id.value_or(""); }
  int16_t version() const { return header.version; }
};

struct Reply {
  Frame frame;                        // empty: no answer at all (acks=0)
  std::vector<io::FileRange> slices;  // what frame.splices refer to
  bool close = false;                 // and then end the connection, as Kafka does for what it cannot answer
};

/// Runs a request. `body` stays where it is until the task is done, or says so before (Context::body_done).
using Handle = io::Task<Reply> (*)(Context on, ByteView body);
struct Handler {
  int16_t key;
  Handle handle;
  bool long_answer = false;  // whatever the size of the request: it waits while memory is overdrawn
};

/// The handler of a key; null for what naru does not serve.
const Handler* find_handler(int key);
/// The keys that are advertised, ascending: served and handled.
std::vector<const Api*> advertised();

/// A request's message. Its memory and that of its answer are counted in the core's budget for as long as this lives.
template <class Request>
struct Decoded {
  Request message;
  io::Reserved memory;
  const Request* operator->() const { return &message; }
};

/// What is made for a request, at most, for each byte of its message: the parts that work on it, the answer as structs
/// and as bytes. A message may be as large as makes that the whole budget of a core.
inline constexpr size_t work_factor = 4;
/// Less than this is not counted, except for what many clients wait with all the time.
inline constexpr size_t uncounted_work_bytes = 64 * KiB;

/// Says in the broker's log why a request ends its connection, where its user can do something about it.
void note_refused(const Context& on, const Error& why);

/// The largest request that is read. With its size it has to fit into the budget of its core: a session that alone
/// holds more than that would wait for itself.
inline size_t frame_bytes_max(const io::Budget& budget) {
  constexpr size_t limit = 100 * MiB;  // Kafka's socket.request.max.bytes
  return std::min<size_t>(limit, budget.total() - sizeof(int32_t));
}

/// Decodes a body. Nothing if it is malformed, or larger than the core can work on: the connection has to end then, as
/// Kafka ends it.
template <class Request>
std::optional<Decoded<Request>> decode_counted(const Context& on, ByteView body,
                                               size_t uncounted_bytes = uncounted_work_bytes) {
  io::Budget& budget = on.core.budget;
  size_t used = 0, most = std::min<size_t>(decoded_bytes_max, budget.total() / work_factor);
  auto message = decode<Request>(body, on.version(), most, &used);
  if (!message) {
    note_refused(on, message.error());
    return std::nullopt;
  }
  size_t work = used * work_factor;
  on.peer.work_bytes = work <= uncounted_bytes ? 0 : work;
  if (work <= uncounted_bytes) return Decoded<Request>{std::move(*message), {}};
  budget.overdraw(work);
  return Decoded<Request>{std::move(*message), io::Reserved(budget, work)};
}

/// Wraps a function on messages, `io::Task<Response> f(Context&, const Request&)`. A body that does not decode closes
/// the connection.
template <class Request, class Response, io::Task<Response> (*F)(Context&, const Request&)>
io::Task<Reply> handle_with(Context on, ByteView body) {
  auto request = decode_counted<Request>(on, body);
  Reply reply;
  if (!request) {
    reply.close = true;
    co_return reply;
  }
  Response response = co_await F(on, request->message);
  reply.frame = encode_response(on.header, response);
  co_return reply;
}

}  // namespace naru::kafka
