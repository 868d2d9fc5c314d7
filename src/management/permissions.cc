// /api/permissions and /api/topic-permissions, and those of one user or one virtual host.
#include "management/view.h"

namespace naru::management {

Json view(const Permission& permission) {
  Json out;
  out.set("user", permission.user)
      .set("vhost", permission.vhost)
      .set("configure", permission.patterns[0])
      .set("write", permission.patterns[1])
      .set("read", permission.patterns[2]);
  return out;
}

Json view(const TopicPermission& permission) {
  Json out;
  out.set("user", permission.user)
      .set("vhost", permission.vhost)
      .set("exchange", permission.exchange)
      .set("write", permission.write)
      .set("read", permission.read);
  return out;
}

namespace {

template <class One, class Fits>
Reply listed(const std::vector<One>& all, Fits fits) {
  Json out = Json::array();
  for (const One& one : all)
    if (fits(one)) out.push(view(one));
  return {200, std::move(out)};
}

io::Task<Reply> list(Call& call) {
  co_return listed(call.site.users.permissions(), [](auto&) { return true; });
}
io::Task<Reply> list_topics(Call& call) {
  co_return listed(call.site.users.topic_permissions(), [](auto&) { return true; });
}
io::Task<Reply> of_user(Call& call) {
  if (!call.site.users.find(call.name())) co_return not_found();
  co_return listed(call.site.users.permissions(), [&](auto& one) { return one.user == call.name(); });
}
io::Task<Reply> topics_of_user(Call& call) {
  if (!call.site.users.find(call.name())) co_return not_found();
  co_return listed(call.site.users.topic_permissions(), [&](auto& one) { return one.user == call.name(); });
}
io::Task<Reply> of_vhost(Call& call) {
  co_return listed(call.site.users.permissions(), [&](auto& one) { return one.vhost == call.vhost(); });
}
io::Task<Reply> topics_of_vhost(Call& call) {
  co_return listed(call.site.users.topic_permissions(), [&](auto& one) { return one.vhost == call.vhost(); });
}

/// What a user has in a virtual host: /permissions/VHOST/USER
std::optional<Permission> find(const Call& call) {
  for (const Permission& one : call.site.users.permissions())
    if (one.vhost == call.vhost() && one.user == call.names[1]) return one;
  return std::nullopt;
}

io::Task<Reply> get(Call& call) {
  auto found = find(call);
  co_return found ? Reply{200, view(*found)} : not_found();
}

io::Task<Reply> put(Call& call) {
  if (!call.site.users.find(call.names[1])) co_return bad_request("no such user");
  Permission wanted{.user = call.names[1], .vhost = call.vhost(), .patterns = {}};
  constexpr const char* members[] = {"configure", "write", "read"};
  for (size_t i = 0; i < 3; ++i) {
    const Json* pattern = call.body.find(members[i]);
    if (!pattern || !pattern->text()) co_return bad_request(std::string("key_missing: ") + members[i]);
    wanted.patterns[i] = *pattern->text();
  }
  if (auto wrong = problem(wanted)) co_return bad_request("invalid_regexp " + *wrong);
  bool is_new = !find(call);
  auto allowing = call.site.users.allow(std::move(wanted));
  auto allowed = co_await allowing;
  co_return !allowed ? failed(allowed.error()) : is_new ? created() : no_content();
}

io::Task<Reply> remove(Call& call) {
  if (!find(call)) co_return not_found();
  auto forbidding = call.site.users.forbid(call.names[1], call.vhost());
  auto done = co_await forbidding;
  co_return done ? no_content() : failed(done.error());
}

io::Task<Reply> get_topic(Call& call) {
  Reply found = listed(call.site.users.topic_permissions(),
                       [&](auto& one) { return one.vhost == call.vhost() && one.user == call.names[1]; });
  co_return found.body.items()->empty() ? not_found() : std::move(found);
}

io::Task<Reply> put_topic(Call& call) {
  if (!call.site.users.find(call.names[1])) co_return bad_request("no such user");
  TopicPermission wanted{.user = call.names[1],
                         .vhost = call.vhost(),
                         .exchange = text_in(call.body, "exchange"),
                         .write = text_in(call.body, "write"),
                         .read = text_in(call.body, "read")};
  if (!call.body.find("exchange") || !call.body.find("write") || !call.body.find("read"))
    co_return bad_request("key_missing: exchange, write, read");
  if (auto wrong = name_problem(wanted.exchange)) co_return bad_request("exchange: " + *wrong);
  if (auto wrong = problem(wanted)) co_return bad_request("invalid_regexp " + *wrong);
  bool is_new = !call.site.users.has_topic_permission(wanted.user, wanted.vhost, wanted.exchange);
  auto allowing = call.site.users.allow_topic(std::move(wanted));
  auto allowed = co_await allowing;
  co_return !allowed ? failed(allowed.error()) : is_new ? created() : no_content();
}

io::Task<Reply> remove_topic(Call& call) {
  std::optional<std::string> exchange;
  if (call.names.size() > 2) exchange = call.names[2];
  auto clearing = call.site.users.clear_topic(call.names[1], call.vhost(), exchange);
  auto done = co_await clearing;
  co_return done ? no_content() : failed(done.error());
}

constexpr Route routes[] = {
    {"GET", "/permissions", Needs::administrator, list},
    {"GET", "/permissions/{vhost}/{}", Needs::administrator, get},
    {"PUT", "/permissions/{vhost}/{}", Needs::administrator, put},
    {"DELETE", "/permissions/{vhost}/{}", Needs::administrator, remove},
    {"GET", "/topic-permissions", Needs::administrator, list_topics},
    {"GET", "/topic-permissions/{vhost}/{}", Needs::administrator, get_topic},
    {"PUT", "/topic-permissions/{vhost}/{}", Needs::administrator, put_topic},
    {"DELETE", "/topic-permissions/{vhost}/{}", Needs::administrator, remove_topic},
    {"DELETE", "/topic-permissions/{vhost}/{}/{}", Needs::administrator, remove_topic},
    {"GET", "/users/{}/permissions", Needs::administrator, of_user},
    {"GET", "/users/{}/topic-permissions", Needs::administrator, topics_of_user},
    {"GET", "/vhosts/{vhost}/permissions", Needs::administrator, of_vhost},
    {"GET", "/vhosts/{vhost}/topic-permissions", Needs::administrator, topics_of_vhost},
};

}  // namespace

std::span<const Route> permission_routes() { return routes; }

}  // namespace naru::management
