// /api/definitions: all that was made by administrators and declared by clients, as one JSON document, out and in. It
// is RabbitMQ's format, so that what one broker exported the other one imports.
#include "amqp/declaration_rules.h"
#include "amqp/queue_arguments.h"
#include "amqp/server_properties.h"
#include "broker/field_json.h"
#include "broker/users/user_rows.h"
#include "management/view.h"

namespace naru::management {
namespace {

// -- out ---------------------------------------------------------------------------

bool is_wanted(const Call& call, std::string_view vhost) { return call.names.empty() || call.vhost() == vhost; }

/// In the definitions of one virtual host, queues, exchanges and bindings do not say which: they can be imported into
/// another. Policies and parameters say it all the same, as RabbitMQ's do.
void add_vhost(const Call& call, Json& to, const std::string& vhost) {
  if (call.names.empty()) to.set("vhost", vhost);
}

Json queues_of(const Call& call) {
  Json all = Json::array();
  for (const auto& [vhost, host] : call.site.hosts.all()) {
    if (!is_wanted(call, vhost)) continue;
    for (const auto& [name, queue] : host->queues()) {
      const QueueDefinition& definition = queue.definition;
      if (definition.owner != 0) continue;  // goes with its connection
      Json one;
      one.set("name", name);
      add_vhost(call, one, vhost);
      one.set("durable", definition.durable)
          .set("auto_delete", definition.auto_delete)
          .set("arguments", to_json(definition.arguments.view()));
      all.push(std::move(one));
    }
  }
  return all;
}

Json exchanges_of(const Call& call) {
  Json all = Json::array();
  for (const auto& [vhost, host] : call.site.hosts.all()) {
    if (!is_wanted(call, vhost)) continue;
    for (const auto& [name, exchange] : host->exchanges()) {
      const ExchangeDefinition& definition = exchange.definition;
      if (name.empty() || name.starts_with("amq.")) continue;  // there anyway
      Json one;
      one.set("name", name);
      add_vhost(call, one, vhost);
      one.set("type", naru::name(definition.type))
          .set("durable", definition.durable)
          .set("auto_delete", definition.auto_delete)
          .set("internal", definition.internal)
          .set("arguments", to_json(definition.arguments.view()));
      all.push(std::move(one));
    }
  }
  return all;
}

Json bindings_of(const Call& call) {
  Json all = Json::array();
  for (const auto& [vhost, host] : call.site.hosts.all()) {
    if (!is_wanted(call, vhost)) continue;
    for (const auto& [row, binding] : host->bindings()) {
      const DeclaredQueue* queue = binding.to_queue ? host->find_queue(binding.destination) : nullptr;
      if (queue && queue->definition.owner != 0) continue;
      Json one;
      one.set("source", binding.source);
      add_vhost(call, one, vhost);
      one.set("destination", binding.destination)
          .set("destination_type", binding.to_queue ? "queue" : "exchange")
          .set("routing_key", binding.key)
          .set("arguments", to_json(binding.arguments.view()));
      all.push(std::move(one));
    }
  }
  return all;
}

Json parameters_of(const Call& call, bool policies) {
  Json all = Json::array();
  for (const auto& [key, value] : call.site.parameters.all()) {
    if ((key.component == Parameters::policy) != policies || !is_wanted(call, key.vhost)) continue;
    all.push(policies ? view_policy(key, value) : view_parameter(key, value));
  }
  return all;
}

void add_site(const Call& call, Json& out) {
  Json users = Json::array(), vhosts = Json::array(), permissions = Json::array(), topics = Json::array(),
       globals = Json::array();
  for (const auto& [name, user] : call.site.users.all()) users.push(view(user));
  for (const auto& [name, host] : call.site.hosts.all()) {
    Json one;
    one.set("name", name);
    for (const char* member : {"description", "tags", "default_queue_type"})
      if (const Json* value = host->metadata.find(member)) one.set(member, *value);
    one.set("metadata", host->metadata);
    vhosts.push(std::move(one));
  }
  for (const Permission& one : call.site.users.permissions()) permissions.push(view(one));
  for (const TopicPermission& one : call.site.users.topic_permissions()) topics.push(view(one));
  for (const auto& [name, value] : call.site.parameters.globals()) {
    Json one;
    globals.push(one.set("name", name).set("value", value));
  }
  out.set("users", std::move(users))
      .set("vhosts", std::move(vhosts))
      .set("permissions", std::move(permissions))
      .set("topic_permissions", std::move(topics))
      .set("global_parameters", std::move(globals));
}

io::Task<Reply> get(Call& call) {
  Json out;
  out.set("rabbit_version", amqp::rabbitmq_version);
  if (call.names.empty()) {
    out.set("rabbitmq_version", amqp::rabbitmq_version)
        .set("product_name", "naru")
        .set("product_version", call.site.core.broker.settings.version);
    add_site(call, out);
  }
  out.set("parameters", parameters_of(call, /*policies=*/false))
      .set("policies", parameters_of(call, /*policies=*/true))
      .set("queues", queues_of(call))
      .set("exchanges", exchanges_of(call))
      .set("bindings", bindings_of(call));
  co_return Reply{200, std::move(out)};
}

// -- in ----------------------------------------------------------------------------

/// What went wrong with one of the things, if something did.
using Wrong = std::optional<std::string>;

Wrong of(const Result<void>& result) { return result ? std::nullopt : Wrong(result.error().reason); }

io::Task<Wrong> import_user(Call& call, const Json& item) {
  std::string name = text_in(item, "name");
  const User* there = call.site.users.find(name);
  auto user = parse_user(name, item, there);
  if (!user) co_return "user " + name + ": " + user.error();
  if (there && encode(*there) == encode(*user)) co_return std::nullopt;
  auto putting = call.site.users.put(std::move(*user));
  co_return of(co_await putting);
}

io::Task<Wrong> import_vhost(Call& call, const Json& item) {
  std::string name = text_in(item, "name");
  VirtualHost* there = call.site.hosts.find(name);
  const Json* metadata = item.find("metadata");
  Json wanted = metadata && metadata->members() ? *metadata : there ? there->metadata : Json::object();
  for (const char* member : {"description", "tags", "default_queue_type"})
    if (const Json* value = item.find(member)) wanted.set(member, *value);
  if (there && there->metadata == wanted) co_return std::nullopt;
  auto putting = call.site.hosts.put(std::move(name), std::move(wanted));
  co_return of(co_await putting);
}

io::Task<Wrong> import_permission(Call& call, const Json& item) {
  Permission permission{.user = text_in(item, "user"),
                        .vhost = text_in(item, "vhost"),
                        .patterns = {text_in(item, "configure"), text_in(item, "write"), text_in(item, "read")}};
  if (!call.site.hosts.find(permission.vhost)) co_return "permission: no virtual host " + permission.vhost;
  if (auto wrong = problem(permission)) co_return "permission of " + permission.user + ": " + *wrong;
  auto allowing = call.site.users.allow(std::move(permission));
  co_return of(co_await allowing);
}

io::Task<Wrong> import_topic_permission(Call& call, const Json& item) {
  TopicPermission permission{.user = text_in(item, "user"),
                             .vhost = text_in(item, "vhost"),
                             .exchange = text_in(item, "exchange"),
                             .write = text_in(item, "write"),
                             .read = text_in(item, "read")};
  if (!call.site.hosts.find(permission.vhost)) co_return "topic permission: no virtual host " + permission.vhost;
  if (auto wrong = problem(permission)) co_return "topic permission of " + permission.user + ": " + *wrong;
  auto allowing = call.site.users.allow_topic(std::move(permission));
  co_return of(co_await allowing);
}

io::Task<Wrong> import_global(Call& call, const Json& item) {
  const Json* value = item.find("value");
  if (!value) co_return "global parameter without a value";
  auto setting = call.site.parameters.set_global(text_in(item, "name"), *value);
  co_return of(co_await setting);
}

io::Task<Wrong> set_parameter(Call& call, Parameters::Key key, Json value) {
  if (!call.site.hosts.find(key.vhost)) co_return key.name + ": no virtual host " + key.vhost;
  if (auto wrong = check_parameter(key, value)) co_return key.name + ": " + *wrong;
  const Json* there = call.site.parameters.find(key);
  if (there && *there == value) co_return std::nullopt;
  auto setting = call.site.parameters.set(std::move(key), std::move(value));
  co_return of(co_await setting);
}

/// Where a thing belongs: definitions of one virtual host do not say.
std::string vhost_of(const Call& call, const Json& item) {
  return call.names.empty() ? text_in(item, "vhost") : call.vhost();
}

io::Task<Wrong> import_parameter(Call& call, const Json& item) {
  const Json* value = item.find("value");
  if (!value) co_return "parameter without a value";
  Parameters::Key key{vhost_of(call, item), text_in(item, "component"), text_in(item, "name")};
  bool limits = key.component == Parameters::operator_policy || key.component == Parameters::vhost_limits;
  if (limits && !call.user.has_tag("administrator")) co_return "Not administrator user";
  auto setting = set_parameter(call, std::move(key), *value);
  co_return co_await setting;
}

io::Task<Wrong> import_policy(Call& call, const Json& item) {
  Parameters::Key key{vhost_of(call, item), Parameters::policy, text_in(item, "name")};
  auto setting = set_parameter(call, std::move(key), item);
  co_return co_await setting;
}

io::Task<Wrong> import_queue(Call& call, const Json& item) {
  VirtualHost* host = call.site.hosts.find(vhost_of(call, item));
  QueueDefinition wanted{.name = text_in(item, "name"),
                         .durable = flag_in(item, "durable"),
                         .auto_delete = flag_in(item, "auto_delete"),
                         .arguments = table_in(item, "arguments")};
  if (!host) co_return "queue " + wanted.name + ": no such virtual host";
  co_await call.site.hosts.queue_arrived(*host, wanted.name);
  if (host->find_queue(wanted.name)) co_return std::nullopt;  // stays as it is
  if (auto applied = amqp::apply_arguments(wanted, host->name); !applied) co_return applied.error();
  auto topic = amqp::topic_access(wanted, host->name, *call.site.core.catalog());
  if (!topic) co_return "queue " + wanted.name + ": " + topic.error();
  auto declaring = call.site.hosts.declare_queue(*host, std::move(wanted));
  auto declared = co_await declaring;
  co_return declared ? std::nullopt : Wrong(declared.error().reason);
}

io::Task<Wrong> import_exchange(Call& call, const Json& item) {
  VirtualHost* host = call.site.hosts.find(vhost_of(call, item));
  auto type = exchange_type(item.text_of("type"));
  ExchangeDefinition wanted{.name = text_in(item, "name"),
                            .durable = flag_in(item, "durable"),
                            .auto_delete = flag_in(item, "auto_delete"),
                            .internal = flag_in(item, "internal"),
                            .arguments = table_in(item, "arguments")};
  if (!host) co_return "exchange " + wanted.name + ": no such virtual host";
  co_await call.site.hosts.exchange_arrived(*host, wanted.name);
  if (host->find_exchange(wanted.name)) co_return std::nullopt;
  if (!type) co_return "unknown exchange type '" + text_in(item, "type") + "'";
  wanted.type = *type;
  if (auto wrong = exchange_problem(*type, wanted.arguments.view())) co_return *wrong;
  if (auto alternate = wanted.arguments.find("alternate-exchange"); alternate && !alternate->text())
    co_return "exchange " + wanted.name + ": alternate-exchange is no text";
  auto declaring = call.site.hosts.declare_exchange(*host, std::move(wanted));
  auto declared = co_await declaring;
  co_return declared ? std::nullopt : Wrong(declared.error().reason);
}

io::Task<Wrong> import_binding(Call& call, const Json& item) {
  VirtualHost* host = call.site.hosts.find(vhost_of(call, item));
  Binding binding{.source = text_in(item, "source"),
                  .to_queue = item.text_of("destination_type") != "exchange",
                  .destination = text_in(item, "destination"),
                  .key = text_in(item, "routing_key"),
                  .arguments = table_in(item, "arguments")};
  if (!host) co_return "binding from " + binding.source + ": no such virtual host";
  const Exchange* source = host->find_exchange(binding.source);
  if (!source || binding.source.empty()) co_return "binding: no exchange " + binding.source;
  if (auto wrong = amqp::binding_problem(*host, source->definition, binding)) co_return *wrong;
  auto adding = call.site.hosts.bind(*host, std::move(binding));
  co_return of(co_await adding);
}

/// In this order, as each needs what comes before it. Those of the whole site are not taken for one virtual host.
struct Section {
  const char* name;
  bool of_site;
  const char* names[2];  // that an item cannot be without
  io::Task<Wrong> (*import)(Call& call, const Json& item);
};
constexpr Section sections[] = {
    {"users", true, {"name"}, import_user},
    {"vhosts", true, {"name"}, import_vhost},
    {"permissions", true, {"user", "vhost"}, import_permission},
    {"topic_permissions", true, {"user", "vhost"}, import_topic_permission},
    {"parameters", false, {"component", "name"}, import_parameter},
    {"global_parameters", true, {"name"}, import_global},
    {"policies", false, {"name"}, import_policy},
    {"queues", false, {"name"}, import_queue},
    {"exchanges", false, {"name"}, import_exchange},
    {"bindings", false, {"source", "destination"}, import_binding},
};

bool is_taken(const Call& call, const Section& section) { return !section.of_site || call.names.empty(); }

/// A thing without a name could not be deleted again.
Wrong item_problem(const Section& section, const Json& item) {
  if (!item.members()) return std::string(section.name) + ": something that is no object";
  for (const char* name : section.names)
    if (name && item.text_of(name).empty()) return std::string(section.name) + ": something without a " + name;
  // These stand in the keys of rows, whichever a section has.
  for (const char* name : {"name", "vhost", "user", "exchange", "component", "source", "destination", "routing_key"})
    if (auto wrong = name_problem(item.text_of(name))) return std::string(section.name) + ": " + name + ": " + *wrong;
  return std::nullopt;
}

/// Asked of everything before anything is made.
Wrong shape_problem(const Call& call) {
  for (const Section& section : sections) {
    const Json* items = call.body.find(section.name);
    if (!items || !is_taken(call, section)) continue;
    if (!items->items()) return std::string(section.name) + ": a list";
    for (const Json& item : *items->items())
      if (auto wrong = item_problem(section, item)) return wrong;
  }
  return std::nullopt;
}

/// Several at a time, as they share the journal's writes. Stops at the first that cannot be.
io::Task<Wrong> import_all(Call& call, const Section& section, const Json::Array& items) {
  constexpr size_t at_a_time = 64;
  Wrong wrong;
  for (size_t next = 0; next < items.size() && !wrong;) {
    std::vector<io::Task<Wrong>> importing;
    for (; next < items.size() && importing.size() < at_a_time && !wrong; ++next) {
      auto one = section.import(call, items[next]);
      if (one.done()) {
        wrong = one.take();
      } else {
        importing.push_back(std::move(one));
      }
    }
    for (auto& one : importing) {
      Wrong of_one = co_await one;
      if (!wrong) wrong = std::move(of_one);
    }
  }
  co_return wrong;
}

io::Task<Reply> post(Call& call) {
  if (auto wrong = shape_problem(call)) co_return bad_request(*wrong);
  for (const Section& section : sections) {
    const Json* items = call.body.find(section.name);
    if (!items || !is_taken(call, section)) continue;
    auto importing = import_all(call, section, *items->items());
    Wrong wrong = co_await importing;
    if (wrong) co_return bad_request(*wrong);
  }
  co_return no_content();
}

constexpr Route routes[] = {
    {"GET", "/definitions", Needs::administrator, get},
    {"POST", "/definitions", Needs::administrator, post},
    {"GET", "/definitions/{vhost}", Needs::policymaker, get},
    {"POST", "/definitions/{vhost}", Needs::administrator, post},
};

}  // namespace

std::span<const Route> definition_routes() { return routes; }

}  // namespace naru::management
