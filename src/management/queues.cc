// /api/queues: lists, one queue, declaring, deleting, emptying.
#include "amqp/declaration_rules.h"
#include "amqp/queue_arguments.h"
#include "broker/field_json.h"
#include "management/live.h"

namespace naru::management {

namespace {

const char* type_name(QueueType type) {
  return type == QueueType::classic ? "classic" : type == QueueType::quorum ? "quorum" : "stream";
}

}  // namespace

void set_policies(Json& out, const Policies::Match& match) {
  Json nothing;
  out.set("policy", match.policy ? Json(match.policy->name) : nothing)
      .set("operator_policy", match.operator_policy ? Json(match.operator_policy->name) : nothing)
      .set("effective_policy_definition", match.definition());
}

namespace {

/// Who has the queue for themselves, and where it is.
void add_holders(const Call& call, Json& out, const DeclaredQueue& queue, const Holders& holders) {
  auto chosen = holders.chosen.find(queue.queue.get());
  const amqp::Consumer* consumer = chosen == holders.chosen.end() ? nullptr : chosen->second;
  Json tag = consumer ? Json(consumer->tag) : Json();
  out.set("exclusive_consumer_tag", consumer && consumer->exclusive ? tag : Json())
      .set("single_active_consumer_tag", consumer && !consumer->exclusive ? tag : Json());
  auto owner = holders.owners.find(queue.definition.owner);
  if (owner != holders.owners.end()) out.set("owner_pid_details", connection_details(*owner->second));
  if (queue.definition.type == QueueType::classic) return;
  Json nodes = Json::array();
  nodes.push(call.site.node);
  if (queue.definition.type == QueueType::quorum) out.set("leader", call.site.node);
  out.set("members", nodes).set("online", nodes);
}

}  // namespace

Json queue_view(const Call& call, const VirtualHost& host, const DeclaredQueue& queue, const Holders& holders) {
  const QueueDefinition& definition = queue.definition;
  auto counts = queue.queue->counts();
  Traffic traffic{.counters = queue.queue->counters(), .ready = counts.ready, .unacked = counts.unacked};
  Json out;
  out.set("name", definition.name)
      .set("vhost", host.name)
      .set("type", type_name(definition.type))
      .set("durable", definition.durable)
      .set("auto_delete", definition.auto_delete)
      .set("exclusive", definition.owner != 0)
      .set("arguments", to_json(definition.arguments.view()))
      .set("node", call.site.node)
      .set("state", "running")
      .set("consumers", queue.queue->consumer_count());
  call.site.rates->add(out, host.name + '\0' + definition.name, traffic, call.site.core.loop.now());
  set_policies(out, call.site.hosts.match(host, definition));
  add_holders(call, out, queue, holders);
  return out;
}

std::optional<Reply> limit_refusal(const Call& call, const VirtualHost& host, const std::string& queue) {
  auto limit = call.site.parameters.vhost_limit(host.name, "max-queues");
  if (!limit || static_cast<int64_t>(host.queues().size()) < *limit) return std::nullopt;
  return bad_request("PRECONDITION_FAILED - cannot declare queue '" + queue + "': queue limit in vhost '" + host.name +
                     "' (" + std::to_string(*limit) + ") is reached");
}

namespace {

io::Task<Reply> list(Call& call) {
  Json all = Json::array();
  Holders holders = holders_of(call.site);
  for (const auto& [vhost, host] : call.site.hosts.all()) {
    if (!call.names.empty() ? call.vhost() != vhost : !call.sees(vhost)) continue;
    for (const auto& [name, queue] : host->queues()) all.push(queue_view(call, *host, queue, holders));
  }
  co_return Reply{200, std::move(all)};
}

DeclaredQueue* find(Call& call) { return call.site.hosts.find(call.vhost())->find_queue(call.names[1]); }

io::Task<Reply> get(Call& call) {
  DeclaredQueue* queue = find(call);
  if (!queue) co_return not_found();
  Json out = queue_view(call, *call.site.hosts.find(call.vhost()), *queue, holders_of(call.site));
  Json consumers = Json::array();
  for (const Subscription& one : subscriptions(call.site))
    if (one.consumer->queue.get() == queue->queue.get()) consumers.push(consumer_view(one));
  out.set("consumer_details", std::move(consumers));
  co_return Reply{200, std::move(out)};
}

/// Whether the queue that is there is the one that is declared.
std::optional<std::string> difference(const QueueDefinition& wanted, const QueueDefinition& there,
                                      const std::string& vhost) {
  std::string what = "queue '" + there.name + "' in vhost '" + vhost + "'";
  auto differs = [&](const char* property, bool now, bool before) {
    return std::string("inequivalent arg '") + property + "' for " + what + ": received '" + (now ? "true" : "false") +
           "' but current is '" + (before ? "true" : "false") + "'";
  };
  if (wanted.durable != there.durable) return differs("durable", wanted.durable, there.durable);
  if (wanted.auto_delete != there.auto_delete) return differs("auto_delete", wanted.auto_delete, there.auto_delete);
  return amqp::inequivalence(wanted.arguments.view(), there.arguments.view(), there.type, what);
}

/// What keeps the user from making a queue that shows the messages of another one, or sends its own to an exchange.
std::optional<Reply> reach_refusal(const Call& call, const QueueDefinition& wanted) {
  auto topic = amqp::topic_access(wanted, call.vhost(), *call.site.core.catalog());
  if (!topic) return not_authorised("ACCESS_REFUSED - " + topic.error());
  if (*topic)
    if (auto no = refusal(call, (*topic)->needed, call.vhost(), "queue", (*topic)->name)) return no;
  const auto& dead = wanted.settings.dead_letter_exchange;
  if (!dead) return std::nullopt;
  if (auto no = refusal(call, Operation::read, call.vhost(), "queue", wanted.name)) return no;
  return refusal(call, Operation::write, call.vhost(), "exchange", *dead);
}

io::Task<Reply> put(Call& call) {
  VirtualHost& host = *call.site.hosts.find(call.vhost());
  QueueDefinition wanted{.name = call.names[1],
                         .durable = flag_in(call.body, "durable"),
                         .auto_delete = flag_in(call.body, "auto_delete"),
                         .arguments = table_in(call.body, "arguments")};
  if (auto wrong = flag_problem(call.body, {"durable", "auto_delete"})) co_return bad_request(*wrong);
  amqp::add_default_type(wanted, host.default_queue_type());
  if (wanted.name.starts_with("amq."))
    co_return bad_request("ACCESS_REFUSED - queue name '" + wanted.name + "' contains reserved prefix 'amq.*'");
  if (auto no = refusal(call, Operation::configure, host.name, "queue", wanted.name)) co_return *no;
  co_await call.site.hosts.queue_arrived(host, wanted.name);
  if (DeclaredQueue* there = host.find_queue(wanted.name)) {
    auto wrong = difference(wanted, there->definition, host.name);
    co_return wrong ? bad_request("PRECONDITION_FAILED - " + *wrong) : no_content();
  }
  if (auto no = limit_refusal(call, host, wanted.name)) co_return *no;
  if (auto applied = amqp::apply_arguments(wanted, host.name); !applied)
    co_return bad_request("PRECONDITION_FAILED - " + applied.error());
  if (auto no = reach_refusal(call, wanted)) co_return *no;
  auto declaring = call.site.hosts.declare_queue(host, std::move(wanted));
  auto declared = co_await declaring;
  co_return declared ? created() : failed(declared.error());
}

/// Another connection's own queue is nobody else's to change.
std::optional<Reply> locked(const Call& call, const DeclaredQueue& queue) {
  if (queue.definition.owner == 0) return std::nullopt;
  return bad_request("RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '" + queue.definition.name +
                     "' in vhost '" + call.vhost() + "'");
}

io::Task<Reply> remove(Call& call) {
  DeclaredQueue* queue = find(call);
  if (!queue) co_return not_found();
  if (auto no = refusal(call, Operation::configure, call.vhost(), "queue", call.names[1])) co_return *no;
  if (auto no = locked(call, *queue)) co_return *no;
  std::string what = "PRECONDITION_FAILED - queue '" + call.names[1] + "' in vhost '" + call.vhost() + "'";
  if (says_true(call, "if-unused") && queue->queue->consumer_count() > 0) co_return bad_request(what + " in use");
  auto counts = queue->queue->counts();
  if (says_true(call, "if-empty") && counts.ready > 0) co_return bad_request(what + " not empty");
  auto deleting = call.site.hosts.delete_queue(*call.site.hosts.find(call.vhost()), call.names[1]);
  auto deleted = co_await deleting;
  co_return deleted ? no_content() : failed(deleted.error());
}

io::Task<Reply> purge(Call& call) {
  DeclaredQueue* queue = find(call);
  if (!queue) co_return not_found();
  if (auto no = refusal(call, Operation::read, call.vhost(), "queue", call.names[1])) co_return *no;
  if (auto no = locked(call, *queue)) co_return *no;
  if (queue->definition.type == QueueType::stream) co_return bad_request("queue.purge not supported by stream queues");
  queue->queue->purge();
  co_return no_content();
}

constexpr Route routes[] = {
    {"GET", "/queues", Needs::management, list, Pages::some},
    {"GET", "/queues/{vhost}", Needs::management, list, Pages::some},
    {"GET", "/queues/{vhost}/{}", Needs::management, get},
    {"PUT", "/queues/{vhost}/{}", Needs::management, put},
    {"DELETE", "/queues/{vhost}/{}", Needs::management, remove},
    {"DELETE", "/queues/{vhost}/{}/contents", Needs::management, purge},
};

}  // namespace

std::span<const Route> queue_routes() { return routes; }

}  // namespace naru::management
