#pragma once
// Names of record headers that more than one protocol gives a meaning. They are on disk: add, never change.
#include <string_view>

namespace naru {

inline constexpr std::string_view amqp_prefix = "amqp.";
/// Names a message for its clients: AMQP's property message-id, SQS's MessageId.
inline constexpr std::string_view message_id_header = "amqp.message-id";
/// The type letters of an AMQP message's headers: docs/mapping.md.
inline constexpr std::string_view amqp_types_header = "amqp.types";
/// In front of the name of a message's header that begins with "amqp." itself.
inline constexpr std::string_view amqp_escape_prefix = "amqp.header.";

}  // namespace naru
