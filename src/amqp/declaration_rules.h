#pragma once
// What a declaration or a binding has to keep to beside its arguments, in RabbitMQ's words: for everybody who declares,
// over channels or over the management API.
#include <expected>
#include <optional>
#include <string>

#include "broker/catalog.h"
#include "broker/vhost/virtual_host.h"

namespace naru::amqp {

/// What differs between an exchange that is there and what is declared now; nothing if they are equivalent. The text of
/// a PRECONDITION_FAILED.
std::optional<std::string> inequivalence(const ExchangeDefinition& declared, const ExchangeDefinition& current,
                                         std::string_view vhost);

/// The name, in this virtual host, of what `wanted` would show the messages of by its x-naru-topic: who declares it has
/// to be allowed to read that. None if it shows no others. Else the text of an ACCESS_REFUSED.
std::expected<std::optional<std::string>, std::string> queue_behind_topic(const QueueDefinition& wanted,
                                                                          std::string_view vhost,
                                                                          const Catalog& catalog);

/// What is wrong with a binding from `source`, in this virtual host: the text of a PRECONDITION_FAILED.
std::optional<std::string> binding_problem(VirtualHost& host, const ExchangeDefinition& source, const Binding& binding);

}  // namespace naru::amqp
