// /api/vhosts and /api/vhost-limits
#include "management/view.h"

namespace naru::management {
namespace {

Json vhost_view(const Site& site, const VirtualHost& host) {
  int64_t ready = 0, unacked = 0;
  for (const auto& [name, queue] : host.queues()) {
    auto counts = queue.queue->counts();
    ready += counts.ready;
    unacked += counts.unacked;
  }
  const Json* tags = host.metadata.find("tags");
  Json state, out;
  state.set(site.node, "running");
  out.set("name", host.name)
      .set("description", host.metadata.text_of("description"))
      .set("tags", tags ? *tags : Json::array())
      .set("default_queue_type",
           host.metadata.find("default_queue_type") ? *host.metadata.find("default_queue_type") : Json("classic"))
      .set("metadata", host.metadata)
      .set("tracing", false)
      .set("cluster_state", std::move(state))
      .set("messages", ready + unacked)
      .set("messages_ready", ready)
      .set("messages_unacknowledged", unacked);
  return out;
}

io::Task<Reply> list(Call& call) {
  Json all = Json::array();
  for (const auto& [name, host] : call.site.hosts.all())
    if (call.sees(name)) all.push(vhost_view(call.site, *host));
  co_return Reply{200, std::move(all)};
}

io::Task<Reply> get(Call& call) { co_return Reply{200, vhost_view(call.site, *call.site.hosts.find(call.vhost()))}; }

io::Task<Reply> put(Call& call) {
  VirtualHost* there = call.site.hosts.find(call.names[0]);
  if (call.names[0].empty()) co_return bad_request("a virtual host needs a name");
  if (auto wrong = flag_problem(call.body, {"tracing"})) co_return bad_request(*wrong);
  if (flag_in(call.body, "tracing")) co_return bad_request("tracing: naru has no tracing of messages");
  Json metadata = there ? there->metadata : Json::object();
  metadata.set("description", call.body.text_of("description"));
  Json tags = Json::array();
  if (const Json* given = call.body.find("tags")) {
    std::string_view text = given->text().value_or("");
    if (given->items()) tags = *given;
    while (!text.empty()) {
      size_t comma = text.find(',');
      tags.push(text.substr(0, comma));
      text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
    }
  }
  metadata.set("tags", std::move(tags));
  std::string_view type = call.body.text_of("default_queue_type");
  if (!type.empty() && type != "classic" && type != "quorum" && type != "stream" && type != "undefined")
    co_return bad_request("invalid queue type " + std::string(type));
  if (!type.empty()) metadata.set("default_queue_type", type);
  bool is_new = !there;
  auto putting = call.site.hosts.put(call.names[0], std::move(metadata));
  auto done = co_await putting;
  if (!done) co_return failed(done.error());
  if (!is_new) co_return no_content();
  if (call.as_operator) co_return created();
  // Who makes one may use it, as with RabbitMQ.
  Permission all{.user = call.user.name, .vhost = call.names[0], .patterns = {".*", ".*", ".*"}};
  auto allowing = call.site.users.allow(std::move(all));
  auto allowed = co_await allowing;
  co_return allowed ? created() : failed(allowed.error());
}

io::Task<Reply> remove(Call& call) {
  auto removing = call.site.hosts.remove(call.vhost());
  auto done = co_await removing;
  co_return done ? no_content() : failed(done.error());
}

Parameters::Key limits_of(const std::string& vhost) { return {vhost, Parameters::vhost_limits, "limits"}; }

io::Task<Reply> list_limits(Call& call) {
  Json all = Json::array();
  for (const auto& [key, value] : call.site.parameters.all()) {
    bool is_meant = key.component == Parameters::vhost_limits && (call.names.empty() || key.vhost == call.vhost());
    if (!is_meant || !call.sees(key.vhost)) continue;
    Json one;
    one.set("vhost", key.vhost).set("value", value);
    all.push(std::move(one));
  }
  co_return Reply{200, std::move(all)};
}

/// /vhost-limits/VHOST/max-connections
io::Task<Reply> change_limit(Call& call) {
  const Json* there = call.site.parameters.find(limits_of(call.vhost()));
  Json limits = Json::object();
  if (there)
    for (const auto& [what, limit] : *there->members())
      if (what != call.names[1]) limits.set(what, limit);
  if (call.method == "PUT") {
    auto value = number_in(call.body, "value");
    const Json* given = call.body.find("value");
    if (!value && given) value = given->integer();
    if (!value) co_return bad_request("value: a number");
    limits.set(call.names[1], *value);
  }
  Parameters::Key key = limits_of(call.vhost());
  if (auto wrong = check_parameter(key, limits)) co_return bad_request(*wrong);
  if (limits.members()->empty()) {
    auto clearing = call.site.parameters.clear(key);
    auto done = co_await clearing;
    co_return done || done.error().code == Code::not_found ? no_content() : failed(done.error());
  }
  auto setting = call.site.parameters.set(key, std::move(limits));
  auto done = co_await setting;
  co_return done ? no_content() : failed(done.error());
}

constexpr Route routes[] = {
    {"GET", "/vhosts", Needs::management, list, Pages::some},
    {"GET", "/vhosts/{vhost}", Needs::management, get},
    {"PUT", "/vhosts/{}", Needs::administrator, put},
    {"DELETE", "/vhosts/{vhost}", Needs::administrator, remove},
    {"GET", "/vhost-limits", Needs::management, list_limits},
    {"GET", "/vhost-limits/{vhost}", Needs::management, list_limits},
    {"PUT", "/vhost-limits/{vhost}/{}", Needs::administrator, change_limit},
    {"DELETE", "/vhost-limits/{vhost}/{}", Needs::administrator, change_limit},
};

}  // namespace

std::span<const Route> vhost_routes() { return routes; }

}  // namespace naru::management
