#pragma once
// What the arguments of queue.declare mean, and what is wrong with them in RabbitMQ's words (rabbitmq.md 2.3, 2.4).
#include <expected>
#include <string>

#include "broker/vhost/definitions.h"

namespace naru::amqp {

/// Fills type and settings of `queue` from its arguments. Else the explanation of a PRECONDITION_FAILED; what can be
/// applied is applied then, too, as a queue that was made before something was refused has to come back.
std::expected<void, std::string> apply_arguments(QueueDefinition& queue, std::string_view vhost);

/// Adds x-queue-type where the virtual host says so and nothing else does, if the queue can be of that type.
void add_default_type(QueueDefinition& queue, std::string_view type);

/// Adds what a policy says ("max-length": 10) where there is no argument for it; of two limits the smaller one counts.
/// What does not suit the queue's type, or makes no sense, is left out.
void apply_policy(QueueDefinition& queue, FieldTableView policy);

/// What RabbitMQ calls a type of queue in its explanations: "rabbit_stream_queue".
std::string erlang_name(QueueType type);

/// What differs between a queue and what is declared now, among the arguments that mean something to a queue of its
/// type; nothing if they are equivalent. "received '11' but current is '10'", with the argument's name before.
std::optional<std::string> inequivalence(FieldTableView declared, FieldTableView current, QueueType type,
                                         std::string_view what);

}  // namespace naru::amqp
