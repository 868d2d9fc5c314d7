#pragma once
// Reply codes of AMQP 0-9-1 (section 1.2 of its reference): why a channel or a connection is closed.
#include <cstdint>
#include <string>
#include <string_view>

namespace naru::amqp {

enum class ReplyCode : uint16_t {
  success = 200,
  content_too_large = 311,
  no_route = 312,
  no_consumers = 313,
  connection_forced = 320,
  invalid_path = 402,
  access_refused = 403,
  not_found = 404,
  resource_locked = 405,
  precondition_failed = 406,
  frame_error = 501,
  syntax_error = 502,
  command_invalid = 503,
  channel_error = 504,
  unexpected_frame = 505,
  resource_error = 506,
  not_allowed = 530,
  not_implemented = 540,
  internal_error = 541,
};

/// "NOT_FOUND"; clients match on these names.
std::string_view name(ReplyCode code);

/// A hard error ends the connection, a soft one only its channel.
bool is_hard(ReplyCode code);

/// The reply-text that RabbitMQ sends: "NOT_FOUND - no queue 'q' in vhost '/'", cut so that it has at most 255
/// characters and fits a short string.
std::string reply_text(ReplyCode code, std::string_view explanation);

}  // namespace naru::amqp
