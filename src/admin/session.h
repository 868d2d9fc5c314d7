#pragma once
// The admin port: GET /health and GET /metrics (Prometheus' text format).
#include "broker/core.h"
#include "http/parser.h"
#include "io/net.h"

namespace naru::admin {

class Session {
 public:
  Session(Core& core, std::unique_ptr<io::Stream> stream) : core_(core), stream_(std::move(stream)) {}
  /// Serves until the connection ends; the session may be destroyed then.
  io::Task<> run();
  void close() { stream_->close(); }

 private:
  io::Task<Bytes> answer(http::Request request);

  Core& core_;
  std::unique_ptr<io::Stream> stream_;
};

/// Everything that is counted, from all cores.
io::Task<std::string> metrics(Core& core);

}  // namespace naru::admin
