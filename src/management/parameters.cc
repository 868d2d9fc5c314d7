// /api/parameters, /api/global-parameters, /api/policies, /api/operator-policies
#include "management/view.h"

namespace naru::management {

Json view_parameter(const Parameters::Key& key, const Json& value) {
  Json out;
  out.set("value", value).set("vhost", key.vhost).set("component", key.component).set("name", key.name);
  return out;
}

Json view_policy(const Parameters::Key& key, const Json& value) {
  Json out;
  out.set("vhost", key.vhost).set("name", key.name);
  for (const char* member : {"pattern", "apply-to", "definition", "priority"})
    if (const Json* one = value.find(member)) out.set(member, *one);
  return out;
}

Json policy_value(const Json& body) {
  Json out;
  const Json *target = body.find("apply-to"), *definition = body.find("definition");
  auto priority = number_in(body, "priority");
  const Json* given = body.find("priority");
  if (const Json* pattern = body.find("pattern")) out.set("pattern", *pattern);
  if (definition) out.set("definition", *definition);
  out.set("priority", priority ? Json(*priority) : given ? *given : Json(0)).set("apply-to", target ? *target : "all");
  return out;
}

std::optional<std::string> check_parameter(const Parameters::Key& key, Json& value) {
  bool is_operator = key.component == Parameters::operator_policy;
  if (is_operator || key.component == Parameters::policy) {
    value = policy_value(value);
    auto policy = make_policy(key.name, value, is_operator);
    if (!policy) return "Validation failed\n\n" + policy.error() + "\n";
    if (auto wrong = unusable_value(policy->definition)) return "Validation failed\n\n" + *wrong + "\n";
  }
  if (key.component == Parameters::vhost_limits) {
    if (!value.members()) return "limits: an object";
    for (const auto& [what, limit] : *value.members()) {
      if (what != "max-connections" && what != "max-queues") return "Unrecognised limits: " + what;
      if (!limit.integer()) return what + " should be a number, actually was " + to_text(limit);
    }
  }
  return std::nullopt;
}

namespace {

/// /parameters[/COMPONENT[/VHOST]]
io::Task<Reply> list(Call& call) {
  Json all = Json::array();
  for (const auto& [key, value] : call.site.parameters.all()) {
    bool is_meant = (call.names.empty() || key.component == call.names[0]) &&
                    (call.names.size() < 2 || key.vhost == call.names[1]) && key.component != Parameters::policy;
    if (is_meant && call.sees(key.vhost)) all.push(view_parameter(key, value));
  }
  co_return Reply{200, std::move(all)};
}

Parameters::Key key_of(const Call& call) { return {call.names[1], call.names[0], call.names[2]}; }

/// What limits others is for administrators; the rest for who may be in the virtual host.
bool may_change(const Call& call, const Parameters::Key& key) {
  if (call.user.has_tag("administrator")) return true;
  bool limits = key.component == Parameters::operator_policy || key.component == Parameters::vhost_limits;
  return !limits && call.site.users.may_enter(call.user.name, key.vhost);
}

io::Task<Reply> get(Call& call) {
  const Json* value = call.site.parameters.find(key_of(call));
  co_return value&& call.sees(call.names[1]) ? Reply{200, view_parameter(key_of(call), *value)} : not_found();
}

io::Task<Reply> store(Call& call, Parameters::Key key, Json value) {
  if (auto wrong = check_parameter(key, value)) co_return bad_request(*wrong);
  bool is_new = !call.site.parameters.find(key);
  auto setting = call.site.parameters.set(std::move(key), std::move(value));
  auto done = co_await setting;
  co_return !done ? failed(done.error()) : is_new ? created() : no_content();
}

bool is_known(std::string_view component) {
  return component == Parameters::policy || component == Parameters::operator_policy ||
         component == Parameters::vhost_limits;
}

io::Task<Reply> put(Call& call) {
  const Json* value = call.body.find("value");
  if (!value) co_return bad_request("key_missing: value");
  VirtualHost* host = call.site.hosts.find(call.names[1]);
  if (!host || host->removed) co_return not_found();
  if (!may_change(call, key_of(call))) co_return not_authorised("User not authorised to access virtual host");
  // Those of other plugins come in with definitions and stay, but who sets one by name waits for what nobody does.
  if (!is_known(call.names[0]))
    co_return bad_request("Validation failed\n\ncomponent " + call.names[0] + " not found\n");
  Json copy = *value;
  auto storing = store(call, key_of(call), std::move(copy));
  co_return co_await storing;
}

io::Task<Reply> erase(Call& call, Parameters::Key key) {
  auto clearing = call.site.parameters.clear(std::move(key));
  auto done = co_await clearing;
  co_return done ? no_content() : failed(done.error());
}

io::Task<Reply> remove(Call& call) {
  if (!may_change(call, key_of(call))) co_return not_authorised("User not authorised to access virtual host");
  auto erasing = erase(call, key_of(call));
  co_return co_await erasing;
}

Json global_view(const std::string& name, const Json& value) {
  Json out;
  out.set("name", name).set("value", value);
  return out;
}

io::Task<Reply> list_global(Call& call) {
  Json all = Json::array();
  for (const auto& [name, value] : call.site.parameters.globals()) all.push(global_view(name, value));
  co_return Reply{200, std::move(all)};
}

io::Task<Reply> get_global(Call& call) {
  auto found = call.site.parameters.globals().find(call.name());
  co_return found == call.site.parameters.globals().end() ? not_found()
                                                          : Reply{200, global_view(found->first, found->second)};
}

io::Task<Reply> put_global(Call& call) {
  const Json* value = call.body.find("value");
  if (!value) co_return bad_request("key_missing: value");
  bool is_new = !call.site.parameters.globals().contains(call.name());
  auto setting = call.site.parameters.set_global(call.name(), *value);
  auto done = co_await setting;
  co_return !done ? failed(done.error()) : is_new ? created() : no_content();
}

io::Task<Reply> remove_global(Call& call) {
  auto clearing = call.site.parameters.clear_global(call.name());
  auto done = co_await clearing;
  co_return done ? no_content() : failed(done.error());
}

template <const char* const& component>
io::Task<Reply> list_policies(Call& call) {
  Json all = Json::array();
  for (const auto& [key, value] : call.site.parameters.all()) {
    bool is_meant = key.component == component && (call.names.empty() || key.vhost == call.vhost());
    if (is_meant && call.sees(key.vhost)) all.push(view_policy(key, value));
  }
  co_return Reply{200, std::move(all)};
}

template <const char* const& component>
io::Task<Reply> get_policy(Call& call) {
  Parameters::Key key{call.vhost(), component, call.names[1]};
  const Json* value = call.site.parameters.find(key);
  co_return value ? Reply{200, view_policy(key, *value)} : not_found();
}

template <const char* const& component>
io::Task<Reply> put_policy(Call& call) {
  Parameters::Key key{call.vhost(), component, call.names[1]};
  auto storing = store(call, std::move(key), call.body);
  co_return co_await storing;
}

template <const char* const& component>
io::Task<Reply> remove_policy(Call& call) {
  Parameters::Key key{call.vhost(), component, call.names[1]};
  auto erasing = erase(call, std::move(key));
  co_return co_await erasing;
}

constexpr auto& own = Parameters::policy;
constexpr auto& operators = Parameters::operator_policy;

constexpr Route routes[] = {
    {"GET", "/parameters", Needs::policymaker, list},
    {"GET", "/parameters/{}", Needs::policymaker, list},
    {"GET", "/parameters/{}/{}", Needs::policymaker, list},
    {"GET", "/parameters/{}/{}/{}", Needs::policymaker, get},
    {"PUT", "/parameters/{}/{}/{}", Needs::policymaker, put},
    {"DELETE", "/parameters/{}/{}/{}", Needs::policymaker, remove},
    {"GET", "/global-parameters", Needs::policymaker, list_global},
    {"GET", "/global-parameters/{}", Needs::policymaker, get_global},
    {"PUT", "/global-parameters/{}", Needs::administrator, put_global},
    {"DELETE", "/global-parameters/{}", Needs::administrator, remove_global},
    {"GET", "/policies", Needs::management, list_policies<own>},
    {"GET", "/policies/{vhost}", Needs::management, list_policies<own>},
    {"GET", "/policies/{vhost}/{}", Needs::management, get_policy<own>},
    {"PUT", "/policies/{vhost}/{}", Needs::policymaker, put_policy<own>},
    {"DELETE", "/policies/{vhost}/{}", Needs::policymaker, remove_policy<own>},
    {"GET", "/operator-policies", Needs::management, list_policies<operators>},
    {"GET", "/operator-policies/{vhost}", Needs::management, list_policies<operators>},
    {"GET", "/operator-policies/{vhost}/{}", Needs::management, get_policy<operators>},
    {"PUT", "/operator-policies/{vhost}/{}", Needs::administrator, put_policy<operators>},
    {"DELETE", "/operator-policies/{vhost}/{}", Needs::administrator, remove_policy<operators>},
};

}  // namespace

std::span<const Route> parameter_routes() { return routes; }

}  // namespace naru::management
