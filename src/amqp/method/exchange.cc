// Class exchange (40), and what both kinds of bindings share.
#include "amqp/declaration_rules.h"
#include "amqp/session.h"

namespace naru::amqp {
namespace {

Refusal failed(const Error& error) {
  if (error.code == Code::full) return {ReplyCode::resource_error, "no space left on the broker's disk"};
  return {ReplyCode::internal_error, error.reason};
}

}  // namespace

io::Task<Outcome> Channel::exchange_declare(ByteView payload) {
  auto declare = decode_method<ExchangeDeclare>(payload);
  if (!declare) co_return malformed(declare.error(), payload);
  VirtualHost& host = session_.host();
  std::string name = clean_name(declare->exchange);
  bool nowait = declare->nowait;
  co_await session_.door().hosts.exchange_arrived(host, name);
  if (closing_) co_return Outcome();
  Exchange* there = host.find_exchange(name);
  if (name.empty()) co_return Refusal{ReplyCode::access_refused, "operation not permitted on the default exchange"};
  if (declare->passive) {
    if (!there) co_return Refusal{ReplyCode::not_found, "no exchange '" + name + "' in vhost '" + host.name + "'"};
    if (!nowait) session_.send(number, ExchangeDeclareOk{});
    co_return Outcome();
  }
  auto type = exchange_type(declare->type);
  if (!type && declare->type.empty()) co_return Refusal{ReplyCode::command_invalid, "invalid exchange type ''"};
  if (!type)
    co_return Refusal{ReplyCode::command_invalid, "unknown exchange type '" + std::string(declare->type) + "'"};
  if (auto no = session_.refusal(Operation::configure, "exchange", name)) co_return no;
  ExchangeDefinition wanted{.name = name,
                            .type = *type,
                            .durable = declare->durable,
                            .auto_delete = declare->auto_delete,
                            .internal = declare->internal,
                            .arguments = FieldTable(declare->arguments)};
  if (auto alternate = declare->arguments.find("alternate-exchange"); alternate && !alternate->text())
    co_return Refusal{ReplyCode::precondition_failed, std::string("invalid type '") + naru::name(alternate->type) +
                                                          "' for arg 'alternate-exchange' in exchange '" + name +
                                                          "' in vhost '" + host.name + "'"};
  if (auto problem = exchange_problem(*type, declare->arguments))
    co_return Refusal{ReplyCode::precondition_failed, *problem};
  if (there) {
    if (auto refusal = compare(wanted, *there)) co_return refusal;
    if (!nowait) session_.send(number, ExchangeDeclareOk{});
    co_return Outcome();
  }
  if (name.starts_with("amq."))
    co_return Refusal{ReplyCode::access_refused, "exchange name '" + name + "' contains reserved prefix 'amq.*'"};
  if (auto alternate = wanted.arguments.find("alternate-exchange")) {
    if (auto no = session_.refusal(Operation::read, "exchange", name)) co_return no;
    if (auto no = session_.refusal(Operation::write, "exchange", *alternate->text())) co_return no;
  }
  ExchangeDefinition asked = wanted;
  auto declaring = session_.door().hosts.declare_exchange(host, std::move(wanted));
  auto declared = co_await declaring;
  if (!declared) co_return failed(declared.error());
  if (auto refusal = compare(asked, **declared)) co_return refusal;  // somebody else may have been faster
  if (!nowait && !closing_) session_.send(number, ExchangeDeclareOk{});
  co_return Outcome();
}

Outcome Channel::compare(const ExchangeDefinition& wanted, const Exchange& there) const {
  auto difference = inequivalence(wanted, there.definition, session_.host().name);
  if (!difference) return {};
  return Refusal{ReplyCode::precondition_failed, *difference};
}

io::Task<Outcome> Channel::exchange_delete(ByteView payload) {
  auto wanted = decode_method<ExchangeDelete>(payload);
  if (!wanted) co_return malformed(wanted.error(), payload);
  VirtualHost& host = session_.host();
  std::string name = clean_name(wanted->exchange);
  bool nowait = wanted->nowait;
  if (name.empty()) co_return Refusal{ReplyCode::access_refused, "operation not permitted on the default exchange"};
  if (name.starts_with("amq."))  // whether there is one or not
    co_return Refusal{ReplyCode::access_refused,
                      "deletion of system exchange '" + name + "' in vhost '" + host.name + "' not allowed"};
  if (auto no = session_.refusal(Operation::configure, "exchange", name)) co_return no;
  Exchange* there = host.find_exchange(name);
  if (there && wanted->if_unused && !there->bindings.empty())
    co_return Refusal{ReplyCode::precondition_failed, "exchange '" + name + "' in vhost '" + host.name + "' in use"};
  // Also if there is none: somebody may be deleting it, and that is not durable yet.
  auto deleting = session_.door().hosts.delete_exchange(host, name);
  auto deleted = co_await deleting;
  if (!deleted) co_return failed(deleted.error());
  if (!nowait && !closing_) session_.send(number, ExchangeDeleteOk{});
  co_return Outcome();
}

/// Of the exchange that a binding begins at; who may write to the destination was asked before.
Outcome Channel::source_refusal(const std::string& source, std::string_view key) const {
  if (source.empty()) return Refusal{ReplyCode::access_refused, "operation not permitted on the default exchange"};
  if (auto no = session_.refusal(Operation::read, "exchange", source)) return no;
  const Exchange* exchange = session_.host().find_exchange(source);
  return exchange ? session_.topic_refusal(Operation::read, *exchange, key) : std::nullopt;
}

/// Between exchanges.
Outcome Channel::binding_refusal(const Binding& binding) const {
  if (auto no = session_.refusal(Operation::write, "exchange", binding.destination)) return no;
  if (binding.destination.empty())
    return Refusal{ReplyCode::access_refused, "operation not permitted on the default exchange"};
  return source_refusal(binding.source, binding.key);
}

io::Task<Outcome> Channel::make_binding(Binding binding) {
  VirtualHost& host = session_.host();
  for (const std::string* name : {&binding.source, binding.to_queue ? &binding.source : &binding.destination})
    if (!host.find_exchange(*name))
      co_return Refusal{ReplyCode::not_found, "no exchange '" + *name + "' in vhost '" + host.name + "'"};
  const ExchangeDefinition& source = host.find_exchange(binding.source)->definition;
  if (auto problem = binding_problem(host, source, binding))
    co_return Refusal{ReplyCode::precondition_failed, *problem};
  auto adding = session_.door().hosts.bind(host, std::move(binding));
  auto added = co_await adding;
  if (!added) co_return failed(added.error());
  co_return Outcome();
}

io::Task<Outcome> Channel::exchange_bind(ByteView payload) {
  auto bind = decode_method<ExchangeBind>(payload);
  if (!bind) co_return malformed(bind.error(), payload);
  bool nowait = bind->nowait;
  Binding binding{.source = clean_name(bind->source),
                  .to_queue = false,
                  .destination = clean_name(bind->destination),
                  .key = std::string(bind->routing_key),
                  .arguments = FieldTable(bind->arguments)};
  if (auto no = binding_refusal(binding)) co_return no;
  auto making = make_binding(std::move(binding));
  Outcome outcome = co_await making;
  if (!outcome && !nowait && !closing_) session_.send(number, ExchangeBindOk{});
  co_return outcome;
}

io::Task<Outcome> Channel::exchange_unbind(ByteView payload) {
  auto unbind = decode_method<ExchangeUnbind>(payload);
  if (!unbind) co_return malformed(unbind.error(), payload);
  bool nowait = unbind->nowait;
  Binding binding{.source = clean_name(unbind->source),
                  .to_queue = false,
                  .destination = clean_name(unbind->destination),
                  .key = std::string(unbind->routing_key),
                  .arguments = FieldTable(unbind->arguments)};
  if (auto no = binding_refusal(binding)) co_return no;
  auto removing = session_.door().hosts.unbind(session_.host(), std::move(binding));
  auto removed = co_await removing;
  if (!removed) co_return failed(removed.error());
  if (!nowait && !closing_) session_.send(number, ExchangeUnbindOk{});
  co_return Outcome();
}

}  // namespace naru::amqp
