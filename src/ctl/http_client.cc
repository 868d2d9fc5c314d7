#include "ctl/http_client.h"

#include "base/base64.h"
#include "io/exchange.h"

namespace naru::ctl {

std::string Response::reason() const {
  if (!body.text_of("reason").empty()) return std::string(body.text_of("reason"));
  return "HTTP status " + std::to_string(status);
}

Result<Response> request(const Target& target, std::string_view method, std::string_view path, const Json& body,
                         std::string_view reason) {
  std::string content = body.is_null() ? std::string() : to_text(body), text;
  text.append(method).append(" /api").append(path).append(" HTTP/1.1\r\nHost: ").append(target.admin.text());
  text.append("\r\nAuthorization: Basic ").append(to_base64(target.user + ":" + target.password));
  if (!reason.empty()) {
    text.append("\r\nX-Reason: ");
    for (char c : reason) text += static_cast<uint8_t>(c) < 0x20 ? ' ' : c;
  }
  text.append("\r\nX-Naru-Ctl: 1\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ");
  text.append(std::to_string(content.size())).append("\r\n\r\n").append(content);
  std::string answer = TRY(io::exchange(target.admin, text, target.timeout_ms));
  size_t head = answer.find("\r\n\r\n");
  constexpr std::string_view version = "HTTP/1.1 ";
  if (!answer.starts_with(version) || head == answer.npos || answer.size() < version.size() + 3)
    return fail(Code::invalid, "what answers is no naru");
  Response response;
  for (char c : answer.substr(version.size(), 3)) response.status = response.status * 10 + (c - '0');
  std::string_view rest = std::string_view(answer).substr(head + 4);
  if (!rest.empty()) {
    auto parsed = parse_json(rest);
    if (parsed) response.body = std::move(*parsed);
    if (!parsed && response.ok()) return fail(Code::invalid, "what answers is no naru");
  }
  return response;
}

}  // namespace naru::ctl
