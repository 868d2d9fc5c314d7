#include "sqs/wire/signature.h"

#include <algorithm>
#include <charconv>

#include "base/split.h"

namespace naru::sqs {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256", scope_end = "aws4_request";
constexpr int64_t skew_max_s = 15 * 60, expires_max_s = 7 * 24 * 3600;

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::unexpected<Refusal> incomplete(std::string text) {
  return refuse(ErrorCode::incomplete_signature, std::move(text));
}

/// All values of a header, as they are signed: trimmed, runs of blanks folded, joined by commas. Nothing if it is not
/// there.
std::optional<std::string> signed_value(const http::Request& request, std::string_view wanted) {
  std::optional<std::string> out;
  for (const auto& [name, value] : request.headers) {
    if (!http::same_name(name, wanted)) continue;
    if (out) *out += ',';
    if (!out) out.emplace();
    bool blank = false, begun = false;
    for (char c : value) {
      if (c == ' ' || c == '\t') {
        blank = begun;
        continue;
      }
      if (std::exchange(blank, false)) *out += ' ';
      *out += c;
      begun = true;
    }
  }
  return out;
}

std::string_view path_of(const http::Request& request) {
  std::string_view target = request.target;
  return target.substr(0, target.find('?'));
}

/// The query string's parameters, unescaped.
Pairs query_of(const http::Request& request) {
  Pairs all;
  size_t question = request.target.find('?');
  if (question == std::string::npos) return all;
  std::string_view rest = std::string_view(request.target).substr(question + 1);
  while (!rest.empty()) {
    std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.empty()) continue;
    size_t equals = std::min(part.find('='), part.size());
    std::string_view value = part.substr(std::min(equals + 1, part.size()));
    all.emplace_back(http::unescape(part.substr(0, equals), http::Part::query),
                     http::unescape(value, http::Part::query));
  }
  return all;
}

/// KEY/20260131/REGION/sqs/aws4_request; a key may have slashes.
bool take_credential(std::string_view text, Signature& into) {
  auto parts = split(text, '/');
  if (parts.size() < 5 || parts.back() != scope_end) return false;
  size_t key_parts = parts.size() - 4;
  into.service = parts[key_parts + 2];
  into.region = parts[key_parts + 1];
  into.date = parts[key_parts];
  size_t scope_bytes = into.service.size() + into.region.size() + into.date.size() + scope_end.size() + 4;
  into.access_key = text.substr(0, text.size() - scope_bytes);
  return true;
}

std::string trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return std::string(text);
}

Reply<std::optional<Signature>> parse_header(std::string_view header, const http::Request& request) {
  Signature out;
  header.remove_prefix(algorithm.size());
  std::optional<std::string> credential;
  for (std::string_view part : split(header, ',')) {
    std::string field = trim(part);
    size_t equals = std::min(field.find('='), field.size());
    std::string name = field.substr(0, equals), value = field.substr(std::min(equals + 1, field.size()));
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") out.signed_headers = value;
    if (name == "Signature") out.value = value;
  }
  if (!credential) return incomplete("Authorization header requires 'Credential' parameter.");
  if (out.value.empty()) return incomplete("Authorization header requires 'Signature' parameter.");
  if (out.signed_headers.empty()) return incomplete("Authorization header requires 'SignedHeaders' parameter.");
  if (!take_credential(*credential, out))
    return incomplete("Credential must have at least 5 slash-delimited elements and end with 'aws4_request'.");
  auto date = signed_value(request, "x-amz-date");
  if (!date) return incomplete("Authorization header requires existence of an 'X-Amz-Date' header.");
  out.timestamp = std::move(*date);
  return out;
}

Reply<std::optional<Signature>> parse_presigned(const Pairs& query) {
  Signature out{.is_presigned = true};
  bool credential = false;
  for (const auto& [name, value] : query) {
    if (name == "X-Amz-Algorithm" && value != algorithm) return incomplete("X-Amz-Algorithm is not supported.");
    if (name == "X-Amz-Credential") credential = take_credential(value, out);
    if (name == "X-Amz-Date") out.timestamp = value;
    if (name == "X-Amz-SignedHeaders") out.signed_headers = value;
    if (name == "X-Amz-Signature") out.value = value;
    if (name == "X-Amz-Expires") {
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out.expires_s);
      if (error != std::errc() || end != value.data() + value.size()) out.expires_s = -1;
    }
  }
  if (!credential || out.timestamp.empty() || out.signed_headers.empty() || out.value.empty())
    return incomplete(
        "A presigned request needs X-Amz-Credential, X-Amz-Date, X-Amz-Expires, X-Amz-SignedHeaders and "
        "X-Amz-Signature.");
  if (out.expires_s < 0 || out.expires_s > expires_max_s)
    return incomplete("X-Amz-Expires must be between 0 and 604800 seconds.");
  return out;
}

void append_escaped(std::string& out, std::string_view text, bool keep_slashes) {
  while (!text.empty()) {
    size_t slash = keep_slashes ? std::min(text.find('/'), text.size()) : text.size();
    out += http::escape(text.substr(0, slash));
    text.remove_prefix(slash);
    if (text.empty()) break;
    out += '/';
    text.remove_prefix(1);
  }
}

bool is_signed(const Signature& signature, std::string_view header) {
  auto names = split(signature.signed_headers, ';');
  return std::ranges::find(names, header) != names.end();
}

Reply<void> check_time(const Signature& signature, int64_t now_s) {
  auto at = parse_timestamp(signature.timestamp);
  if (!at) return incomplete("Date must be in ISO-8601 'basic format'. Got '" + signature.timestamp + "'.");
  if (!signature.timestamp.starts_with(signature.date))
    return refuse(ErrorCode::signature_mismatch,
                  "Date in Credential scope does not match YYYYMMDD from ISO-8601 "
                  "version of date from HTTP.");
  int64_t valid_s = signature.is_presigned ? signature.expires_s : skew_max_s;
  if (*at > now_s + skew_max_s)
    return refuse(ErrorCode::signature_expired,
                  "Signature not yet current: " + signature.timestamp + " is still later than now.");
  if (*at < now_s - valid_s)
    return refuse(ErrorCode::signature_expired,
                  "Signature expired: " + signature.timestamp + " is now earlier than is allowed.");
  return {};
}

}  // namespace

std::optional<int64_t> parse_timestamp(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  auto number = [&](size_t at, size_t size) -> int64_t {
    int64_t value = 0;
    for (char c : text.substr(at, size)) {
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  int64_t year = number(0, 4), month = number(4, 2), day = number(6, 2);
  int64_t hour = number(9, 2), minute = number(11, 2), second = number(13, 2);
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  // Days from March on, so that the leap day is the last one of its year.
  int64_t y = year - (month <= 2), of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t days = y * 365 + y / 4 - y / 100 + y / 400 + of_year - 719'468;
  return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

Reply<std::optional<Signature>> parse_signature(const http::Request& request) {
  if (auto header = signed_value(request, "authorization")) {
    if (!header->starts_with(algorithm)) return incomplete("The Authorization header is no " + std::string(algorithm));
    return parse_header(*header, request);
  }
  if (!request.target.contains("X-Amz-")) return std::nullopt;
  return parse_presigned(query_of(request));
}

std::string canonical_request(const http::Request& request, const Signature& signature) {
  std::string out = request.method + "\n";
  append_escaped(out, path_of(request), true);
  out += '\n';
  Pairs query = query_of(request);
  if (signature.is_presigned) std::erase_if(query, [](const auto& one) { return one.first == "X-Amz-Signature"; });
  std::ranges::sort(query);
  for (size_t i = 0; i < query.size(); ++i) {
    if (i > 0) out += '&';
    append_escaped(out, query[i].first, false);
    out += '=';
    append_escaped(out, query[i].second, false);
  }
  out += '\n';
  for (std::string_view name : split(signature.signed_headers, ';'))
    out.append(name).append(":").append(signed_value(request, name).value_or("")).append("\n");
  out.append("\n").append(signature.signed_headers).append("\n");
  // A client may leave its body out of what it signs, and says so in a header that it signs.
  auto given = signed_value(request, "x-amz-content-sha256");
  bool unsigned_body = given == "UNSIGNED-PAYLOAD" && is_signed(signature, "x-amz-content-sha256");
  out += unsigned_body ? *given : to_hex(text(sha256(request.body)));
  return out;
}

const Sha256& SigningKeys::find(const Signature& signature, std::string_view secret) {
  std::string place = signature.date;
  for (std::string_view part : {std::string_view(signature.region), std::string_view(signature.service), secret}) {
    place += '\n';
    place += part;
  }
  auto found = keys_.find(place);
  if (found != keys_.end()) return found->second;
  if (keys_.size() >= keys_max) keys_.clear();
  Sha256 key = hmac_sha256("AWS4" + std::string(secret), signature.date);
  key = hmac_sha256(text(key), signature.region);
  key = hmac_sha256(text(key), signature.service);
  key = hmac_sha256(text(key), scope_end);
  return keys_.emplace(std::move(place), key).first->second;
}

Reply<std::string> verify(const http::Request& request, const SecretOf& secret_of, SigningKeys& keys, int64_t now_s,
                          std::string_view service) {
  auto parsed = parse_signature(request);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  if (!*parsed) return refuse(ErrorCode::missing_token, "Request is missing Authentication Token");
  const Signature& signature = **parsed;
  if (!is_signed(signature, "host"))
    return refuse(ErrorCode::signature_mismatch,
                  "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  const std::string* secret = secret_of(signature.access_key);
  if (!secret) return refuse(ErrorCode::invalid_client_token, "The security token included in the request is invalid.");
  if (signature.service != service)
    return refuse(ErrorCode::signature_mismatch,
                  "Credential should be scoped to correct service: '" + std::string(service) + "'.");
  if (auto timely = check_time(signature, now_s); !timely) return std::unexpected(std::move(timely.error()));
  std::string to_sign(algorithm);
  to_sign.append("\n").append(signature.timestamp).append("\n").append(signature.date).append("/");
  to_sign.append(signature.region).append("/").append(signature.service).append("/").append(scope_end).append("\n");
  to_sign += to_hex(text(sha256(canonical_request(request, signature))));
  Sha256 wanted = hmac_sha256(text(keys.find(signature, *secret)), to_sign);
  if (!is_same_secret(to_hex(text(wanted)), signature.value))
    return refuse(
        ErrorCode::signature_mismatch,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
        "Access Key and signing method. Consult the service documentation for details.");
  return signature.access_key;
}

}  // namespace naru::sqs
