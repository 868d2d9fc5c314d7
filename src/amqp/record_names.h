#pragma once
// Names of record headers that naru gives a meaning, in docs/mapping.md's order. They are on disk: add, never change.
#include "amqp/wire/properties.h"
#include "broker/record_headers.h"

namespace naru::amqp {

inline constexpr std::string_view reserved_prefix = amqp_prefix;
inline constexpr std::string_view exchange_name = "amqp.exchange", routing_key_name = "amqp.routing-key";
inline constexpr std::string_view delivery_mode_name = "amqp.mode", priority_name = "amqp.priority",
                                  timestamp_name = "amqp.timestamp";
/// In front of the name of a message's header that begins with the reserved prefix itself.
inline constexpr std::string_view escape_prefix = amqp_escape_prefix;
/// What the texts of the other headers do not tell: a type letter of each, up to the last that needs one. Where the
/// letter is exact_value the value itself is in the second, an array of values of field tables.
inline constexpr std::string_view types_name = amqp_types_header, exact_name = "amqp.exact";
inline constexpr char exact_value = '=';
/// A further routing key, from the header BCC: for dead letters, and never shown to AMQP's clients. One header for
/// each.
inline constexpr std::string_view blind_key_name = "amqp.bcc";
/// In the other direction: the key of a record, as a header of the message, where it is no routing key.
inline constexpr std::string_view record_key_name = "kafka.key";

struct TextProperty {
  std::string_view name;
  std::optional<std::string_view> Properties::* field;
};
inline constexpr TextProperty text_properties[] = {
    {"amqp.content-type", &Properties::content_type},
    {"amqp.content-encoding", &Properties::content_encoding},
    {"amqp.correlation-id", &Properties::correlation_id},
    {"amqp.reply-to", &Properties::reply_to},
    {"amqp.expiration", &Properties::expiration},
    {message_id_header, &Properties::message_id},
    {"amqp.type", &Properties::type},
    {"amqp.user-id", &Properties::user_id},
    {"amqp.app-id", &Properties::app_id},
    {"amqp.cluster-id", &Properties::cluster_id},
};

}  // namespace naru::amqp
