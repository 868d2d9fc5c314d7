// Direct reply-to: answers go straight to the channel that asked, without a queue for them (rabbitmq.md 2.15). Who asks
// consumes from a name that is no queue and writes it into reply-to; the broker puts a name of that channel's own
// there, and what is published to it by the default exchange is handed to the channel.
#include "amqp/session.h"

namespace naru::amqp {
namespace {

/// An answer that its asker does not read is dropped, as if the asker had gone: nobody else pays for it.
constexpr uint64_t unread_answers_max = 16 * MiB;

}  // namespace

Outcome Channel::consume_answers(const BasicConsume& consume) {
  std::string tag(consume.consumer_tag);
  if (consumers_.contains(tag)) return Refusal{ReplyCode::not_allowed, "attempt to reuse consumer tag '" + tag + "'"};
  if (!consume.no_ack) return Refusal{ReplyCode::precondition_failed, "reply consumer cannot acknowledge"};
  if (answers_) return Refusal{ReplyCode::precondition_failed, "reply consumer already set"};
  Door& door = session_.door();
  if (tag.empty()) tag = "amq.ctag-" + door.hosts.random_name();
  answers_ = Answers{.tag = tag, .name = std::string(answers_name) + "." + door.hosts.random_name()};
  door.askers.emplace(answers_->name, this);
  if (!consume.nowait) session_.send(number, BasicConsumeOk{.consumer_tag = tag});
  return {};
}

void Channel::stop_answers() {
  if (!answers_) return;
  session_.door().askers.erase(answers_->name);
  answers_.reset();
}

/// Who answers may ask like this whether the asker is still there.
Outcome Channel::declare_answers(const std::string& name, bool nowait) {
  if (name != answers_name && !session_.door().askers.contains(name))
    return Refusal{ReplyCode::not_found, "no queue '" + name + "' in vhost '" + session_.host().name + "'"};
  last_queue_ = name;
  if (!nowait) session_.send(number, QueueDeclareOk{.queue = name, .message_count = 0, .consumer_count = 1});
  return {};
}

/// Hands what content_ holds to the channel of this name. False if there is none, or it does not read.
bool Channel::answer(std::string_view name, ByteView body) {
  auto& askers = session_.door().askers;
  auto found = askers.find(name);
  if (found == askers.end() || found->second->session_.queued() > unread_answers_max) return false;
  MappedMessage message{content_.exchange, content_.routing_key, content_.properties, body};
  FieldTable without_bcc(message.properties.headers.value_or(FieldTableView()));
  if (without_bcc.remove("BCC")) message.properties.headers = without_bcc.view();
  found->second->take_answer(message);
  return true;
}

void Channel::take_answer(const MappedMessage& message) {
  // The tag is the next one, and stays so: there is nothing to acknowledge.
  BasicDeliver deliver{.consumer_tag = answers_->tag,
                       .delivery_tag = unsettled_.next(),
                       .redelivered = false,
                       .exchange = message.exchange,
                       .routing_key = message.routing_key};
  append_method(session_.out(), number, deliver);
  append_header(session_.out(), number, message.body.size(), message.properties);
  append_body(session_.out(), number, message.body, session_.frame_max());
  session_.written();
}

}  // namespace naru::amqp
