// Publishing: basic.publish with its content, confirms, returns.
#include "amqp/carbon_copies.h"
#include "amqp/publishing.h"
#include "amqp/session.h"

namespace naru::amqp {
namespace {

constexpr uint64_t body_bytes_max = 128 * MiB;  // RabbitMQ 3.x: max_message_size

}  // namespace

void Content::finish() {
  constexpr size_t kept_bytes = 4 * KiB;
  awaits = Awaits::nothing;
  header.clear();
  body.clear();
  if (header.capacity() > kept_bytes) header = Bytes();  // = {} would keep the memory
  if (body.capacity() > kept_bytes) body = Bytes();
  memory = {};
}

Outcome Channel::basic_publish(ByteView payload) {
  auto publish = decode_method<BasicPublish>(payload);
  if (!publish) return malformed(publish.error(), payload);
  if (publish->immediate) return Refusal{ReplyCode::not_implemented, "immediate=true"};
  session_.note_publish();
  content_.awaits = Content::Awaits::header;
  content_.exchange = publish->exchange;
  content_.routing_key = publish->routing_key;
  content_.mandatory = publish->mandatory;
  return {};
}

Outcome Channel::content_header(ByteView payload) {
  switch (content_.awaits) {
    case Content::Awaits::nothing:
      return Refusal{ReplyCode::unexpected_frame, "expected method frame, got non method frame instead"};
    case Content::Awaits::body:
      return Refusal{ReplyCode::unexpected_frame, "expected content body, got non content body frame instead"};
    case Content::Awaits::header: break;
  }
  // RabbitMQ knows content headers by their weight of 0, too.
  if (load_be<uint16_t>(payload.data() + sizeof(uint16_t)) != 0)
    return Refusal{ReplyCode::unexpected_frame,
                   "expected content header for class 60, got non content header frame instead"};
  content_.header.assign(payload.begin(), payload.end());
  auto header = decode_header(content_.header);
  if (!header) return Refusal{ReplyCode::syntax_error, "malformed content header"};
  if (header->class_id != basic_class)
    return Refusal{ReplyCode::unexpected_frame, "expected content header for class 60, got one for class " +
                                                    std::to_string(header->class_id) + " instead"};
  uint64_t max = std::min<uint64_t>(body_bytes_max, session_.door().core.budget.total() / 2);
  if (header->body_bytes > max) {
    end_content();
    return Refusal{ReplyCode::precondition_failed, "message size " + std::to_string(header->body_bytes) +
                                                       " is larger than configured max size " + std::to_string(max)};
  }
  content_.awaits = Content::Awaits::body;
  content_.properties = header->properties;
  content_.left = header->body_bytes;
  if (content_.left > 0) {
    count_content();
    return {};
  }
  Outcome outcome = publish({});
  end_content();
  return outcome;
}

Outcome Channel::content_body(ByteView payload) {
  switch (content_.awaits) {
    case Content::Awaits::nothing:
      return Refusal{ReplyCode::unexpected_frame, "expected method frame, got non method frame instead"};
    case Content::Awaits::header:
      return Refusal{ReplyCode::unexpected_frame,
                     "expected content header for class 60, got non content header frame instead"};
    case Content::Awaits::body: break;
  }
  if (payload.size() > content_.left) return Refusal{ReplyCode::frame_error, "the body is longer than its header said"};
  content_.left -= payload.size();
  bool in_one_frame = content_.left == 0 && content_.body.empty();
  if (!in_one_frame) {
    if (content_.body.empty()) content_.body.reserve(std::min<uint64_t>(content_.left + payload.size(), MiB));
    append(content_.body, payload);
    count_content();
  }
  if (content_.left > 0) return {};
  Outcome outcome = publish(in_one_frame ? payload : ByteView(content_.body));
  end_content();
  return outcome;
}

/// Of a message whose end is still to come. A large body has a reservation.
void Channel::count_content() {
  uint64_t held = content_.header.size() + (content_.memory.any() ? 0 : content_.body.capacity());
  session_.holds(static_cast<int64_t>(held - content_.held));
  content_.held = held;
}

void Channel::end_content() {
  session_.holds(-static_cast<int64_t>(std::exchange(content_.held, 0)));
  content_.finish();
}

/// What content_ holds, with its body.
Outcome Channel::publish(ByteView body) {
  // An exchange that a message of the same version of things went through is there and takes messages.
  bool known = route_.version == session_.host().version() && route_.exchange == content_.exchange &&
               route_.routing_key == content_.routing_key;
  if (!session_.may_publish(content_.exchange))
    if (Outcome refusal = session_.publish_refusal(content_.exchange, content_.routing_key)) return refusal;
  if (!known)
    if (Outcome refusal = check_exchange()) return refusal;
  if (content_.properties.reply_to && *content_.properties.reply_to == answers_name) {
    if (!answers_) return Refusal{ReplyCode::precondition_failed, "fast reply consumer does not exist"};
    content_.properties.reply_to = answers_->name;
  }
  if (Outcome refusal = check_properties()) return refusal;
  bool has_bcc = false;
  if (Outcome refusal = gather_keys(&has_bcc)) return refusal;
  if (!known || !more_keys_.empty()) route();
  if (confirming_) ++next_publish_;
  auto& counters = session_.door().core.messages;
  ++counters.received;
  counters.routed += route_.queues.size();
  if (transaction_) return stage(body, has_bcc);
  answer_copies(body);
  bool accepted = hand_over(body, has_bcc);
  if (!confirming_) return {};
  if (!accepted) {
    session_.send(number, BasicNack{.delivery_tag = next_publish_ - 1, .multiple = false, .requeue = true});
    nacked_.insert(next_publish_ - 1);
  }
  session_.confirm_after_turn(*this);
  return {};
}

Outcome Channel::check_exchange() const {
  VirtualHost& host = session_.host();
  const Exchange* to = host.find_exchange(content_.exchange);
  if (!to) return Refusal{ReplyCode::not_found, "no exchange '" + content_.exchange + "' in vhost '" + host.name + "'"};
  if (to->definition.internal)
    return Refusal{ReplyCode::access_refused,
                   "cannot publish to internal exchange '" + content_.exchange + "' in vhost '" + host.name + "'"};
  return {};
}

Outcome Channel::check_properties() const {
  const Properties& properties = content_.properties;
  if (properties.user_id && *properties.user_id != session_.user() && !session_.may_impersonate())
    return Refusal{ReplyCode::precondition_failed, "user_id property set to '" + std::string(*properties.user_id) +
                                                       "' but authenticated user was '" + session_.user() + "'"};
  if (properties.delivery_mode && *properties.delivery_mode != 1 && *properties.delivery_mode != 2)
    return Refusal{ReplyCode::precondition_failed,
                   "invalid message: {delivery_mode_unknown," + std::to_string(*properties.delivery_mode) + "}"};
  if (!properties.expiration) return {};
  auto ms = parse_expiration(*properties.expiration);
  if (!ms)
    return Refusal{ReplyCode::precondition_failed,
                   "invalid expiration '" + std::string(*properties.expiration) + "': " + ms.error()};
  return {};
}

Outcome Channel::gather_keys(bool* has_bcc) {
  more_keys_.clear();
  auto gathered = amqp::gather_keys(content_.properties.headers, more_keys_, *has_bcc);
  if (!gathered) return Refusal{ReplyCode::precondition_failed, gathered.error()};
  return {};
}

void Channel::route() {
  VirtualHost& host = session_.host();
  const Exchange& to = *host.find_exchange(content_.exchange);
  RoutedMessage routed =
      route_of(content_.routing_key, more_keys_, content_.properties, session_.door().core.random.next());
  route_.queues.clear();
  host.route(to, routed, route_.queues);
  route_.exchange = content_.exchange;
  route_.routing_key = content_.routing_key;
  route_.version = more_keys_.empty() && host.routes_by_key(to) ? host.version() : 0;
}

/// To those who asked, where CC or BCC name them.
void Channel::answer_copies(ByteView body) {
  if (!content_.exchange.empty()) return;
  for (std::string_view key : more_keys_)
    if (names_asker(key)) answer(key, body);
}

/// What content_ holds goes to the queues of route_, or to who asked for it. False if a queue refused it.
bool Channel::hand_over(ByteView body, bool has_bcc) {
  if (!route_.queues.empty()) return hand_to_queues(body, has_bcc);
  // Who asks is no queue: what is mandatory is returned, too, as RabbitMQ has it.
  bool is_answer = content_.exchange.empty() && names_asker(content_.routing_key) && answer(content_.routing_key, body);
  if (is_answer && !content_.mandatory) return true;
  auto& counters = session_.door().core.messages;
  ++(content_.mandatory ? counters.returned : counters.dropped);
  if (content_.mandatory) send_return(ReplyCode::no_route, body);
  return true;
}

/// False if a queue refused it.
bool Channel::hand_to_queues(ByteView body, bool has_bcc) {
  MappedMessage message{content_.exchange, content_.routing_key, content_.properties, body};
  std::optional<WithoutBcc> without;
  if (has_bcc) without.emplace(message);
  bool accepted = true, per_queue = content_.exchange.empty();  // what was sent to a queue by name says so shorter
  NewRecord record;
  for (size_t i = 0; i < route_.queues.size(); ++i) {
    Queue& queue = *route_.queues[i];
    if (i == 0 || per_queue) record = session_.records().make(message, queue.name, 0);
    accepted &= queue.publish(message_for(queue, message, record));
  }
  return accepted;
}

void Channel::send_return(ReplyCode code, ByteView body) {
  BasicReturn returned{.reply_code = static_cast<uint16_t>(code),
                       .reply_text = name(code),
                       .exchange = content_.exchange,
                       .routing_key = content_.routing_key};
  MappedMessage message{.properties = content_.properties};
  std::optional<WithoutBcc> without;
  if (message.properties.headers && message.properties.headers->has("BCC")) without.emplace(message);
  append_method(session_.out(), number, returned);
  append_header(session_.out(), number, body.size(), message.properties);
  append_body(session_.out(), number, body, session_.frame_max());
  session_.written();
}

Outcome Channel::confirm_select(ByteView payload) {
  auto select = decode_method<ConfirmSelect>(payload);
  if (!select) return malformed(select.error(), payload);
  if (transaction_) return Refusal{ReplyCode::precondition_failed, "cannot switch from tx to confirm mode"};
  confirming_ = true;
  if (!select->nowait) session_.send(number, ConfirmSelectOk{});
  return {};
}

/// All up to `up_to` is where it is to survive.
void Channel::confirm(uint64_t up_to) {
  if (closing_) return;
  if (transaction_) {
    for (; last_confirmed_ < up_to; ++last_confirmed_) session_.send(number, TxCommitOk{});
    return;
  }
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
