// The only file that sees Boost.Beast, and only for heads: its parser of chunked bodies asserts where the last chunk
// arrives in pieces (1.81 to 1.83), and what it makes of a head depends on where the head was cut.
#include "http/parser.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>

namespace naru::http {

namespace beast = boost::beast::http;

namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr size_t size_line_bytes_max = 256;  // of a chunk, with extensions

std::unexpected<Error> no_http() { return fail(Code::invalid, "not an HTTP request"); }
std::unexpected<Error> too_large() { return fail(Code::too_large, "request is larger than allowed"); }

}  // namespace

Result<size_t> Parser::feed(ByteView bytes) {
  size_t used = 0;
  while (used < bytes.size() && stage_ != Stage::done) {
    ByteView rest = bytes.subspan(used);
    switch (stage_) {
      case Stage::head: used += TRY(feed_head(rest)); break;
      case Stage::body:
      case Stage::chunk: used += TRY(feed_body(rest)); break;
      case Stage::chunk_size:
      case Stage::chunk_end:
      case Stage::trailer: used += TRY(feed_line(rest)); break;
      case Stage::done: break;
    }
  }
  return used;
}

Result<size_t> Parser::feed_head(ByteView bytes) {
  // What cannot be a method needs no end to be refused: TLS, or another protocol.
  if (begun_.empty() && (bytes[0] < 'A' || bytes[0] > 'Z')) return no_http();
  size_t before = begun_.size();
  begun_.append(text(bytes.first(std::min(bytes.size(), limits_.header_bytes + 1 - before))));
  size_t end = begun_.find(head_end, before - std::min(before, head_end.size() - 1));
  if (end == std::string::npos) {
    if (begun_.size() > limits_.header_bytes) return too_large();
    return bytes.size();
  }
  size_t length = end + head_end.size();
  if (length > limits_.header_bytes) return too_large();
  begun_.resize(length);
  TRY_VOID(parse_head());
  begun_.clear();
  return length - before;
}

Result<void> Parser::parse_head() {
  beast::request_parser<beast::empty_body> parser;
  parser.eager(false);
  parser.header_limit(static_cast<uint32_t>(limits_.header_bytes));
  parser.body_limit(boost::none);
  boost::beast::error_code error;
  parser.put(boost::asio::const_buffer(begun_.data(), begun_.size()), error);
  if (error == beast::error::header_limit) return too_large();
  if (error || !parser.is_header_done()) return no_http();
  const auto& head = parser.get();
  request_.method = std::string(head.method_string());
  request_.target = std::string(head.target());
  request_.keep_alive = head.keep_alive();
  for (const auto& field : head)
    request_.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  if (head.find(beast::field::transfer_encoding) != head.end() && !parser.chunked()) return no_http();
  auto length = parser.content_length();
  return begin_body(parser.chunked(), length ? std::optional<uint64_t>(*length) : std::nullopt);
}

Result<void> Parser::begin_body(bool chunked, std::optional<uint64_t> length) {
  if (chunked) {
    stage_ = Stage::chunk_size;
    return {};
  }
  if (length.value_or(0) > limits_.body_bytes) return too_large();
  left_ = static_cast<size_t>(length.value_or(0));
  stage_ = left_ > 0 ? Stage::body : Stage::done;
  return {};
}

Result<size_t> Parser::feed_body(ByteView bytes) {
  size_t taken = std::min(bytes.size(), left_);
  request_.body.append(text(bytes.first(taken)));
  left_ -= taken;
  if (left_ == 0) stage_ = stage_ == Stage::body ? Stage::done : Stage::chunk_end;
  return taken;
}

Result<size_t> Parser::feed_line(ByteView bytes) {
  size_t end = text(bytes).find('\n');
  size_t taken = end == std::string_view::npos ? bytes.size() : end + 1;
  size_t most = stage_ == Stage::trailer ? limits_.header_bytes - trailer_bytes_ : size_line_bytes_max;
  if (begun_.size() + taken > most) return stage_ == Stage::trailer ? too_large() : no_http();
  begun_.append(text(bytes.first(taken)));
  if (end == std::string_view::npos) return taken;
  if (!begun_.ends_with("\r\n")) return no_http();
  std::string line = std::exchange(begun_, {});
  TRY_VOID(on_line(std::string_view(line).substr(0, line.size() - 2)));
  return taken;
}

Result<void> Parser::on_line(std::string_view line) {
  if (stage_ == Stage::trailer) {
    trailer_bytes_ += line.size() + 2;
    if (line.empty()) stage_ = Stage::done;
    return {};
  }
  if (stage_ == Stage::chunk_end) {
    if (!line.empty()) return no_http();
    stage_ = Stage::chunk_size;
    return {};
  }
  uint32_t size = 0;
  auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  bool ends_well = end == line.data() + line.size() || *end == ';' || *end == ' ' || *end == '\t';
  if (error == std::errc::result_out_of_range) return too_large();
  if (error != std::errc() || !ends_well) return no_http();
  if (size > limits_.body_bytes - request_.body.size()) return too_large();
  left_ = size;
  stage_ = size > 0 ? Stage::chunk : Stage::trailer;
  return {};
}

Request Parser::take() {
  Request out = done() ? std::move(request_) : Request();
  *this = Parser(limits_);
  return out;
}

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 413: return "Payload Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "Error";
  }
}

bool same_name(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view header(const Request& request, std::string_view wanted) {
  for (const auto& [name, value] : request.headers)
    if (same_name(name, wanted)) return value;
  return {};
}

Bytes response(int status, std::string_view content_type, std::string_view body, bool keep_alive, Body how,
               std::string_view headers) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(reason(status)).append("\r\nServer: naru\r\n").append(headers);
  if (status != 204) {  // which has no body, and says nothing of one
    head.append("Content-Type: ").append(content_type);
    head.append("\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  head.append(keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
  if (how == Body::sent) head.append(body);
  return Bytes(head.begin(), head.end());
}

namespace {

std::optional<uint8_t> hex(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

std::string unescape(std::string_view text, Part part) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    auto high = i + 2 < text.size() ? hex(text[i + 1]) : std::nullopt;
    auto low = i + 2 < text.size() ? hex(text[i + 2]) : std::nullopt;
    if (text[i] == '%' && high && low) {
      out += static_cast<char>(*high << 4 | *low);
      i += 2;
    } else {
      out += part == Part::query && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string escape(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF", plain = "-._~";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<uint8_t>(c);
    bool stays = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || plain.contains(c);
    if (stays) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

}  // namespace naru::http
