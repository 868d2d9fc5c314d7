#include "http/parser.h"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace naru::http {

namespace beast = boost::beast::http;

struct Parser::Impl {
  beast::request_parser<beast::string_body> parser;
};

Parser::Parser(Limits limits) : limits_(limits), impl_(std::make_unique<Impl>()) { (void)take(); }
Parser::~Parser() = default;

Result<size_t> Parser::feed(ByteView bytes) {
  size_t used = 0;
  while (used < bytes.size() && !impl_->parser.is_done()) {
    boost::beast::error_code error;
    size_t n = impl_->parser.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), error);
    used += n;
    if (error == beast::error::need_more) break;
    if (error == beast::error::body_limit || error == beast::error::header_limit)
      return fail(Code::too_large, "request is larger than allowed");
    if (error) return fail(Code::invalid, "not an HTTP request");
    if (n == 0) break;
  }
  return used;
}

bool Parser::done() const { return impl_->parser.is_done(); }

Request Parser::take() {
  Request out;
  if (impl_->parser.is_done()) {
    auto message = impl_->parser.release();
    out.method = std::string(message.method_string());
    out.target = std::string(message.target());
    out.keep_alive = message.keep_alive();
    for (const auto& field : message)
      out.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    out.body = std::move(message.body());
  }
  impl_ = std::make_unique<Impl>();
  impl_->parser.eager(true);
  impl_->parser.header_limit(static_cast<uint32_t>(limits_.header_bytes));
  impl_->parser.body_limit(limits_.body_bytes);
  return out;
}

Bytes response(int status, std::string_view content_type, std::string_view body, bool keep_alive) {
  const char* reason = status == 200   ? "OK"
                       : status == 400 ? "Bad Request"
                       : status == 404 ? "Not Found"
                       : status == 405 ? "Method Not Allowed"
                       : status == 413 ? "Payload Too Large"
                       : status == 503 ? "Service Unavailable"
                                       : "Error";
  std::string head = "HTTP/1.1 " + std::to_string(status) + " " + reason + "\r\nServer: naru\r\nContent-Type: ";
  head.append(content_type).append("\r\nContent-Length: ").append(std::to_string(body.size()));
  head.append(keep_alive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n").append(body);
  return Bytes(head.begin(), head.end());
}

}  // namespace naru::http
