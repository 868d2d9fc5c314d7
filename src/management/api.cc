#include "management/api.h"

#include "base/base64.h"
#include "base/split.h"
#include "broker/field_json.h"
#include "management/listing.h"

namespace naru::management {
namespace {

std::map<std::string, std::string, std::less<>> parse_query(std::string_view text) {
  std::map<std::string, std::string, std::less<>> query;
  if (text.empty()) return query;
  for (std::string_view part : split(text, '&')) {
    size_t at = part.find('=');
    std::string_view value = at == part.npos ? std::string_view() : part.substr(at + 1);
    query[http::unescape(part.substr(0, at), http::Part::query)] = http::unescape(value, http::Part::query);
  }
  return query;
}

/// The user that a request says it is from (RFC 7617), if the password is right and may be used from there.
const User* authenticate(const Users& users, const http::Request& request, const std::string& peer) {
  std::string_view given = http::header(request, "authorization");
  constexpr std::string_view scheme = "basic ";
  if (given.size() < scheme.size()) return nullptr;
  auto decoded = from_base64(given.substr(scheme.size()));
  if (!decoded) return nullptr;
  size_t colon = decoded->find(':');
  if (colon == decoded->npos) return nullptr;
  std::string name = decoded->substr(0, colon);
  if (name == "guest" && !io::is_loopback(peer)) return nullptr;
  return users.login(name, std::string_view(*decoded).substr(colon + 1));
}

bool has(const User& user, Needs needs) {
  bool administrator = user.has_tag("administrator");
  bool monitoring = administrator || user.has_tag("monitoring");
  bool policymaker = administrator || user.has_tag("policymaker");
  switch (needs) {
    case Needs::management: return monitoring || policymaker || user.has_tag("management");
    case Needs::policymaker: return policymaker;
    case Needs::monitoring: return monitoring;
    case Needs::administrator: return administrator;
  }
  return false;
}

/// Names become rows with a NUL between them, and are as long as AMQP's. What stands behind three others, a binding's
/// properties, is a key that may be escaped.
std::optional<std::string> wrong_name(const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i)
    if (auto wrong = name_problem(names[i], i < 3 ? name_bytes_max : SIZE_MAX)) return wrong;
  return std::nullopt;
}

http::Answer to_answer(const Reply& reply) {
  http::Answer answer{.status = reply.status, .content_type = "application/json", .body = {}, .headers = {}};
  if (!reply.body.is_null()) answer.body = to_text(reply.body);
  answer.headers = "Cache-Control: no-cache\r\n";
  if (!reply.location.empty()) answer.headers += "Location: " + reply.location + "\r\n";
  if (reply.status == 401) answer.headers += "WWW-Authenticate: Basic realm=\"RabbitMQ Management\"\r\n";
  return answer;
}

/// A file that a form sends (RFC 7578), as web pages and curl -F do with definitions: its content becomes the body.
void take_out_of_form(http::Request& request) {
  std::string_view type = http::header(request, "content-type"), name = "boundary=";
  size_t at = type.find(name);
  if (!type.starts_with("multipart/form-data") || at == type.npos) return;
  std::string_view boundary = type.substr(at + name.size());
  boundary = boundary.substr(0, boundary.find(';'));
  if (boundary.starts_with('"') && boundary.ends_with('"') && boundary.size() > 1)
    boundary = boundary.substr(1, boundary.size() - 2);
  std::string line = "--" + std::string(boundary);
  size_t field = request.body.find("name=\"file\"");
  size_t head = field == std::string::npos ? field : request.body.find("\r\n\r\n", field);
  size_t end = head == std::string::npos ? head : request.body.find("\r\n" + line, head);
  request.body = end == std::string::npos ? std::string() : request.body.substr(head + 4, end - head - 4);
}

Reply login_failed() { return not_authorised("Login failed"); }

constexpr std::string_view vhost_part = "{vhost}", any_part = "{}";

}  // namespace

Api::Api(Site site) : site_(std::move(site)) {
  site_.rates = &rates_;
  for (auto table : {user_routes(), permission_routes(), vhost_routes(), parameter_routes(), definition_routes(),
                     queue_routes(), exchange_routes(), message_routes(), connection_routes(), overview_routes(),
                     alarm_routes(), delayed_routes(), replay_routes()})
    routes_.insert(routes_.end(), table.begin(), table.end());
}

Api::Found Api::find(std::string_view method, std::string_view path) const {
  Found found;
  std::vector<std::string_view> parts = split(path, '/');
  for (const Route& route : routes_) {
    std::vector<std::string_view> pattern = split(route.path, '/');
    if (pattern.size() != parts.size()) continue;
    std::vector<std::string> names;
    bool fits = true;
    for (size_t i = 0; i < parts.size() && fits; ++i) {
      bool wild = pattern[i] == vhost_part || pattern[i] == any_part;
      fits = wild || pattern[i] == parts[i];
      if (wild) names.push_back(http::unescape(parts[i]));
    }
    if (!fits) continue;
    found.other_method = true;
    if (route.method != method) continue;
    found.route = &route;
    found.names = std::move(names);
    return found;
  }
  return found;
}

io::Task<Reply> Api::handle(http::Request& request, const std::string& peer) {
  const User* user = authenticate(site_.users, request, peer);
  if (!user) co_return login_failed();
  std::string_view target(request.target);
  size_t question = target.find('?');
  std::string_view path = target.substr(0, question);
  path.remove_prefix(std::string_view("/api").size());
  std::string_view trimmed = path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
  std::string method = request.method == "HEAD" ? "GET" : request.method;
  Found found = find(method, trimmed);
  // Older versions made things with an empty name, which must go away again: /vhosts/
  if (!found.route && method == "DELETE") found = find(method, path);
  if (!found.route && found.other_method) co_return failed(405, "Method Not Allowed", "Method Not Allowed");
  if (!found.route) co_return not_found();
  if (!has(*user, Needs::management)) co_return not_authorised("Not management user");
  if (!has(*user, found.route->needs)) {
    co_return not_authorised(found.route->needs == Needs::administrator ? "Not administrator user"
                             : found.route->needs == Needs::monitoring  ? "Not monitor user"
                                                                        : "Not policymaker user");
  }
  if (auto wrong = wrong_name(found.names)) co_return bad_request(*wrong);
  Call call{.site = site_,
            .method = std::move(method),
            .names = std::move(found.names),
            .query = parse_query(question == target.npos ? std::string_view() : target.substr(question + 1)),
            .body = {},
            .user = *user,
            .reason = std::string(http::header(request, "x-reason")),
            .as_operator = user->has_tag("administrator") && !http::header(request, "x-naru-ctl").empty()};
  if (found.route->path.contains(vhost_part)) {
    VirtualHost* host = site_.hosts.find(call.vhost());
    if (!host || host->removed) co_return not_found();
    bool may = call.as_operator || site_.users.may_enter(call.user.name, call.vhost()) ||
               (call.method == "GET" && call.sees_all()) || found.route->needs == Needs::administrator;
    if (!may) co_return not_authorised("User not authorised to access virtual host");
  }
  take_out_of_form(request);
  if (!request.body.empty()) {
    constexpr size_t values_max = 1'000'000;
    auto body = parse_json(request.body, values_max);
    if (!body) co_return failed(400, "not_json", body.error().reason);
    call.body = std::move(*body);
    if (!call.body.members()) co_return bad_request("not_a_json_object");
  }
  request.body = std::string();  // = {} would keep its memory
  Handler handler = found.route->handler;
  auto handling = handler(call);
  Reply reply = co_await handling;
  if (reply.status == 200) {
    if (auto problem = shape(reply.body, call.query, found.route->pages))
      co_return failed(400, problem->error, problem->reason);
  }
  co_return reply;
}

io::Task<http::Answer> Api::answer(http::Request request, std::string peer) {
  auto handling = handle(request, peer);
  Reply reply = co_await handling;
  co_return to_answer(reply);
}

std::optional<http::Answer> Api::refusal(const http::Request& head, const std::string& peer) const {
  if (authenticate(site_.users, head, peer)) return std::nullopt;
  return to_answer(login_failed());
}

Reply failed(int status, std::string_view error, std::string_view reason) {
  Json body;
  body.set("error", error).set("reason", reason);
  return {status, std::move(body)};
}

Reply failed(const Error& error) {
  switch (error.code) {
    case Code::not_found: return not_found();
    case Code::full: return failed(503, "full", "no space left on the broker's disk");
    case Code::invalid:
    case Code::exists:
    case Code::conflict:
    case Code::unsupported: return bad_request(error.reason);
    default: return failed(500, "internal_error", error.reason);
  }
}

bool flag_in(const Json& body, std::string_view name) {
  const Json* value = body.find(name);
  return value && (value->boolean().value_or(false) || value->text() == "true");
}

std::optional<std::string> missing_keys(const Json& body, std::initializer_list<std::string_view> names) {
  std::string missing;
  for (std::string_view name : names)
    if (!body.find(name)) missing.append(missing.empty() ? "" : ",").append("{key_missing,").append(name).append("}");
  return missing.empty() ? std::nullopt : std::optional("[" + missing + "]");
}

std::optional<std::string> flag_problem(const Json& body, std::initializer_list<std::string_view> names) {
  for (std::string_view name : names) {
    const Json* value = body.find(name);
    if (!value || value->boolean() || value->text() == "true" || value->text() == "false") continue;
    return "not_boolean: " + to_text(*value);
  }
  return std::nullopt;
}

std::optional<int64_t> number_in(const Json& body, std::string_view name) {
  const Json* value = body.find(name);
  if (!value) return std::nullopt;
  if (auto number = value->integer()) return number;
  auto text = value->text();
  if (!text || text->empty() || text->size() > 18) return std::nullopt;
  int64_t number = 0;
  for (char c : *text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

bool says_true(const Call& call, std::string_view name) {
  auto value = call.query.find(name);
  return value != call.query.end() && value->second == "true";
}

std::optional<std::string> name_problem(std::string_view name, size_t bytes_max) {
  if (name.contains('\0')) return "a name has a NUL in it";
  if (name.size() > bytes_max) return "a name is longer than " + std::to_string(bytes_max) + " bytes";
  return std::nullopt;
}

std::string text_in(const Json& body, std::string_view name) { return std::string(body.text_of(name)); }

FieldTable table_in(const Json& body, std::string_view name) {
  const Json* value = body.find(name);
  return value ? to_fields(*value) : FieldTable();
}

std::optional<Reply> refusal(const Call& call, Operation operation, std::string_view vhost, std::string_view kind,
                             std::string_view name) {
  if (call.as_operator || call.site.users.may(call.user.name, vhost, operation, name)) return std::nullopt;
  return not_authorised("ACCESS_REFUSED - access to " + std::string(kind) + " '" + std::string(name) + "' in vhost '" +
                        std::string(vhost) + "' refused for user '" + call.user.name + "'");
}

std::optional<Reply> topic_refusal(const Call& call, Operation operation, const Exchange& exchange,
                                   std::string_view key) {
  if (exchange.definition.type != ExchangeType::topic || call.as_operator) return std::nullopt;
  const std::string& name = exchange.definition.name;
  if (call.site.users.may_topic(call.user.name, call.vhost(), name, operation, key)) return std::nullopt;
  return not_authorised("ACCESS_REFUSED - access to topic '" + std::string(key) + "' in exchange '" + name +
                        "' in vhost '" + call.vhost() + "' refused for user '" + call.user.name + "'");
}

}  // namespace naru::management
