#pragma once
#include "broker/core.h"
#include "broker/field_table.h"

namespace naru::amqp {

/// What connection.start says of the broker. Clients look at capabilities, and some at `version`, which is therefore
/// that of the RabbitMQ whose behaviour they may expect.
FieldTable server_properties(const Core& core);

}  // namespace naru::amqp
