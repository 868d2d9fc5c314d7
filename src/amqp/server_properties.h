#pragma once
#include "broker/core.h"
#include "broker/field_table.h"

namespace naru::amqp {

/// The RabbitMQ that naru says it speaks as, to clients and tools that look at a version before they use a feature.
inline constexpr std::string_view rabbitmq_version = "3.13.7";

/// What connection.start says of the broker. Clients look at capabilities, and some at `version`, which is therefore
/// that of the RabbitMQ whose behaviour they may expect.
FieldTable server_properties(const Core& core);

}  // namespace naru::amqp
