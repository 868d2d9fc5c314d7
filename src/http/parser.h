#pragma once
// HTTP/1.1 requests out of bytes, and responses into bytes; no I/O. The parsing is Boost.Beast's, in parser.cc alone.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace naru::http {

struct Request {
  std::string method, target;  // "GET", "/metrics?x=1"
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool keep_alive = true;
};

/// One connection's requests, one after the other.
class Parser {
 public:
  struct Limits {
    size_t header_bytes = 16 * KiB;
    size_t body_bytes = 1 * MiB;
  };
  explicit Parser(Limits limits);
  ~Parser();

  /// Takes some of `bytes` and says how many; done() tells when a request is whole. Errors: Code::invalid (answer 400),
  /// Code::too_large (413), and the connection ends.
  Result<size_t> feed(ByteView bytes);
  bool done() const;
  /// The request, once done; makes room for the next.
  Request take();

 private:
  struct Impl;
  Limits limits_;
  std::unique_ptr<Impl> impl_;
};

/// A whole response with Content-Length.
Bytes response(int status, std::string_view content_type, std::string_view body, bool keep_alive);

}  // namespace naru::http
