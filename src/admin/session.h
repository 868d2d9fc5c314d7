#pragma once
// The admin port: GET /health and GET /metrics (Prometheus' text format), and whatever pages the server adds.
#include <functional>

#include "broker/core.h"
#include "http/parser.h"
#include "io/net.h"

namespace naru::admin {

/// What the layers above add.
struct Pages {
  /// Answers requests for /api/...; `peer` is the address of who asks.
  std::function<io::Task<http::Answer>(http::Request request, std::string peer)> api;
  /// Why the body of a request for /api/... is not even taken; nothing if it may come.
  std::function<std::optional<http::Answer>(const http::Request& head, const std::string& peer)> refusal;
  /// More lines of /metrics.
  std::function<std::string()> metrics;
};

class Session {
 public:
  /// `pages` outlives the session.
  Session(Core& core, std::unique_ptr<io::Stream> stream, const Pages& pages);
  /// Serves until the connection ends; the session may be destroyed then.
  io::Task<> run();
  void close() { stream_->close(); }
  /// Since when it has been waiting for its client to say something; io::never while it is at work.
  io::Millis waiting_since() const { return waiting_since_; }

 private:
  void wait_for_client();
  io::Task<> take_bytes(ByteView bytes);
  io::Task<> begin_body();
  void say_continue(const http::Request& head);
  void refuse(Bytes answer);
  io::Task<> serve();
  io::Task<Bytes> answer(http::Request request);
  io::Task<> linger();

  Core& core_;
  std::unique_ptr<io::Stream> stream_;
  const Pages& pages_;
  http::Parser parser_;
  io::Reserved reserved_;  // memory for a large body
  bool open_ = true, body_begun_ = false;
  bool refused_ = false;  // in the middle of a request
  io::Millis request_began_ = 0, waiting_since_ = io::never;
  io::Timer watchdog_;
};

/// Everything that is counted, from all cores.
io::Task<std::string> metrics(Core& core);

}  // namespace naru::admin
