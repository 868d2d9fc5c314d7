// Publishing: basic.publish with its content, confirms, returns.
#include <charconv>

#include "amqp/session.h"

namespace naru::amqp {
namespace {

constexpr uint64_t body_bytes_max = 128 * MiB;    // RabbitMQ 3.x: max_message_size
constexpr uint64_t ttl_ms_max = 315'360'000'000;  // RabbitMQ: ten years

/// What the expiration property says, in milliseconds; else why it cannot be.
std::expected<int64_t, std::string> parse_expiration(std::string_view text) {
  int64_t ms = 0;
  std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ms);
  if (error == std::errc::result_out_of_range) return std::unexpected("{value_too_large," + std::string(text) + "}");
  if (error != std::errc()) return std::unexpected("no_integer");
  if (end != text.data() + text.size())
    return std::unexpected("{leftover_string,\"" + std::string(end, text.data() + text.size()) + "\"}");
  if (ms < 0) return std::unexpected("{value_negative," + std::string(text) + "}");
  if (static_cast<uint64_t>(ms) > ttl_ms_max) return std::unexpected("{value_too_large," + std::string(text) + "}");
  return ms;
}

}  // namespace

Outcome Channel::basic_publish(ByteView payload) {
  auto publish = decode_method<BasicPublish>(payload);
  if (!publish) return malformed(publish.error(), payload);
  if (publish->immediate) return Refusal{ReplyCode::not_implemented, "immediate=true"};
  Content& content = content_.emplace();
  content.exchange = publish->exchange;
  content.routing_key = publish->routing_key;
  content.mandatory = publish->mandatory;
  return {};
}

Outcome Channel::content_header(ByteView payload) {
  if (!content_) return Refusal{ReplyCode::unexpected_frame, "expected method frame, got non method frame instead"};
  Content& content = *content_;
  if (content.has_header)
    return Refusal{ReplyCode::unexpected_frame, "expected content body, got non content body frame instead"};
  auto header = decode_header(payload);
  if (!header) return Refusal{ReplyCode::syntax_error, "malformed content header"};
  if (header->class_id != basic_class)
    return Refusal{ReplyCode::unexpected_frame, "expected content header for class 60, got one for class " +
                                                    std::to_string(header->class_id) + " instead"};
  uint64_t max = std::min<uint64_t>(body_bytes_max, session_.door().core.budget.total() / 2);
  if (header->body_bytes > max) {
    Refusal refusal{ReplyCode::precondition_failed, "message size " + std::to_string(header->body_bytes) +
                                                        " is larger than configured max size " + std::to_string(max)};
    content_.reset();
    return refusal;
  }
  content.has_header = true;
  content.left = header->body_bytes;
  content.properties.assign(header->encoded.begin(), header->encoded.end());
  if (content.left > 0) return {};
  Content whole = std::move(content);
  content_.reset();
  return publish(whole.exchange, whole.routing_key, whole.properties, header->properties, {}, whole.mandatory);
}

Outcome Channel::content_body(ByteView payload) {
  if (!content_) return Refusal{ReplyCode::unexpected_frame, "expected method frame, got non method frame instead"};
  Content& content = *content_;
  if (!content.has_header)
    return Refusal{ReplyCode::unexpected_frame,
                   "expected content header for class 60, got non content header frame instead"};
  if (payload.size() > content.left) return Refusal{ReplyCode::frame_error, "the body is longer than its header said"};
  content.left -= payload.size();
  bool in_one_frame = content.left == 0 && content.body.empty();
  if (!in_one_frame) {
    if (content.body.empty()) content.body.reserve(std::min<uint64_t>(content.left + payload.size(), MiB));
    append(content.body, payload);
  }
  if (content.left > 0) return {};
  Content whole = std::move(content);
  content_.reset();
  auto decoded = decode_properties(whole.properties);
  CHECK(decoded);
  return publish(whole.exchange, whole.routing_key, whole.properties, *decoded,
                 in_one_frame ? payload : ByteView(whole.body), whole.mandatory);
}

namespace {

/// More routing keys, from the CC and BCC headers: arrays of texts.
std::expected<void, Refusal> add_keys(std::vector<std::string_view>& keys, FieldTableView headers, const char* name) {
  auto value = headers.find(name);
  if (!value) return {};
  auto array = value->array();
  if (!array)
    return std::unexpected(
        Refusal{ReplyCode::precondition_failed, std::string("invalid message: {unacceptable_type_in_header,\"") + name +
                                                    "\"," + naru::name(value->type) + "}"});
  for (const FieldValue& key : *array)
    if (key.text()) keys.push_back(*key.text());
  return {};
}

}  // namespace

Outcome Channel::publish(std::string_view exchange, std::string_view key, ByteView properties,
                         const Properties& decoded, ByteView body, bool mandatory) {
  VirtualHost& host = session_.host();
  if (!session_.may_publish(exchange))
    if (auto refusal = session_.publish_refusal(exchange, key)) return refusal;
  Exchange* to = host.find_exchange(exchange);
  if (!to)
    return Refusal{ReplyCode::not_found, "no exchange '" + std::string(exchange) + "' in vhost '" + host.name + "'"};
  if (to->definition.internal)
    return Refusal{ReplyCode::access_refused,
                   "cannot publish to internal exchange '" + std::string(exchange) + "' in vhost '" + host.name + "'"};
  if (decoded.user_id && *decoded.user_id != session_.user() && !session_.may_impersonate())
    return Refusal{ReplyCode::precondition_failed, "user_id property set to '" + std::string(*decoded.user_id) +
                                                       "' but authenticated user was '" + session_.user() + "'"};
  if (decoded.delivery_mode && *decoded.delivery_mode != 1 && *decoded.delivery_mode != 2)
    return Refusal{ReplyCode::precondition_failed,
                   "invalid message: {delivery_mode_unknown," + std::to_string(*decoded.delivery_mode) + "}"};
  std::optional<int64_t> ttl;
  if (decoded.expiration) {
    auto ms = parse_expiration(*decoded.expiration);
    if (!ms)
      return Refusal{ReplyCode::precondition_failed,
                     "invalid expiration '" + std::string(*decoded.expiration) + "': " + ms.error()};
    ttl = *ms;
  }
  std::vector<std::string_view> more_keys;
  Bytes without_bcc;
  if (decoded.headers) {
    if (auto added = add_keys(more_keys, *decoded.headers, "CC"); !added) return added.error();
    size_t visible = more_keys.size();
    if (auto added = add_keys(more_keys, *decoded.headers, "BCC"); !added) return added.error();
    if (more_keys.size() > visible || decoded.headers->has("BCC")) {
      FieldTable stripped(*decoded.headers);
      stripped.remove("BCC");
      Properties changed = decoded;
      changed.headers = stripped.view();
      append_properties(without_bcc, changed);
    }
  }
  bool known =
      more_keys.empty() && route_.version == host.version() && route_.exchange == exchange && route_.routing_key == key;
  if (!known) {
    route_.queues.clear();
    RoutedMessage routed{.routing_key = key,
                         .more_keys = more_keys,
                         .headers = decoded.headers.value_or(FieldTableView()),
                         .message_id = decoded.message_id.value_or(""),
                         .correlation_id = decoded.correlation_id.value_or(""),
                         .timestamp = decoded.timestamp,
                         .random = session_.door().core.random.next()};
    host.route(*to, routed, route_.queues);
    route_.exchange = exchange;
    route_.routing_key = key;
    route_.version = more_keys.empty() && host.routes_by_key(*to) ? host.version() : 0;
  }
  if (confirming_) ++next_publish_;
  auto& counters = session_.door().core.messages;
  ++counters.received;
  counters.routed += route_.queues.size();
  if (route_.queues.empty()) ++(mandatory ? counters.returned : counters.dropped);
  if (route_.queues.empty() && mandatory) send_return(ReplyCode::no_route, exchange, key, properties, body);
  bool accepted = true;
  if (!route_.queues.empty()) {
    MappedMessage message{exchange, key, decoded, body};
    if (!without_bcc.empty()) message.properties = *decode_properties(without_bcc);
    for (auto& queue : route_.queues) {
      NewRecord record = session_.records().make(message, queue->name, 0);
      NewMessage fresh{.key = record.key,
                       .body = body,
                       .headers = record.headers,
                       .priority = decoded.priority.value_or(0),
                       .ttl_ms = ttl};
      accepted &= queue->publish(fresh);
    }
  }
  if (!confirming_) return {};
  if (!accepted) {
    session_.send(number, BasicNack{.delivery_tag = next_publish_ - 1, .multiple = false, .requeue = false});
    nacked_.insert(next_publish_ - 1);
  }
  session_.confirm_after_turn(*this);
  return {};
}

void Channel::send_return(ReplyCode code, std::string_view exchange, std::string_view key, ByteView properties,
                          ByteView body) {
  BasicReturn returned{
      .reply_code = static_cast<uint16_t>(code), .reply_text = name(code), .exchange = exchange, .routing_key = key};
  append_method(session_.out(), number, returned);
  append_header(session_.out(), number, body.size(), properties);
  append_body(session_.out(), number, body, session_.frame_max());
  session_.written();
}

Outcome Channel::confirm_select(ByteView payload) {
  auto select = decode_method<ConfirmSelect>(payload);
  if (!select) return malformed(select.error(), payload);
  confirming_ = true;
  if (!select->nowait) session_.send(number, ConfirmSelectOk{});
  return {};
}

/// All up to `up_to` is where it is to survive.
void Channel::confirm(uint64_t up_to) {
  if (closing_) return;
  uint64_t reached = up_to;
  if (reached > last_confirmed_)
    session_.door().core.messages.confirmed +=
        reached - last_confirmed_ - static_cast<uint64_t>(std::distance(nacked_.begin(), nacked_.upper_bound(reached)));
  while (up_to > last_confirmed_ && nacked_.contains(up_to)) --up_to;
  if (up_to > last_confirmed_)
    session_.send(number, BasicAck{.delivery_tag = up_to, .multiple = up_to > last_confirmed_ + 1});
  nacked_.erase(nacked_.begin(), nacked_.upper_bound(reached));
  last_confirmed_ = std::max(last_confirmed_, reached);
}

}  // namespace naru::amqp
