#include "admin/session.h"

namespace naru::admin {

namespace {

// Definitions of a hundred thousand queues. What is larger than the small ones comes from somebody who has logged in.
constexpr size_t body_bytes_max = 16 * MiB, small_body_bytes = 64 * KiB;
constexpr io::Millis idle_ms = 30'000, head_ms = 10'000;
constexpr io::Millis body_ms = 60'000;  // and more for a large one:
constexpr size_t slowest_bytes_per_ms = 16;
constexpr io::Millis write_ms = 60'000;  // for a client to take its answer
constexpr size_t linger_bytes = 64 * MiB, linger_turn_bytes = 64 * KiB;
constexpr io::Millis linger_ms = 5'000;  // for a client that was refused to stop sending

/// Who sends requests without a pause gets one answered a turn, so that all the others of this core have theirs.
io::Task<> next_turn(io::Loop& loop) {
  io::Once<bool> come;
  loop.send([&come] { come.set(true); });
  co_await come;
}

}  // namespace

Session::Session(Core& core, std::unique_ptr<io::Stream> stream, const Pages& pages)
    : core_(core),
      stream_(std::move(stream)),
      pages_(pages),
      parser_({.body_bytes = body_bytes_max}),
      watchdog_(core_.loop, [this] { stream_->close(); }) {}

io::Task<> Session::run() {
  uint8_t buffer[4096];
  while (open_) {
    wait_for_client();
    auto n = co_await stream_->read(buffer);
    if (!n || *n == 0) break;
    co_await take_bytes(ByteView(buffer, *n));
  }
  waiting_since_ = core_.loop.now();
  watchdog_.arm(core_.loop.now() + write_ms);
  (void)co_await stream_->drained(0);
  if (refused_) co_await linger();
  stream_->close();
}

/// A request has its time to come, so that neither half of one nor none at all holds a place for ever.
void Session::wait_for_client() {
  io::Millis now = core_.loop.now();
  if (parser_.is_idle()) request_began_ = now;
  waiting_since_ = request_began_;
  const http::Request* head = parser_.awaiting_body();
  io::Millis allowed = parser_.is_idle() ? idle_ms : head_ms;
  if (head) allowed = body_ms + static_cast<io::Millis>(head->body.size() / slowest_bytes_per_ms);
  watchdog_.arm(request_began_ + allowed);
}

/// Answers each request that is whole by then.
io::Task<> Session::take_bytes(ByteView bytes) {
  while (open_ && !bytes.empty()) {
    if (parser_.is_idle()) request_began_ = core_.loop.now();
    auto used = parser_.feed(bytes);
    if (!used) {
      int status = used.error().code == Code::too_large ? 413 : 400;
      refuse(http::response(status, "text/plain", std::string(used.error().reason) + "\n", false));
      co_return;
    }
    bytes = bytes.subspan(*used);
    if (parser_.done()) {
      co_await serve();
    } else if (parser_.awaiting_body()) {
      co_await begin_body();
    }
  }
}

void Session::refuse(Bytes answer) {
  stream_->send(std::move(answer));
  open_ = false;
  refused_ = true;
}

/// Before a large body is taken: who sends it has to be known, and there has to be memory for it.
io::Task<> Session::begin_body() {
  if (std::exchange(body_begun_, true)) co_return;
  const http::Request& head = *parser_.awaiting_body();
  auto left = parser_.body_left();
  if (left && *left <= small_body_bytes) co_return say_continue(head);
  if (!head.target.starts_with("/api/"))
    co_return refuse(http::response(405, "text/plain; charset=utf-8", "only GET here\n", false));
  if (auto no = pages_.refusal(head, stream_->peer()))
    co_return refuse(
        http::response(no->status, no->content_type, no->body, /*keep_alive=*/false, http::Body::sent, no->headers));
  uint64_t bytes = left.value_or(body_bytes_max);
  watchdog_.cancel();
  co_await core_.budget.take(bytes);
  reserved_ = io::Reserved(core_.budget, bytes);
  request_began_ = core_.loop.now();
  say_continue(head);
}

void Session::say_continue(const http::Request& head) {
  if (!http::same_name(http::header(head, "expect"), "100-continue")) return;
  constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  stream_->send(Bytes(go_on.begin(), go_on.end()));
}

/// Answers the request that is whole. Who does not read its answers gets no more of them.
io::Task<> Session::serve() {
  constexpr uint64_t queued_max = 64 * KiB;
  watchdog_.cancel();
  waiting_since_ = io::never;
  http::Request request = parser_.take();
  open_ = request.keep_alive;
  Bytes out = co_await answer(std::move(request));
  stream_->send(std::move(out));
  reserved_ = {};
  body_begun_ = false;
  waiting_since_ = core_.loop.now();
  watchdog_.arm(waiting_since_ + write_ms);
  auto drained = co_await stream_->drained(queued_max);
  watchdog_.cancel();
  waiting_since_ = io::never;
  if (!drained) open_ = false;
  if (open_) co_await next_turn(core_.loop);
}

/// Who is refused in the middle of a request still sends. To close now would reset the connection, and could take the
/// answer away before it is read.
io::Task<> Session::linger() {
  watchdog_.arm(core_.loop.now() + linger_ms);
  uint8_t ignored[4096];
  size_t of_turn = 0;
  for (size_t left = linger_bytes; left > 0;) {
    auto n = co_await stream_->read(ignored);
    if (!n || *n == 0) break;
    left -= std::min(left, *n);
    of_turn += *n;
    if (of_turn < linger_turn_bytes) continue;
    of_turn = 0;
    co_await next_turn(core_.loop);
  }
}

io::Task<Bytes> Session::answer(http::Request request) {
  constexpr const char* plain = "text/plain; charset=utf-8";
  bool keep = request.keep_alive;
  http::Body body = request.method == "HEAD" ? http::Body::described : http::Body::sent;
  std::string path = request.target.substr(0, request.target.find('?'));
  if (path == "/api" || path.starts_with("/api/")) {
    auto answering = pages_.api(std::move(request), stream_->peer());
    http::Answer answer = co_await answering;
    co_return http::response(answer.status, answer.content_type, answer.body, keep, body, answer.headers);
  }
  if (request.method != "GET" && request.method != "HEAD")
    co_return http::response(405, plain, "only GET here\n", keep);
  if (path == "/health") {
    bool full = false;
    for (const auto& core : core_.broker.cores) {
      auto ask = [](Core& there) { return there.store.is_full(); };
      full |= co_await on(core_, *core, ask);
    }
    if (full) co_return http::response(503, plain, "disk full: writes are refused, reads go on\n", keep, body);
    co_return http::response(200, plain, "ok\n", keep, body);
  }
  if (path == "/metrics") {
    std::string text = co_await metrics(core_);
    text += pages_.metrics();
    co_return http::response(200, "text/plain; version=0.0.4; charset=utf-8", text, keep, body);
  }
  co_return http::response(404, plain, "there is /health, /metrics and /api/\n", keep, body);
}

}  // namespace naru::admin
