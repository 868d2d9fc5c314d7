// /api/overview, /api/nodes and the health checks
#include <charconv>

#include "amqp/server_properties.h"
#include "io/process.h"
#include "management/live.h"

namespace naru::management {
namespace {

struct Totals {
  Traffic traffic;
  size_t connections = 0, channels = 0, exchanges = 0, queues = 0, consumers = 0;
};

Totals count(const Call& call) {
  Totals all;
  for (const auto& [name, host] : call.site.hosts.all()) {
    if (!call.sees(name)) continue;
    all.exchanges += host->exchanges().size();
    all.queues += host->queues().size();
    for (const auto& [queue_name, queue] : host->queues()) {
      auto counts = queue.queue->counts();
      all.traffic.ready += counts.ready;
      all.traffic.unacked += counts.unacked;
      all.traffic.counters += queue.queue->counters();
      all.consumers += queue.queue->consumer_count();
    }
  }
  if (call.sees_all()) {
    for (const Queue::Counters& erased : call.site.queues.of_erased) all.traffic.counters += erased;
    all.traffic.confirmed = call.site.core.messages.confirmed;
  }
  for (const amqp::Session* session : call.site.door.sessions) {
    if (!session->has_host() || !call.sees(session->host().name)) continue;
    ++all.connections;
    all.channels += session->channels().size();
  }
  return all;
}

Json exchange_types() {
  Json all = Json::array();
  for (int i = 1; i <= static_cast<int>(ExchangeType::delayed_message); ++i) {
    Json one;
    one.set("name", naru::name(static_cast<ExchangeType>(i))).set("description", "").set("enabled", true);
    all.push(std::move(one));
  }
  return all;
}

Json listeners(const Site& site) {
  Json all = Json::array();
  for (const Listener& listener : *site.listeners) {
    Json one;
    one.set("node", site.node)
        .set("protocol", listener.protocol)
        .set("ip_address", listener.at.host)
        .set("port", listener.at.port)
        .set("socket_opts", Json::object());
    all.push(std::move(one));
  }
  return all;
}

io::Task<Reply> overview(Call& call) {
  Totals totals = count(call);
  Json queue_totals, object_totals, out;
  // Of whom depends on who asks.
  std::string whose = call.sees_all() ? std::string() : "user " + call.user.name;
  call.site.rates->add(queue_totals, whose, totals.traffic, call.site.core.loop.now());
  Json stats = *queue_totals.find("message_stats");
  if (call.sees_all()) {  // nobody counts these for each virtual host
    const auto& messages = call.site.core.messages;
    stats.set("get_empty", static_cast<int64_t>(messages.get_empty))
        .set("drop_unroutable", static_cast<int64_t>(messages.dropped))
        .set("return_unroutable", static_cast<int64_t>(messages.returned));
  }
  std::erase_if(*queue_totals.members(), [](const auto& member) { return member.first == "message_stats"; });
  object_totals.set("channels", totals.channels)
      .set("connections", totals.connections)
      .set("consumers", totals.consumers)
      .set("exchanges", totals.exchanges)
      .set("queues", totals.queues);
  const auto& globals = call.site.parameters.globals();
  auto cluster = globals.find("cluster_name");
  out.set("management_version", amqp::rabbitmq_version)
      .set("rates_mode", "basic")
      .set("product_name", "naru")
      .set("product_version", call.site.core.broker.settings.version)
      .set("rabbitmq_version", amqp::rabbitmq_version)
      .set("erlang_version", "")
      .set("erlang_full_version", "")
      .set("cluster_name", cluster == globals.end() ? Json(call.site.node) : cluster->second)
      .set("node", call.site.node)
      .set("disable_stats", false)
      .set("enable_queue_totals", true)
      .set("exchange_types", exchange_types())
      .set("message_stats", std::move(stats))
      .set("queue_totals", std::move(queue_totals))
      .set("object_totals", std::move(object_totals))
      .set("statistics_db_event_queue", 0)
      .set("listeners", listeners(call.site))
      .set("contexts", Json::array());
  co_return Reply{200, std::move(out)};
}

Json node_view(const Call& call) {
  const BrokerSettings& settings = call.site.core.broker.settings;
  Alarms& alarms = *call.site.door.alarms;
  (void)alarms.raised();  // has a look
  io::Descriptors descriptors = io::descriptors();
  Json out;
  out.set("name", call.site.node)
      .set("type", "disc")
      .set("running", true)
      .set("partitions", Json::array())
      .set("uptime", call.site.core.loop.wall() - call.site.started_ms)
      .set("mem_used", static_cast<int64_t>(io::resident_bytes()))
      .set("mem_limit", static_cast<int64_t>(alarms.memory_max()))
      .set("mem_alarm", alarms.low_on_memory())
      .set("disk_free", static_cast<int64_t>(std::min<uint64_t>(io::space_of(settings.data_dir).free, INT64_MAX)))
      .set("disk_free_limit", static_cast<int64_t>(alarms.disk_free_min()))
      .set("disk_free_alarm", alarms.low_on_disk() || call.site.queues.is_blocked())
      .set("os_pid", std::to_string(io::process_id()))
      .set("fd_used", static_cast<int64_t>(descriptors.used))
      .set("fd_total", static_cast<int64_t>(std::min<uint64_t>(descriptors.most, UINT32_MAX)))
      .set("proc_used", 0)  // Erlang's processes and their queue, which programs do not go on without
      .set("proc_total", 0)
      .set("run_queue", 0)
      .set("being_drained", false)
      .set("sockets_used", call.site.door.sessions.size())
      .set("sockets_total", static_cast<int64_t>(settings.connections_max))
      .set("processors", call.site.core.broker.cores.size())
      .set("rates_mode", "basic")
      .set("db_dir", settings.data_dir)
      .set("enabled_plugins", Json::array())
      .set("applications", Json::array());
  return out;
}

io::Task<Reply> nodes(Call& call) {
  Json all = Json::array();
  all.push(node_view(call));
  co_return Reply{200, std::move(all)};
}

io::Task<Reply> node(Call& call) {
  co_return call.name() == call.site.node ? Reply{200, node_view(call)} : not_found();
}

io::Task<Reply> cluster_name(Call& call) {
  const auto& globals = call.site.parameters.globals();
  auto there = globals.find("cluster_name");
  if (call.method == "PUT") {
    if (auto missing = missing_keys(call.body, {"name"})) co_return bad_request(*missing);
    if (!call.body.find("name")->text()) co_return bad_request("name: a text");
    auto setting = call.site.parameters.set_global("cluster_name", text_in(call.body, "name"));
    auto done = co_await setting;
    co_return done ? no_content() : failed(done.error());
  }
  Json out;
  out.set("name", there == globals.end() ? Json(call.site.node) : there->second);
  co_return Reply{200, std::move(out)};
}

/// Every queue is on the only node.
io::Task<Reply> rebalance(Call&) { co_return no_content(); }

/// How a web page would log in: with a name and a password.
io::Task<Reply> authentication(Call&) {
  Json out;
  out.set("enable_uaa", false).set("uaa_client_id", "").set("uaa_location", "");
  co_return Reply{200, std::move(out)};
}

/// Of what naru has none of.
io::Task<Reply> none(Call&) { co_return Reply{200, Json::array()}; }

// -- health ----------------------------------------------------------------------------

Reply healthy() {
  Json out;
  out.set("status", "ok");
  return {200, std::move(out)};
}

Reply ill(std::string_view reason) {
  Json out;
  out.set("status", "failed").set("reason", reason);
  return {503, std::move(out)};
}

/// The alarms that are raised, as RabbitMQ names what runs short.
Json raised(const Site& site) {
  Alarms& alarms = *site.door.alarms;
  (void)alarms.raised();  // has a look
  Json all = Json::array();
  auto add = [&](bool is_raised, const char* resource) {
    if (!is_raised) return;
    Json one;
    one.set("node", site.node).set("resource", resource);
    all.push(std::move(one));
  };
  add(alarms.low_on_memory(), "memory");
  add(alarms.low_on_disk() || site.queues.is_blocked(), "disk");
  return all;
}

Reply check_alarms(const Call& call, std::string_view where) {
  Json all = raised(call.site);
  if (all.items()->empty()) return healthy();
  Reply reply = ill("There are alarms in effect " + std::string(where));
  reply.body.set("alarms", std::move(all));
  return reply;
}

io::Task<Reply> alarms(Call& call) { co_return check_alarms(call, "in the cluster"); }
io::Task<Reply> local_alarms(Call& call) { co_return check_alarms(call, "on the node"); }

/// Of what only a cluster can have wrong.
io::Task<Reply> always_healthy(Call&) { co_return healthy(); }

Reply no_listener(Json missing, std::string_view others_name, Json others) {
  Reply reply = ill("No active listener");
  reply.body.set("missing", std::move(missing)).set(others_name, std::move(others));
  return reply;
}

io::Task<Reply> port_listener(Call& call) {
  const std::string& text = call.name();
  uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) co_return bad_request("Invalid port");
  Json ports = Json::array();
  for (const Listener& listener : *call.site.listeners) {
    ports.push(listener.at.port);
    if (listener.at.port != port) continue;
    Reply reply = healthy();
    reply.body.set("port", port);
    co_return reply;
  }
  co_return no_listener(port, "ports", std::move(ports));
}

io::Task<Reply> protocol_listener(Call& call) {
  std::string_view wanted = call.name();
  if (wanted == "amqp091" || wanted == "amqp0.9.1") wanted = "amqp";
  if (wanted == "amqps" || wanted == "amqp/tls") wanted = "amqp/ssl";
  Json protocols = Json::array();
  for (const Listener& listener : *call.site.listeners) {
    protocols.push(listener.protocol);
    if (listener.protocol != wanted) continue;
    Reply reply = healthy();
    reply.body.set("protocol", call.name());
    co_return reply;
  }
  co_return no_listener(call.name(), "protocols", std::move(protocols));
}

/// It takes connections, as far as it is not about to stop.
io::Task<Reply> in_service(Call& call) { co_return call.site.door.stopping ? ill("the node is stopping") : healthy(); }

/// How many seconds of a unit: /certificate-expiration/2/weeks
std::optional<int64_t> seconds_of(std::string_view unit) {
  constexpr int64_t day = 86'400;
  if (unit == "days") return day;
  if (unit == "weeks") return 7 * day;
  if (unit == "months") return 30 * day;
  if (unit == "years") return 365 * day;
  return std::nullopt;
}

io::Task<Reply> certificate_expiration(Call& call) {
  constexpr int64_t most = 1'000'000;
  const std::string& text = call.names[0];
  int64_t within = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), within);
  auto unit = seconds_of(call.names[1]);
  if (error != std::errc() || end != text.data() + text.size() || within < 0 || within > most || !unit)
    co_return bad_request("a number, and days, weeks, months or years");
  int64_t limit = call.site.core.loop.wall() / 1000 + within * *unit;
  auto ends = [limit](const Listener& listener) {
    return listener.certificate_end && *listener.certificate_end < limit;
  };
  co_return std::ranges::any_of(*call.site.listeners, ends) ? ill("Certificates expiring") : healthy();
}

/// Makes a queue, puts a message through it, and leaves the queue, as RabbitMQ does.
io::Task<Reply> aliveness(Call& call) {
  if (call.site.queues.is_blocked()) co_return ill("the disk is full");
  VirtualHost& host = *call.site.hosts.find(call.vhost());
  QueueDefinition wanted{.name = "aliveness-test", .durable = false};
  if (auto no = refusal(call, Operation::configure, host.name, "queue", wanted.name)) co_return *no;
  if (auto no = refusal(call, Operation::write, host.name, "exchange", "amq.default")) co_return *no;
  if (auto no = refusal(call, Operation::read, host.name, "queue", wanted.name)) co_return *no;
  const DeclaredQueue* there = host.find_queue(wanted.name);
  if (there && there->definition.owner != 0) co_return ill("the queue is exclusive to a connection");
  if (auto no = there ? std::nullopt : limit_refusal(call, host, wanted.name)) co_return *no;
  auto declaring = call.site.hosts.declare_queue(host, std::move(wanted));
  auto declared = co_await declaring;
  if (!declared) co_return failed(declared.error());
  auto queue = (*declared)->queue;
  std::string_view body = "test_message";
  NewMessage message{.body = naru::view(body)};
  queue->publish(message);
  bool came = false;
  Queue::Taker take = [&](const Delivery& got, int64_t) {
    came |= text(got.record.body()) == body;
    return true;
  };
  (void)co_await queue->get(/*no_ack=*/true, take);  // one: what else waits there may be somebody's
  co_return came ? healthy() : ill("the message did not come back");
}

constexpr Route routes[] = {
    {"GET", "/overview", Needs::management, overview},
    {"GET", "/nodes", Needs::monitoring, nodes},
    {"GET", "/nodes/{}", Needs::monitoring, node},
    {"GET", "/cluster-name", Needs::management, cluster_name},
    {"PUT", "/cluster-name", Needs::administrator, cluster_name},
    {"GET", "/auth", Needs::management, authentication},
    {"POST", "/rebalance/queues", Needs::administrator, rebalance},
    {"GET", "/extensions", Needs::management, none},
    {"GET", "/feature-flags", Needs::management, none},
    {"GET", "/aliveness-test/{vhost}", Needs::management, aliveness},
    {"GET", "/health/checks/alarms", Needs::management, alarms},
    {"GET", "/health/checks/local-alarms", Needs::management, local_alarms},
    {"GET", "/health/checks/virtual-hosts", Needs::management, always_healthy},
    {"GET", "/health/checks/node-is-mirror-sync-critical", Needs::management, always_healthy},
    {"GET", "/health/checks/node-is-quorum-critical", Needs::management, always_healthy},
    {"GET", "/health/checks/ready-to-serve-clients", Needs::management, in_service},
    {"GET", "/health/checks/is-in-service", Needs::management, in_service},
    {"GET", "/health/checks/certificate-expiration/{}/{}", Needs::management, certificate_expiration},
    {"GET", "/health/checks/port-listener/{}", Needs::management, port_listener},
    {"GET", "/health/checks/protocol-listener/{}", Needs::management, protocol_listener},
};

}  // namespace

std::span<const Route> overview_routes() { return routes; }

}  // namespace naru::management
