#pragma once
// One request on its way through an action.
#include "http/parser.h"
#include "sqs/door.h"
#include "sqs/holders.h"
#include "sqs/wire/json_reader.h"
#include "sqs/wire/query_reader.h"
#include "sqs/wire/writers.h"

namespace naru::sqs {

/// How a request came and is answered. query_json: as query, and the answer, which is otherwise the same as in XML, in
/// JSON: a GET with "Accept: application/json".
enum class Protocol : uint8_t { json, query, query_json };

/// What is answered; the session adds status line, length and date.
struct Response {
  int status = 200;
  std::string_view content_type{};
  std::string headers{};  // more of them, each with its line end
  std::string body{};
};

struct Call {
  Door& door;
  Protocol protocol = Protocol::json;
  std::string_view path{};  // of the request: may name a queue
  std::string_view body{};  // JSON
  Json json{};              // the same decoded; requests borrow it
  QueryParameters query{};  // else
  std::string request_id{};
  std::string_view host{};     // header Host
  std::string_view trace{};    // header X-Amzn-Trace-Id
  std::string user{};          // who signed; empty: nobody had to
  Holders* holders = nullptr;  // the connection's
  std::string_view token{};    // of the queue's URL
  std::string_view action{};

  /// While a receive waits: cancelled when the client goes.
  std::shared_ptr<Poll> poll{};
  bool is_gone = false;  // it is gone already
  /// What goes back there if the answer cannot be written.
  std::vector<Incoming> received{};
  QueuePtr received_from{};

  Response response{};
};

/// An action of the API: decodes the request, does it, encodes what comes of it.
struct Action {
  std::string_view name;
  io::Task<> (*run)(Call& call);
};
/// Null if there is none of that name.
const Action* find_action(std::string_view name);
std::span<const Action> all_actions();

void answer_refusal(Call& call, const Refusal& refusal);

// What actions use:

/// The queue that a request is about, by its QueueUrl or else by its path, if the caller may do this with it.
Reply<QueuePtr> find_queue(Call& call, const Text& url, Operation operation);
/// Nothing if the caller may.
std::optional<Refusal> access_refusal(const Call& call, Operation operation, std::string_view queue);
std::string queue_url(const Call& call, std::string_view name);
/// What the engine says, as the service says it; `receipt` where there is one.
Refusal refusal_of(Problem problem, std::string_view receipt = "");
/// A sequence number as clients see it, with 20 digits.
std::string sequence_text(uint64_t number);
/// Tags as they may be added to those that a queue has.
Reply<Tags> check_tags(const TextMap& given, const Tags& present, std::string_view queue);
/// Refuses what is nothing or empty.
Reply<std::string_view> required(const Text& given, std::string_view name);

namespace detail {

void begin_result(Call& call, bool has_result);
void end_result(Call& call, bool has_result);

/// A request has a few hundred at most; each takes much more memory than it does in the body.
inline constexpr size_t values_max = 10'000;

template <class M>
std::optional<Refusal> decode(Call& call, M& request) {
  if (call.protocol == Protocol::json) {
    auto json = parse_json(call.body, values_max);
    call.json = json ? std::move(*json) : Json();
    JsonReader reader(call.json);
    reader.read(request);
    if (!reader.ok()) return Refusal{ErrorCode::malformed_input, "The request is not well-formed JSON of this action."};
    return std::nullopt;
  }
  if (call.query.has_too_many()) return Refusal{ErrorCode::malformed_input, "The request has too many parameters."};
  QueryReader reader(call.query);
  reader.read(request);
  return reader.refusal();
}

template <class R>
void encode(Call& call, const R& result) {
  constexpr bool is_void = requires { typename R::is_void; };
  if (call.protocol == Protocol::json) {
    if constexpr (!is_void) JsonWriter(call.response.body).write(result);
    return;
  }
  begin_result(call, !is_void);
  if (call.protocol == Protocol::query) {
    XmlWriter(call.response.body).write(result);
  } else if constexpr (!is_void) {
    JsonWriter(call.response.body, JsonWriter::Maps::as_lists).write(result);
  }
  end_result(call, !is_void);
}

template <class R, class M, io::Task<Reply<R>> (*handle)(Call&, M&)>
io::Task<> run(Call& call) {
  M request;
  if (auto refusal = decode(call, request)) {
    answer_refusal(call, *refusal);
    co_return;
  }
  auto handling = handle(call, request);
  auto reply = co_await handling;
  if (reply) {
    encode(call, *reply);
    if constexpr (requires { reply->received; }) call.received = std::move(reply->received);
  } else {
    answer_refusal(call, reply.error());
  }
}

template <class R, class M>
struct HandlerOf {
  template <io::Task<Reply<R>> (*handle)(Call&, M&)>
  static constexpr auto run_it = run<R, M, handle>;
};
template <class R, class M>
constexpr HandlerOf<R, M> handler_of(io::Task<Reply<R>> (*)(Call&, M&)) {
  return {};
}

}  // namespace detail

/// const Action send = action<handle_send>("SendMessage");
template <auto handle>
constexpr Action action(std::string_view name) {
  return {name, decltype(detail::handler_of(handle))::template run_it<handle>};
}

// One table per file of src/sqs/actions/.
std::span<const Action> queue_actions();
std::span<const Action> attribute_actions();
std::span<const Action> tag_actions();
std::span<const Action> permission_actions();
std::span<const Action> send_actions();
std::span<const Action> receive_actions();
std::span<const Action> receipt_actions();
std::span<const Action> move_task_actions();

}  // namespace naru::sqs
