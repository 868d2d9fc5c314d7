#include "sqs/session.h"

#include "io/logger.h"

namespace naru::sqs {
namespace {

// A batch of messages, all of whose bytes are escaped in JSON or base64 in a form.
constexpr size_t body_bytes_max = 8 * MiB, small_body_bytes = 64 * KiB;
constexpr io::Millis request_ms = 60'000;  // for a whole request to come, and more for a large one:
constexpr size_t slowest_bytes_per_ms = 16;
constexpr io::Millis write_ms = 60'000;  // for a client to take its answer
constexpr size_t linger_bytes = 1 * MiB;
constexpr io::Millis linger_ms = 2'000;  // for a client that was refused to stop sending

std::string_view content_type(Protocol protocol) {
  switch (protocol) {
    case Protocol::json: return "application/x-amz-json-1.0";
    case Protocol::query: return "text/xml";
    case Protocol::query_json: return "application/json";
  }
  return "";
}

std::string host_of(const std::string& peer) { return peer.substr(0, peer.rfind(':')); }

std::span<char> writable(std::string& text) { return {text.data(), text.size()}; }

/// The access key that a signature claims, checked or not.
std::string_view claimed_key(std::string_view authorization) {
  constexpr std::string_view mark = "Credential=";
  size_t at = authorization.find(mark);
  if (at == authorization.npos) return {};
  authorization.remove_prefix(at + mark.size());
  return authorization.substr(0, authorization.find('/'));
}

/// What headers say, beside what goes into the call.
struct Said {
  std::string_view target, access_key;
  bool behind_proxy = false;
};

/// Finds out from headers in which protocol a request came, and what for.
void read_headers(const http::Request& request, Call& call, Said& said) {
  for (const auto& [name, value] : request.headers) {
    switch (name.size()) {
      case 3: said.behind_proxy |= http::same_name(name, "via"); break;
      case 4:
        if (http::same_name(name, "host")) call.host = value;
        break;
      case 6:
        if (http::same_name(name, "accept") && value == "application/json" && call.protocol == Protocol::query)
          call.protocol = Protocol::query_json;
        break;
      case 12:
        if (http::same_name(name, "x-amz-target")) said.target = value, call.protocol = Protocol::json;
        if (http::same_name(name, "content-type") && value.starts_with("application/x-amz-json"))
          call.protocol = Protocol::json;
        break;
      case 13:
        if (http::same_name(name, "authorization")) said.access_key = claimed_key(value);
        break;
      case 15:
        if (http::same_name(name, "x-amzn-trace-id")) call.trace = value;
        said.behind_proxy |= http::same_name(name, "x-forwarded-for");
        break;
    }
  }
}

}  // namespace

Session::Session(Door& door, std::unique_ptr<io::Stream> stream)
    : door_(door),
      core_(door.core),
      stream_(std::move(stream)),
      from_loopback_(io::is_loopback(stream_->peer())),
      parser_({.body_bytes = body_bytes_max}),
      holders_(door.queues, host_of(stream_->peer())),
      watchdog_(core_.loop, [this] { stream_->close(); }) {
  door_.sessions.insert(this);
  stream_->on_end([this] { peer_gone(); });
}

Session::~Session() { door_.sessions.erase(this); }

void Session::peer_gone() {
  peer_gone_ = true;
  if (call_ && call_->poll) call_->poll->cancel();
}

void Session::stop() {
  stopping_ = true;
  if (!busy_) return stream_->close();
  if (call_ && call_->poll) call_->poll->cancel();
}

io::Task<> Session::run() {
  while (keep_alive_) {
    bool more = co_await read_more();
    if (!more) break;
  }
  watchdog_.arm(core_.loop.now() + write_ms);
  (void)co_await stream_->drained(0);
  if (refused_) co_await linger();
  stream_->close();
}

/// Who is refused in the middle of a request still sends. To close now would reset the connection, and could take the
/// answer away before it is read.
io::Task<> Session::linger() {
  watchdog_.arm(core_.loop.now() + linger_ms);
  uint8_t ignored[4096];
  for (size_t left = linger_bytes; left > 0;) {
    auto n = co_await stream_->read(ignored);
    if (!n || *n == 0) break;
    left -= std::min(left, *n);
  }
}

/// Reads once, and serves each request that is whole by then. False when the connection has to end.
io::Task<bool> Session::read_more() {
  co_await stream_->readable();
  io::PooledBuffer buffer = door_.buffers.take_for_reading(core_.budget.total() / 2);
  auto n = co_await stream_->read(buffer.all());
  if (!n || *n == 0) {
    door_.buffers.give(std::move(buffer));
    co_return false;
  }
  core_.counters.bytes_in += *n;
  bool going_on = co_await take_bytes(ByteView(buffer.data(), *n));
  // Nearly always the bytes are one request, and the buffer is not needed while it waits.
  door_.buffers.give(std::move(buffer));
  while (going_on && parser_.done()) {
    busy_ = true;
    going_on = co_await serve();
    busy_ = false;
    if (!going_on || unread_.empty()) break;
    std::string rest = std::exchange(unread_, {});
    going_on = co_await take_bytes(view(rest));
  }
  co_return going_on && !stopping_;
}

/// Up to the end of a request; what is behind it is kept.
io::Task<bool> Session::take_bytes(ByteView bytes) {
  if (parser_.is_idle()) request_began_ = core_.loop.now();
  auto used = parser_.feed(bytes);
  if (!used) {
    bool too_large = used.error().code == Code::too_large;
    Response response{.status = too_large ? 413 : 400, .content_type = "text/plain"};
    response.body = std::string(used.error().reason) + "\n";
    keep_alive_ = false;
    refused_ = true;
    send(std::move(response), new_request_id());
    co_return false;
  }
  if (*used < bytes.size()) unread_.append(naru::text(bytes.subspan(*used)));
  if (parser_.done()) {
    watchdog_.cancel();
    co_return true;
  }
  watch();
  if (!parser_.awaiting_body()) co_return true;
  co_await make_room();
  say_continue();
  co_return true;
}

/// A request has its time to come, so that half of one holds nothing for ever.
void Session::watch() {
  const http::Request* head = parser_.awaiting_body();
  size_t bytes = head ? head->body.size() : 0;
  watchdog_.arm(request_began_ + request_ms + static_cast<io::Millis>(bytes / slowest_bytes_per_ms));
}

/// Large bodies share the memory that there is.
io::Task<> Session::make_room() {
  if (reserved_.any()) co_return;
  auto left = parser_.body_left();
  if (left && *left <= small_body_bytes) co_return;
  if (!left && parser_.awaiting_body()->body.size() <= small_body_bytes) co_return;
  uint64_t bytes = left.value_or(body_bytes_max);
  watchdog_.cancel();
  co_await core_.budget.take(bytes);
  reserved_ = io::Reserved(core_.budget, bytes);
  request_began_ = core_.loop.now();
  watch();
}

void Session::say_continue() {
  const http::Request* head = parser_.awaiting_body();
  if (told_to_continue_ || !head->body.empty()) return;
  for (const auto& [name, value] : head->headers) {
    if (name.size() != 6 || !http::same_name(name, "expect") || !http::same_name(value, "100-continue")) continue;
    constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    stream_->send(Bytes(go_on.begin(), go_on.end()));
    told_to_continue_ = true;
  }
}

std::string Session::new_request_id() { return to_hex_text(core_.random.uuid()); }

/// Answers the request that is whole. False when the connection has to end.
io::Task<bool> Session::serve() {
  request_ = parser_.take();
  told_to_continue_ = false;
  keep_alive_ = request_.keep_alive && !stopping_ && !door_.stopping;
  ++door_.counters.requests;
  Call call{.door = door_};
  call.protocol = Protocol::query;
  call.request_id = new_request_id();
  call.holders = &holders_;
  call.is_gone = peer_gone_;
  call_ = &call;
  co_await perform(call);
  call_ = nullptr;
  if (stopping_) keep_alive_ = false;
  if (call.response.status >= 500) ++door_.counters.failed;
  if (call.response.status >= 400) ++door_.counters.refused;
  call.response.content_type = content_type(call.protocol);
  if (request_.method == "HEAD") call.response.body.clear();
  send(std::move(call.response), call.request_id);
  bool taken = co_await written(call);
  request_ = {};
  reserved_ = {};
  co_return taken&& keep_alive_;
}

/// Messages that a client did not get are there for others at once. Who does not read its answers gets no more of them.
io::Task<bool> Session::written(Call& call) {
  constexpr uint64_t queued_max = 64 * KiB;
  if (call.received.empty() && stream_->queued() <= queued_max) co_return true;
  watchdog_.arm(core_.loop.now() + write_ms);
  auto drained = co_await stream_->drained(0);
  watchdog_.cancel();
  if (drained) co_return true;
  if (!call.received.empty()) call.received_from->give_back(call.received);
  co_return false;
}

io::Task<> Session::perform(Call& call) {
  Said said;
  read_headers(request_, call, said);
  std::string_view target = said.target;
  std::string_view whole = request_.target;
  size_t question = std::min(whole.find('?'), whole.size());
  std::string path = http::unescape(whole.substr(0, question));
  call.path = path;
  auto admitted = admit(call);
  if (!admitted) {
    answer_refusal(call, admitted.error());
    co_return;
  }
  holders_.seen(call.user.empty() ? said.access_key : call.user, !said.behind_proxy);
  std::string query(whole.substr(std::min(question + 1, whole.size())));
  if (call.protocol == Protocol::json) {
    call.body = request_.body;
    size_t dot = target.rfind('.');
    call.action = target.starts_with("AmazonSQS.") ? target.substr(dot + 1) : std::string_view();
  } else {
    call.query.add(writable(query));
    call.query.add(writable(request_.body));
    call.query.sort();
    call.action = call.query.find("Action").value_or("");
  }
  const Action* action = find_action(call.action);
  if (!action) {
    bool none = call.action.empty() && call.protocol != Protocol::json;
    Refusal refusal{none ? ErrorCode::no_operation : ErrorCode::unknown_operation, ""};
    if (call.protocol != Protocol::json)
      refusal.message = "The action " + std::string(call.action) + " is not valid for this endpoint.";
    answer_refusal(call, refusal);
    co_return;
  }
  call.action = action->name;
  ++door_.requests_by_action[action->name];
  auto running = action->run(call);
  co_await running;
}

/// Finds out who asks.
Reply<void> Session::admit(Call& call) {
  Signing signing = door_.settings.signing;
  bool free = signing == Signing::off || (signing == Signing::automatic && from_loopback_ && !door_.has_secrets());
  if (free) return {};
  auto secret_of = [this](std::string_view name) -> const std::string* {
    if (name == "guest" && !from_loopback_) return nullptr;
    const User* user = door_.users.find(name);
    return user && !user->access_secret.empty() ? &user->access_secret : nullptr;
  };
  auto verified = verify(request_, secret_of, door_.signing_keys, core_.loop.wall() / 1000);
  if (!verified) {
    io::log(io::Level::info, "SQS request refused",
            {{"peer", stream_->peer()}, {"reason", std::string(names(verified.error().code).query)}});
    return std::unexpected(std::move(verified.error()));
  }
  call.user = std::move(*verified);
  return {};
}

void Session::send(Response response, std::string_view request_id) {
  std::string head;
  head.reserve(256 + response.headers.size());
  head.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(http::reason(response.status));
  head.append("\r\nx-amzn-RequestId: ").append(request_id);
  head.append("\r\nDate: ").append(door_.date.at(core_.loop.wall()));
  head.append("\r\nContent-Type: ").append(response.content_type);
  head.append("\r\nContent-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  head.append(response.headers).append(keep_alive_ ? "\r\n" : "Connection: close\r\n\r\n");
  Bytes out;
  out.reserve(head.size() + response.body.size());
  append(out, view(head));
  append(out, view(response.body));
  core_.counters.bytes_out += out.size();
  stream_->send(std::move(out));
}

}  // namespace naru::sqs
