#pragma once
// Requests to the management API of a broker that runs.
#include "base/json.h"
#include "io/net.h"

namespace naru::ctl {

struct Target {
  io::Endpoint admin{"127.0.0.1", 15672};
  std::string user = "guest", password = "guest";
  int64_t timeout_ms = 60'000;  // for an answer to come; 0: for ever
};

struct Response {
  int status = 0;
  Json body;
  bool ok() const { return status >= 200 && status < 300; }
  /// Why not, as the broker says it.
  std::string reason() const;
};

/// `path` is below /api. What is in the way (nobody listens, no answer) is an error; what the broker refuses a
/// Response.
Result<Response> request(const Target& target, std::string_view method, std::string_view path, const Json& body = {},
                         std::string_view reason = "");

}  // namespace naru::ctl
