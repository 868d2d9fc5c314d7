#include "admin/session.h"

namespace naru::admin {

namespace {

constexpr size_t body_bytes_max = 16 * MiB;  // definitions of thousands of queues

}  // namespace

io::Task<> Session::run() {
  http::Parser parser({.body_bytes = body_bytes_max});
  uint8_t buffer[4096];
  bool open = true;
  while (open) {
    auto n = co_await stream_->read(buffer);
    if (!n || *n == 0) break;
    for (ByteView rest(buffer, *n); !rest.empty() && open;) {
      auto used = parser.feed(rest);
      if (!used) {
        int status = used.error().code == Code::too_large ? 413 : 400;
        stream_->send(http::response(status, "text/plain", std::string(used.error().reason) + "\n", false));
        open = false;
        break;
      }
      rest = rest.subspan(*used);
      if (!parser.done()) continue;
      http::Request request = parser.take();
      open = request.keep_alive;
      Bytes out = co_await answer(std::move(request));
      stream_->send(std::move(out));
    }
  }
  (void)co_await stream_->drained(0);
  stream_->close();
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
