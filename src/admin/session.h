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
  /// More lines of /metrics.
  std::function<std::string()> metrics;
};

class Session {
 public:
  /// `pages` outlives the session.
  Session(Core& core, std::unique_ptr<io::Stream> stream, const Pages& pages)
      : core_(core), stream_(std::move(stream)), pages_(pages) {}
  /// Serves until the connection ends; the session may be destroyed then.
  io::Task<> run();
  void close() { stream_->close(); }

 private:
  io::Task<Bytes> answer(http::Request request);

  Core& core_;
  std::unique_ptr<io::Stream> stream_;
  const Pages& pages_;
};

/// Everything that is counted, from all cores.
io::Task<std::string> metrics(Core& core);

}  // namespace naru::admin
