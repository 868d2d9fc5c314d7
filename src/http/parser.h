#pragma once
// HTTP/1.1 requests out of bytes, and responses into bytes; no I/O.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace naru::http {

struct Request {
  std::string method, target;  // "GET", "/metrics?x=1"
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  bool keep_alive = true;
};

/// One connection's requests, one after the other. Heads are Boost.Beast's to understand; bodies come by Content-Length
/// or in chunks, whose extensions and trailers are read over.
class Parser {
 public:
  struct Limits {
    size_t header_bytes = 16 * KiB;
    size_t body_bytes = 1 * MiB;
  };
  explicit Parser(Limits limits) : limits_(limits) {}

  /// Takes all of `bytes` up to the end of the request and says how many that were; done() tells whether it is whole.
  /// What comes of it does not depend on how the bytes are cut. Errors: Code::invalid (answer 400), Code::too_large
  /// (413), and the connection ends.
  Result<size_t> feed(ByteView bytes);
  bool done() const { return stage_ == Stage::done; }
  /// The request without its body, while that is still to come; null else. A client that sent "Expect: 100-continue"
  /// waits for a word then.
  const Request* awaiting_body() const { return stage_ == Stage::head || done() ? nullptr : &request_; }
  /// Bytes that are to come of a body of known length; nothing of one in chunks.
  std::optional<uint64_t> body_left() const {
    return stage_ == Stage::body ? std::optional<uint64_t>(left_) : std::nullopt;
  }
  /// Whether it is between two requests.
  bool is_idle() const { return stage_ == Stage::head && begun_.empty(); }
  /// The request, once done; makes room for the next.
  Request take();

 private:
  enum class Stage : uint8_t { head, body, chunk_size, chunk, chunk_end, trailer, done };
  Result<size_t> feed_head(ByteView bytes);
  Result<size_t> feed_body(ByteView bytes);
  Result<size_t> feed_line(ByteView bytes);
  Result<void> begin_body(bool chunked, std::optional<uint64_t> length);
  Result<void> on_line(std::string_view line);
  Result<void> parse_head();

  Limits limits_;
  Stage stage_ = Stage::head;
  Request request_;
  std::string begun_;  // a head or a line whose end has not come
  size_t left_ = 0;    // bytes of the body, or of this chunk
  size_t trailer_bytes_ = 0;
};

/// What a status is called: "Not Found".
std::string_view reason(int status);
/// Whether two names of headers are the same one: case does not count (RFC 9110).
bool same_name(std::string_view a, std::string_view b);
/// The first header of that name; empty if there is none.
std::string_view header(const Request& request, std::string_view name);

/// Whether a response says only how long its body would be: to HEAD.
enum class Body : uint8_t { sent, described };
/// A whole response with Content-Length. `headers`: more of them, each with its line end.
Bytes response(int status, std::string_view content_type, std::string_view body, bool keep_alive, Body how = Body::sent,
               std::string_view headers = "");

/// What an application answers to a request; the session makes the bytes of it.
struct Answer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8", body{};
  std::string headers{};  // more of them, each with its line end
};

/// "%2F" and, in a query, "+" as what they stand for; what is no escape stays as it is.
enum class Part : uint8_t { path, query };
std::string unescape(std::string_view text, Part part = Part::path);
/// The other way: only letters, digits and -._~ stay.
std::string escape(std::string_view text);

}  // namespace naru::http
