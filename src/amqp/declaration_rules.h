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

/// What who declares a queue has to be allowed with its topic: to read what x-naru-topic shows, to write what
/// x-naru-to-topic feeds. `name`: as a queue in this virtual host would have it.
struct TopicAccess {
  Operation needed;
  std::string name;
};
/// None if the queue has no topic of another. Else the text of an ACCESS_REFUSED.
std::expected<std::optional<TopicAccess>, std::string> topic_access(const QueueDefinition& wanted,
                                                                    std::string_view vhost, const Catalog& catalog);

/// What is wrong with a binding from `source`, in this virtual host: the text of a PRECONDITION_FAILED.
std::optional<std::string> binding_problem(VirtualHost& host, const ExchangeDefinition& source, const Binding& binding);

}  // namespace naru::amqp
