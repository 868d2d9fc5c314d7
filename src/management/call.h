#pragma once
// One request of the management API on its way through a handler, and what handlers answer with. Paths, JSON and status
// codes are those of RabbitMQ's HTTP API.
#include <map>

#include "amqp/session.h"
#include "base/json.h"
#include "broker/policies/parameters.h"
#include "broker/users/users.h"
#include "broker/vhost/virtual_hosts.h"
#include "http/parser.h"
#include "io/net.h"
#include "management/listing.h"
#include "management/rates.h"

namespace naru::management {

/// A port that clients reach the broker by; the protocol is called as RabbitMQ calls it.
struct Listener {
  std::string protocol;
  io::Endpoint at;
  std::optional<int64_t> certificate_end{};  // of one with TLS, in seconds since 1970
};

/// What the API administers.
struct Site {
  Core& core;
  QueueHost& queues;
  VirtualHosts& hosts;
  Users& users;
  Parameters& parameters;
  amqp::Door& door;
  io::Millis started_ms = 0;  // wall clock
  const std::vector<Listener>* listeners = nullptr;
  Rates* rates = nullptr;  // the API's
  std::string node = "naru@localhost";
};

struct Call {
  Site& site;
  std::string method;
  std::vector<std::string> names;  // what stands in the path for the wildcards of its pattern
  std::map<std::string, std::string, std::less<>> query;
  Json body;
  User user;           // as it was when the request came
  std::string reason;  // the header X-Reason
  /// `naru ctl` asks, as an administrator: like rabbitmqctl it needs no permissions of its own in a virtual host, and
  /// an administrator could give them to themselves anyway. The header X-Naru-Ctl.
  bool as_operator = false;

  const std::string& vhost() const { return names[0]; }
  const std::string& name() const { return names.back(); }
  bool sees_all() const { return user.has_tag("administrator") || user.has_tag("monitoring"); }
  bool sees(std::string_view vhost) const { return sees_all() || site.users.may_enter(user.name, vhost); }
};

struct Reply {
  int status = 200;
  Json body{};
  std::string location{};  // of what was made, where RabbitMQ tells it
};
inline Reply created(std::string location = {}) { return {201, {}, std::move(location)}; }
inline Reply no_content() { return {204, {}}; }
Reply failed(int status, std::string_view error, std::string_view reason);
inline Reply not_found() { return failed(404, "Object Not Found", "Not Found"); }
inline Reply bad_request(std::string_view reason) { return failed(400, "bad_request", reason); }
inline Reply not_authorised(std::string_view reason) { return failed(401, "not_authorized", reason); }
/// What the broker layer says.
Reply failed(const Error& error);

/// Who may make a request. Each includes those below it in RabbitMQ's order of tags.
enum class Needs : uint8_t {
  management,   // any of the tags
  policymaker,  // or administrator
  monitoring,   // or administrator
  administrator,
};

using Handler = io::Task<Reply> (*)(Call& call);
struct Route {
  std::string_view method, path;  // "/queues/{vhost}/{}": a virtual host that must exist, any other name
  Needs needs;
  Handler handler;
  Pages pages = Pages::none;
};

/// Members as clients send them: rabbitmqadmin writes booleans and numbers as texts.
bool flag_in(const Json& body, std::string_view name);
/// Which of these members are not there.
std::optional<std::string> missing_keys(const Json& body, std::initializer_list<std::string_view> names);
/// Which of these members is there and says neither true nor false.
std::optional<std::string> flag_problem(const Json& body, std::initializer_list<std::string_view> names);
std::optional<int64_t> number_in(const Json& body, std::string_view name);
std::string text_in(const Json& body, std::string_view name);
/// Whether the query says so: ?if-unused=true
bool says_true(const Call& call, std::string_view name);
/// What is wrong with a name that things are made under, or a routing key.
constexpr size_t name_bytes_max = 255;
std::optional<std::string> name_problem(std::string_view name, size_t bytes_max = name_bytes_max);
/// A member that is an object, as a table; empty if there is none.
FieldTable table_in(const Json& body, std::string_view name);

/// Nothing if the user of the call may do that; else the answer.
std::optional<Reply> refusal(const Call& call, Operation operation, std::string_view vhost, std::string_view kind,
                             std::string_view name);

/// The same for a routing key of an exchange in the call's virtual host.
std::optional<Reply> topic_refusal(const Call& call, Operation operation, const Exchange& exchange,
                                   std::string_view key);

// The tables of routes, a file each.
std::span<const Route> user_routes();
std::span<const Route> permission_routes();
std::span<const Route> vhost_routes();
std::span<const Route> parameter_routes();
std::span<const Route> definition_routes();
std::span<const Route> queue_routes();
std::span<const Route> exchange_routes();
std::span<const Route> message_routes();
std::span<const Route> connection_routes();
std::span<const Route> overview_routes();
std::span<const Route> alarm_routes();
std::span<const Route> delayed_routes();
std::span<const Route> replay_routes();

}  // namespace naru::management
