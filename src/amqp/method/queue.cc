// Class queue (50).
#include "amqp/declaration_rules.h"
#include "amqp/queue_arguments.h"
#include "amqp/session.h"

namespace naru::amqp {
namespace {

std::string in_vhost(std::string_view kind, std::string_view name, std::string_view vhost) {
  return std::string(kind) + " '" + std::string(name) + "' in vhost '" + std::string(vhost) + "'";
}

Refusal failed(const Error& error, bool feeds_topic = false) {
  std::string argument = feeds_topic ? "x-naru-to-topic: " : "x-naru-topic: ";
  if (error.code == Code::full) return {ReplyCode::resource_error, "no space left on the broker's disk"};
  if (error.code == Code::not_found) return {ReplyCode::not_found, argument + error.reason};
  if (error.code == Code::invalid) return {ReplyCode::precondition_failed, argument + error.reason};
  if (error.code == Code::exists)
    return {ReplyCode::precondition_failed, std::string("cannot declare a durable queue: ") + error.reason +
                                                " in Kafka; x-naru-topic declares a queue over it"};
  return {ReplyCode::internal_error, error.reason};
}

const char* text_of(bool value) { return value ? "true" : "false"; }

}  // namespace

io::Task<Outcome> Channel::queue_declare(ByteView payload) {
  auto declare = decode_method<QueueDeclare>(payload);
  if (!declare) co_return malformed(declare.error(), payload);
  VirtualHost& host = session_.host();
  std::string name = clean_name(declare->queue);
  bool nowait = declare->nowait;
  auto answer = [&](DeclaredQueue& queue) {
    last_queue_ = queue.definition.name;
    if (nowait) return;
    QueueDeclareOk ok{.queue = queue.definition.name,
                      .message_count = static_cast<uint32_t>(queue.queue->counts().ready),
                      .consumer_count = static_cast<uint32_t>(queue.queue->consumer_count())};
    session_.send(number, ok);
  };
  if (name.starts_with(answers_name)) co_return declare_answers(name, nowait);
  co_await session_.door().hosts.queue_arrived(host, name);
  if (closing_) co_return Outcome();
  if (declare->passive) {
    // Elsewhere that would be the one declared last.
    if (name.empty()) co_return Refusal{ReplyCode::not_found, "no " + in_vhost("queue", name, host.name)};
    auto found = find_queue(name, nullptr);
    if (!found) co_return found.error();
    (*found)->queue->last_used_ms = session_.door().core.loop.now();
    answer(**found);
    co_return Outcome();
  }
  QueueDefinition wanted{.name = name,
                         .durable = declare->durable,
                         .auto_delete = declare->auto_delete,
                         .owner = declare->exclusive ? session_.id : 0,
                         .arguments = FieldTable(declare->arguments)};
  add_default_type(wanted, host.default_queue_type());
  if (name.empty()) {
    wanted.name = "amq.gen-" + session_.door().hosts.random_name();
  } else if (name.starts_with("amq.")) {
    co_return Refusal{ReplyCode::access_refused, "queue name '" + name + "' contains reserved prefix 'amq.*'"};
  }
  if (auto no = session_.refusal(Operation::configure, "queue", wanted.name)) co_return no;
  if (DeclaredQueue* there = host.find_queue(wanted.name)) {
    if (auto refusal = compare(wanted, *there)) co_return refusal;
    there->queue->last_used_ms = session_.door().core.loop.now();
    answer(*there);
    co_return Outcome();
  }
  if (auto refusal = new_queue_refusal(wanted)) co_return refusal;
  if (auto applied = apply_arguments(wanted, host.name); !applied)
    co_return Refusal{ReplyCode::precondition_failed, applied.error()};
  if (name.empty() && wanted.type != QueueType::classic)
    co_return Refusal{ReplyCode::precondition_failed,
                      "Cannot declare a server-named queue for type " + erlang_name(wanted.type)};
  QueueDefinition asked = wanted;
  auto declaring = session_.door().hosts.declare_queue(host, std::move(wanted));
  auto declared = co_await declaring;
  if (!declared) co_return failed(declared.error(), asked.settings.to_topic.has_value());
  if (closing_) co_return Outcome();
  if (auto refusal = compare(asked, **declared)) co_return refusal;  // somebody else may have been faster
  answer(**declared);
  co_return Outcome();
}

/// What keeps a queue from being made that could be declared if it were there: a limit of the virtual host, and a place
/// for dead letters that the user may not write to.
Outcome Channel::new_queue_refusal(const QueueDefinition& wanted) const {
  const VirtualHost& host = session_.host();
  auto limit = session_.door().parameters.vhost_limit(host.name, "max-queues");
  if (limit && static_cast<int64_t>(host.queues().size()) >= *limit)
    return Refusal{ReplyCode::precondition_failed, "cannot declare queue '" + wanted.name +
                                                       "': queue limit in vhost '" + host.name + "' (" +
                                                       std::to_string(*limit) + ") is reached"};
  auto topic = topic_access(wanted, host.name, *session_.door().core.catalog());
  if (!topic) return Refusal{ReplyCode::access_refused, topic.error()};
  if (*topic)
    if (auto no = session_.refusal((*topic)->needed, "queue", (*topic)->name)) return no;
  auto dead_letters = wanted.arguments.find("x-dead-letter-exchange");
  if (!dead_letters || !dead_letters->text()) return {};
  if (auto no = session_.refusal(Operation::read, "queue", wanted.name)) return no;
  return session_.refusal(Operation::write, "exchange", *dead_letters->text());
}

/// What keeps the queue that is there from being the one that was declared.
Outcome Channel::compare(const QueueDefinition& wanted, const DeclaredQueue& there) const {
  const QueueDefinition& current = there.definition;
  std::string what = in_vhost("queue", current.name, session_.host().name);
  if (current.owner != wanted.owner) return locked(current.name);
  auto differs = [&](const char* property, bool now, bool before) -> Outcome {
    return Refusal{ReplyCode::precondition_failed, std::string("inequivalent arg '") + property + "' for " + what +
                                                       ": received '" + text_of(now) + "' but current is '" +
                                                       text_of(before) + "'"};
  };
  bool durable = wanted.durable && wanted.owner == 0;  // what goes with its connection is never durable
  if (durable != current.durable) return differs("durable", durable, current.durable);
  if (wanted.auto_delete != current.auto_delete) return differs("auto_delete", wanted.auto_delete, current.auto_delete);
  if (auto text = inequivalence(wanted.arguments.view(), current.arguments.view(), current.type, what))
    return Refusal{ReplyCode::precondition_failed, *text};
  return {};
}

io::Task<Outcome> Channel::queue_delete(ByteView payload) {
  auto wanted = decode_method<QueueDelete>(payload);
  if (!wanted) co_return malformed(wanted.error(), payload);
  auto named = stripped_queue_name(wanted->queue);
  if (!named) co_return named.error();
  std::string name = *named;
  bool nowait = wanted->nowait;
  if (auto no = session_.refusal(Operation::configure, "queue", name)) co_return no;
  auto found = existing_queue(name);
  if (!found && found.error().code != ReplyCode::not_found) co_return found.error();
  bool is_stream = found && (*found)->definition.type == QueueType::stream;  // RabbitMQ's look at no count
  if (found) {
    DeclaredQueue& queue = **found;
    std::string what = in_vhost("queue", name, session_.host().name);
    if (!is_stream && wanted->if_unused && queue.queue->consumer_count() > 0)
      co_return Refusal{ReplyCode::precondition_failed, what + " in use"};
    auto counts = queue.queue->counts();
    if (!is_stream && wanted->if_empty && counts.ready > 0)
      co_return Refusal{ReplyCode::precondition_failed, what + " not empty"};
  }
  // Also if there is none: somebody may be deleting it, and that is not durable yet.
  std::vector<std::string> cancelled;  // consumers of this channel: the answer comes first
  cancelled_ = &cancelled;
  auto deleting = session_.door().hosts.delete_queue(session_.host(), name);
  auto deleted = co_await deleting;
  cancelled_ = nullptr;
  auto ready = static_cast<uint32_t>(deleted && !is_stream ? *deleted : 0);
  if (deleted && !nowait && !closing_) session_.send(number, QueueDeleteOk{.message_count = ready});
  for (const std::string& tag : cancelled) tell_cancelled(tag);
  if (!deleted) co_return failed(deleted.error());
  co_return Outcome();
}

Outcome Channel::queue_purge(ByteView payload) {
  auto purge = decode_method<QueuePurge>(payload);
  if (!purge) return malformed(purge.error(), payload);
  if (auto no = queue_refusal(Operation::read, purge->queue)) return no;
  auto found = find_queue(purge->queue, nullptr);
  if (!found) return found.error();
  if (auto refused = not_for_streams("queue.purge", *(*found)->queue)) return refused;
  auto purged = static_cast<uint32_t>((*found)->queue->purge());
  if (!purge->nowait) session_.send(number, QueuePurgeOk{.message_count = purged});
  return {};
}

io::Task<Outcome> Channel::queue_bind(ByteView payload) {
  auto bind = decode_method<QueueBind>(payload);
  if (!bind) co_return malformed(bind.error(), payload);
  auto named = stripped_queue_name(bind->queue);
  if (!named) co_return named.error();
  Binding binding{.source = clean_name(bind->exchange),
                  .destination = *named,
                  .key = std::string(bind->routing_key),
                  .arguments = FieldTable(bind->arguments)};
  bool nowait = bind->nowait;
  if (bind->queue.empty() && binding.key.empty()) binding.key = last_queue_;
  if (auto no = session_.refusal(Operation::write, "queue", binding.destination)) co_return no;
  if (auto no = source_refusal(binding.source, binding.key)) co_return no;
  auto found = existing_queue(binding.destination);
  if (!found) co_return found.error();
  auto binding_task = make_binding(std::move(binding));
  Outcome outcome = co_await binding_task;
  if (!outcome && !nowait && !closing_) session_.send(number, QueueBindOk{});
  co_return outcome;
}

io::Task<Outcome> Channel::queue_unbind(ByteView payload) {
  auto unbind = decode_method<QueueUnbind>(payload);
  if (!unbind) co_return malformed(unbind.error(), payload);
  auto named = stripped_queue_name(unbind->queue);
  if (!named) co_return named.error();
  Binding binding{.source = clean_name(unbind->exchange),
                  .destination = *named,
                  .key = std::string(unbind->routing_key),
                  .arguments = FieldTable(unbind->arguments)};
  if (unbind->queue.empty() && binding.key.empty()) binding.key = last_queue_;
  if (auto no = session_.refusal(Operation::write, "queue", binding.destination)) co_return no;
  if (auto no = source_refusal(binding.source, binding.key)) co_return no;
  auto found = existing_queue(binding.destination);
  bool absent = !found && (found.error().code == ReplyCode::not_found || !session_.host().has(binding));
  if (!found && !absent) co_return found.error();
  auto removing = session_.door().hosts.unbind(session_.host(), std::move(binding));
  auto removed = co_await removing;
  if (!removed) co_return failed(removed.error());
  if (!closing_) session_.send(number, QueueUnbindOk{});
  co_return Outcome();
}

}  // namespace naru::amqp
