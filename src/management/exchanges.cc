// /api/exchanges and /api/bindings
#include "amqp/declaration_rules.h"
#include "base/hex.h"
#include "broker/field_json.h"
#include "management/live.h"

namespace naru::management {

Json exchange_view(const Call& call, const VirtualHost& host, const Exchange& exchange) {
  const ExchangeDefinition& definition = exchange.definition;
  Json out;
  out.set("name", definition.name)
      .set("vhost", host.name)
      .set("type", naru::name(definition.type))
      .set("durable", definition.durable)
      .set("auto_delete", definition.auto_delete)
      .set("internal", definition.internal)
      .set("arguments", to_json(definition.arguments.view()))
      .set("user_who_performed_action", "rmq-internal");
  if (exchange.delayed) out.set("messages_delayed", exchange.delayed->counts().ready);
  set_policies(out, call.site.hosts.match(host, definition));
  return out;
}

namespace {

// -- exchanges -----------------------------------------------------------------------

io::Task<Reply> list(Call& call) {
  Json all = Json::array();
  for (const auto& [vhost, host] : call.site.hosts.all()) {
    if (!call.names.empty() ? call.vhost() != vhost : !call.sees(vhost)) continue;
    for (const auto& [name, exchange] : host->exchanges()) all.push(exchange_view(call, *host, exchange));
  }
  co_return Reply{200, std::move(all)};
}

/// The default exchange's name in paths.
std::string exchange_name(const std::string& in_path) { return in_path == "amq.default" ? "" : in_path; }

io::Task<Reply> get(Call& call) {
  VirtualHost& host = *call.site.hosts.find(call.vhost());
  Exchange* exchange = host.find_exchange(exchange_name(call.names[1]));
  co_return exchange ? Reply{200, exchange_view(call, host, *exchange)} : not_found();
}

io::Task<Reply> put(Call& call) {
  VirtualHost& host = *call.site.hosts.find(call.vhost());
  std::string type_name = call.body.find("type") ? text_in(call.body, "type") : "direct";
  auto type = exchange_type(type_name);
  ExchangeDefinition wanted{.name = exchange_name(call.names[1]),
                            .durable = flag_in(call.body, "durable"),
                            .auto_delete = flag_in(call.body, "auto_delete"),
                            .internal = flag_in(call.body, "internal"),
                            .arguments = table_in(call.body, "arguments")};
  if (auto wrong = flag_problem(call.body, {"durable", "auto_delete", "internal"})) co_return bad_request(*wrong);
  if (!type) co_return bad_request("COMMAND_INVALID - unknown exchange type '" + type_name + "'");
  wanted.type = *type;
  if (wanted.name.empty()) co_return bad_request("ACCESS_REFUSED - operation not permitted on the default exchange");
  if (auto no = refusal(call, Operation::configure, host.name, "exchange", wanted.name)) co_return *no;
  if (auto wrong = exchange_problem(*type, wanted.arguments.view()))
    co_return bad_request("PRECONDITION_FAILED - " + *wrong);
  co_await call.site.hosts.exchange_arrived(host, wanted.name);
  if (Exchange* there = host.find_exchange(wanted.name)) {
    auto wrong = amqp::inequivalence(wanted, there->definition, host.name);
    co_return wrong ? bad_request("PRECONDITION_FAILED - " + *wrong) : no_content();
  }
  if (wanted.name.starts_with("amq."))
    co_return bad_request("ACCESS_REFUSED - exchange name '" + wanted.name + "' contains reserved prefix 'amq.*'");
  if (auto alternate = wanted.arguments.find("alternate-exchange")) {
    if (!alternate->text())
      co_return bad_request("PRECONDITION_FAILED - invalid type '" + std::string(naru::name(alternate->type)) +
                            "' for arg 'alternate-exchange' in exchange '" + wanted.name + "' in vhost '" + host.name +
                            "'");
    if (auto no = refusal(call, Operation::read, host.name, "exchange", wanted.name)) co_return *no;
    if (auto no = refusal(call, Operation::write, host.name, "exchange", std::string(*alternate->text())))
      co_return *no;
  }
  auto declaring = call.site.hosts.declare_exchange(host, std::move(wanted));
  auto declared = co_await declaring;
  co_return declared ? created() : failed(declared.error());
}

io::Task<Reply> remove(Call& call) {
  VirtualHost& host = *call.site.hosts.find(call.vhost());
  const std::string& name = call.names[1];
  Exchange* there = host.find_exchange(name);
  if (!there) co_return not_found();
  if (auto no = refusal(call, Operation::configure, host.name, "exchange", name)) co_return *no;
  if (name.empty() || name.starts_with("amq."))
    co_return bad_request("ACCESS_REFUSED - deletion of system exchange '" + name + "' in vhost '" + host.name +
                          "' not allowed");
  if (says_true(call, "if-unused") && !there->bindings.empty())
    co_return bad_request("PRECONDITION_FAILED - exchange '" + name + "' in vhost '" + host.name + "' in use");
  auto deleting = call.site.hosts.delete_exchange(host, name);
  auto deleted = co_await deleting;
  co_return deleted ? no_content() : failed(deleted.error());
}

// -- bindings ------------------------------------------------------------------------

/// Names a binding among those of the same source and destination: its key, and what its arguments are, shortened.
std::string properties_key(const Binding& binding) {
  if (binding.key.empty() && binding.arguments.empty()) return "~";
  std::string out;
  for (char c : http::escape(binding.key)) {
    if (c == '~') {
      out += "%7E";  // stands before the arguments
    } else {
      out += c;
    }
  }
  if (binding.arguments.empty()) return out;
  uint64_t hash = 1469598103934665603ull;  // FNV-1a: the same in every run
  for (uint8_t byte : binding.arguments.view().bytes()) hash = (hash ^ byte) * 1099511628211ull;
  out += '~';
  for (int shift = 56; shift >= 0; shift -= 8) append_hex(out, static_cast<uint8_t>(hash >> shift));
  return out;
}

/// Clients that know what it is escape the key once more for the path, others do not.
bool is_key(const std::string& given, const Binding& binding) {
  std::string key = properties_key(binding);
  return given == key || (binding.arguments.empty() && !binding.key.empty() && given == binding.key);
}

Json binding_view(const VirtualHost& host, const Binding& binding) {
  Json out;
  out.set("source", binding.source)
      .set("vhost", host.name)
      .set("destination", binding.destination)
      .set("destination_type", binding.to_queue ? "queue" : "exchange")
      .set("routing_key", binding.key)
      .set("arguments", to_json(binding.arguments.view()))
      .set("properties_key", properties_key(binding));
  return out;
}

/// All bindings of a virtual host, with those that every queue has to the default exchange.
template <class Fits>
void add_bindings(Json& to, const VirtualHost& host, Fits fits) {
  for (const auto& [name, queue] : host.queues()) {
    Binding binding{.source = "", .destination = name, .key = name};
    if (fits(binding)) to.push(binding_view(host, binding));
  }
  for (const auto& [row, binding] : host.bindings())
    if (fits(binding)) to.push(binding_view(host, binding));
}

template <class Fits>
Reply bindings_of(const Call& call, Fits fits) {
  Json all = Json::array();
  for (const auto& [vhost, host] : call.site.hosts.all()) {
    bool is_meant = call.names.empty() ? call.sees(vhost) : call.vhost() == vhost;
    if (is_meant) add_bindings(all, *host, fits);
  }
  return {200, std::move(all)};
}

io::Task<Reply> list_bindings(Call& call) {
  co_return bindings_of(call, [](const Binding&) { return true; });
}

io::Task<Reply> of_queue(Call& call) {
  if (!call.site.hosts.find(call.vhost())->find_queue(call.names[1])) co_return not_found();
  co_return bindings_of(call, [&](const Binding& one) { return one.to_queue && one.destination == call.names[1]; });
}

io::Task<Reply> from_exchange(Call& call) {
  std::string name = exchange_name(call.names[1]);
  if (!call.site.hosts.find(call.vhost())->find_exchange(name)) co_return not_found();
  co_return bindings_of(call, [&](const Binding& one) { return one.source == name; });
}

io::Task<Reply> to_exchange(Call& call) {
  std::string name = exchange_name(call.names[1]);
  if (!call.site.hosts.find(call.vhost())->find_exchange(name)) co_return not_found();
  co_return bindings_of(call, [&](const Binding& one) { return !one.to_queue && one.destination == name; });
}

/// /bindings/VHOST/e/SOURCE/q/DESTINATION[/PROPERTIES], and with another e instead of q
template <bool to_queue>
bool is_meant(const Call& call, const Binding& binding) {
  return binding.to_queue == to_queue && binding.source == exchange_name(call.names[1]) &&
         binding.destination == call.names[2] && (call.names.size() < 4 || is_key(call.names[3], binding));
}

template <bool to_queue>
io::Task<Reply> between(Call& call) {
  co_return bindings_of(call, [&](const Binding& one) { return is_meant<to_queue>(call, one); });
}

template <bool to_queue>
io::Task<Reply> get_binding(Call& call) {
  Reply all = bindings_of(call, [&](const Binding& one) { return is_meant<to_queue>(call, one); });
  co_return all.body.items()->empty() ? not_found() : Reply{200, std::move(all.body.items()->front())};
}

/// Who may bind may unbind: write the destination, read the source. Of a topic exchange there is more to ask.
template <bool to_queue>
std::optional<Reply> binding_refusal(const Call& call) {
  std::string source = exchange_name(call.names[1]);
  if (source.empty()) return bad_request("ACCESS_REFUSED - operation not permitted on the default exchange");
  if (auto no = refusal(call, Operation::write, call.vhost(), to_queue ? "queue" : "exchange", call.names[2]))
    return no;
  return refusal(call, Operation::read, call.vhost(), "exchange", source);
}

/// Where the binding is, from where it was made: programs read its properties key out of this, as nothing else tells
/// it.
std::string location_of(const Binding& binding) {
  return http::escape(binding.destination) + "/" + http::escape(properties_key(binding));
}

template <bool to_queue>
io::Task<Reply> post_binding(Call& call) {
  VirtualHost& host = *call.site.hosts.find(call.vhost());
  Binding binding{.source = exchange_name(call.names[1]),
                  .to_queue = to_queue,
                  .destination = call.names[2],
                  .key = text_in(call.body, "routing_key"),
                  .arguments = table_in(call.body, "arguments")};
  if (auto wrong = name_problem(binding.key)) co_return bad_request("routing_key: " + *wrong);
  if (auto no = binding_refusal<to_queue>(call)) co_return *no;
  Exchange* source = host.find_exchange(binding.source);
  bool target =
      to_queue ? host.find_queue(binding.destination) != nullptr : host.find_exchange(binding.destination) != nullptr;
  if (!source || !target) co_return not_found();
  if (auto no = topic_refusal(call, Operation::read, *source, binding.key)) co_return *no;
  if (auto wrong = amqp::binding_problem(host, source->definition, binding))
    co_return bad_request("PRECONDITION_FAILED - " + *wrong);
  std::string location = location_of(binding);
  auto adding = call.site.hosts.bind(host, std::move(binding));
  auto added = co_await adding;
  co_return added ? created(std::move(location)) : failed(added.error());
}

template <bool to_queue>
io::Task<Reply> delete_binding(Call& call) {
  VirtualHost& host = *call.site.hosts.find(call.vhost());
  if (auto no = binding_refusal<to_queue>(call)) co_return *no;
  for (const auto& [row, binding] : host.bindings()) {
    if (!is_meant<to_queue>(call, binding)) continue;
    const Exchange* source = host.find_exchange(binding.source);
    if (auto no = source ? topic_refusal(call, Operation::read, *source, binding.key) : std::nullopt) co_return *no;
    Binding gone = binding;
    auto removing = call.site.hosts.unbind(host, std::move(gone));
    auto removed = co_await removing;
    co_return removed ? no_content() : failed(removed.error());
  }
  co_return not_found();
}

constexpr Route routes[] = {
    {"GET", "/exchanges", Needs::management, list, Pages::some},
    {"GET", "/exchanges/{vhost}", Needs::management, list, Pages::some},
    {"GET", "/exchanges/{vhost}/{}", Needs::management, get},
    {"PUT", "/exchanges/{vhost}/{}", Needs::management, put},
    {"DELETE", "/exchanges/{vhost}/{}", Needs::management, remove},
    {"GET", "/exchanges/{vhost}/{}/bindings/source", Needs::management, from_exchange},
    {"GET", "/exchanges/{vhost}/{}/bindings/destination", Needs::management, to_exchange},
    {"GET", "/queues/{vhost}/{}/bindings", Needs::management, of_queue},
    {"GET", "/bindings", Needs::management, list_bindings},
    {"GET", "/bindings/{vhost}", Needs::management, list_bindings},
    {"GET", "/bindings/{vhost}/e/{}/q/{}", Needs::management, between<true>},
    {"GET", "/bindings/{vhost}/e/{}/e/{}", Needs::management, between<false>},
    {"POST", "/bindings/{vhost}/e/{}/q/{}", Needs::management, post_binding<true>},
    {"POST", "/bindings/{vhost}/e/{}/e/{}", Needs::management, post_binding<false>},
    {"GET", "/bindings/{vhost}/e/{}/q/{}/{}", Needs::management, get_binding<true>},
    {"GET", "/bindings/{vhost}/e/{}/e/{}/{}", Needs::management, get_binding<false>},
    {"DELETE", "/bindings/{vhost}/e/{}/q/{}/{}", Needs::management, delete_binding<true>},
    {"DELETE", "/bindings/{vhost}/e/{}/e/{}/{}", Needs::management, delete_binding<false>},
};

}  // namespace

std::span<const Route> exchange_routes() { return routes; }

}  // namespace naru::management
