// Consuming: subscriptions, basic.get, and what becomes of what was handed out.
#include "amqp/queue_arguments.h"
#include "amqp/session.h"
#include "io/logger.h"

namespace naru::amqp {
namespace {

constexpr std::string_view consumer_timeout_name = "x-consumer-timeout";
constexpr int64_t ten_years_ms = 315'360'000'000;

/// What is wrong with the arguments that RabbitMQ knows; those that a type of queue has no use for come after the
/// others.
Outcome argument_refusal(FieldTableView arguments, QueueType type, const std::string& of_queue) {
  bool classic = type == QueueType::classic, stream = type == QueueType::stream;
  auto refused = [&](std::string_view name, const std::string& why) {
    return Refusal{ReplyCode::precondition_failed, "invalid arg '" + std::string(name) + "' for " + of_queue + why};
  };
  auto cancel = arguments.find("x-cancel-on-ha-failover");
  if (classic && cancel && !cancel->boolean())
    return refused("x-cancel-on-ha-failover", std::string(": {unacceptable_type,") + name(cancel->type) + "}");
  auto priority = arguments.find("x-priority");
  if (!stream && priority && !priority->integer())
    return refused("x-priority", std::string(": \"expected integer, got ") + name(priority->type) + "\"");
  for (const Field& field : arguments) {
    bool useless = (field.name == "x-cancel-on-ha-failover" && !classic) || (field.name == "x-priority" && stream) ||
                   (field.name == stream_offset_name && !stream);
    if (useless) return refused(field.name, " of queue type " + erlang_name(type));
  }
  return {};
}

}  // namespace

Outcome Channel::basic_qos(ByteView payload) {
  auto qos = decode_method<BasicQos>(payload);
  if (!qos) return malformed(qos.error(), payload);
  if (qos->prefetch_size != 0)
    return Refusal{ReplyCode::not_implemented, "prefetch_size!=0 (" + std::to_string(qos->prefetch_size) + ")"};
  if (qos->global) {
    if (prefetch_all_ == 0 && qos->prefetch_count != 0) count_earlier_gets();
    prefetch_all_ = qos->prefetch_count;
    wake_consumers();
  } else {
    prefetch_ = qos->prefetch_count;
    prefetch_all_ = 0;  // RabbitMQ's, too: what was for all consumers together ends here
    wake_consumers();
  }
  session_.send(number, BasicQosOk{});
  return {};
}

/// What was fetched before there was a limit counts against it, what is fetched later does not: as RabbitMQ has it.
void Channel::count_earlier_gets() {
  unsettled_.each_tag([&](uint64_t, Unacked& unacked) {
    if (unacked.consumer != 0) return;
    unacked.consumer = Unacked::counted_get;
    ++outstanding_;
  });
}

Outcome Channel::basic_consume(ByteView payload) {
  auto consume = decode_method<BasicConsume>(payload);
  if (!consume) return malformed(consume.error(), payload);
  if (consume->queue == answers_name) return consume_answers(*consume);
  std::string name;
  if (auto no = queue_refusal(Operation::read, consume->queue)) return no;
  auto found = find_queue(consume->queue, &name);
  if (!found) return found.error();
  std::string tag(consume->consumer_tag);
  if (tag.empty()) {
    tag = "amq.ctag-" + session_.door().hosts.random_name();
  } else if (consumers_.contains(tag) || (answers_ && answers_->tag == tag)) {
    return Refusal{ReplyCode::not_allowed, "attempt to reuse consumer tag '" + tag + "'"};
  }
  QueueType type = (*found)->definition.type;
  std::string of_queue = "queue '" + name + "' in vhost '" + session_.host().name + "'";
  if (auto refused = argument_refusal(consume->arguments, type, of_queue)) return refused;
  auto priority = consume->arguments.find("x-priority");
  bool quorum = type == QueueType::quorum, stream = type == QueueType::stream;
  if (quorum && prefetch_all_ != 0)
    return Refusal{ReplyCode::not_implemented, of_queue + " does not support global qos"};
  auto consumer = std::make_unique<Consumer>(*this, tag, (*found)->queue, ++last_consumer_, prefetch_);
  consumer->no_ack = consume->no_ack;
  consumer->exclusive = consume->exclusive;
  consumer->priority = priority ? *priority->integer() : 0;
  consumer->arguments = FieldTable(consume->arguments);
  Outcome refused;
  if (stream)
    refused = check_stream_consumer(consume->arguments, **found, *consumer);
  else if (consume->arguments.has(replay_offset_name))
    refused = set_start(consume->arguments, replay_offset_name, **found, *consumer);
  if (!refused && !consumer->start) refused = set_timeout(consume->arguments, **found, *consumer);
  if (!refused && stream && !consume->consumer_tag.empty()) track(consume->arguments, **found, *consumer);
  if (refused) {
    consumer->queue.reset();
    return refused;
  }
  Consumer& added = *consumer;
  if (consume->exclusive && (*found)->definition.settings.single_active_consumer) added.queue.reset();
  if (!added.queue || !added.queue->add(added)) {
    added.queue.reset();
    return Refusal{ReplyCode::access_refused, of_queue + " in exclusive use"};
  }
  consumers_.emplace(tag, std::move(consumer));
  (*found)->had_consumer = true;
  if (!consume->nowait) session_.send(number, BasicConsumeOk{.consumer_tag = tag});
  return {};
}

/// How long it may keep a message: what it says itself, else its queue's arguments and policies.
Outcome Channel::set_timeout(FieldTableView arguments, const DeclaredQueue& queue, Consumer& consumer) {
  auto limit_ms = queue.definition.settings.consumer_timeout_ms;
  if (auto wanted = arguments.find(consumer_timeout_name)) {
    if (wanted->integer().value_or(0) <= 0)
      return Refusal{ReplyCode::precondition_failed, "invalid arg '" + std::string(consumer_timeout_name) +
                                                         "' for queue '" + queue.definition.name + "' in vhost '" +
                                                         session_.host().name + "': " + to_text(*wanted)};
    limit_ms = wanted->integer();
  }
  if (limit_ms && !consumer.no_ack)
    consumer.timeout = std::make_unique<ConsumerTimeout>(*this, consumer, session_.door().core.loop,
                                                         std::min(*limit_ms, ten_years_ms));
  return {};
}

/// Remembers how far a consumer of a stream comes, and lets it go on from there. Who says no x-stream-offset begins as
/// always the first time, and with a null at the first message.
void Channel::track(FieldTableView arguments, const DeclaredQueue& queue, Consumer& consumer) {
  auto asked = arguments.find(offset_tracking_name);
  auto offset = arguments.find(stream_offset_name);
  bool is_null = offset && offset->type == FieldType::none;
  if (!is_null && !(asked && asked->boolean().value_or(false))) return;
  StreamOffsets& offsets = session_.door().stream_offsets;
  StreamId stream = queue.definition.levels[0].stream;
  if (auto known = offsets.find(stream, consumer.tag))
    consumer.start = ReadStart{ReadStart::Kind::offset, known->value};
  consumer.progress = std::make_unique<StreamProgress>(offsets, stream, consumer.tag);
}

/// What a stream wants of its consumers, and where they begin.
Outcome Channel::check_stream_consumer(FieldTableView arguments, const DeclaredQueue& queue, Consumer& consumer) {
  std::string what = "queue '" + queue.definition.name + "' in vhost '" + session_.host().name + "'";
  if (consumer.prefetch == 0)
    return Refusal{ReplyCode::precondition_failed, "consumer prefetch count is not set for '" + what + "'"};
  if (consumer.no_ack) return not_for_streams("automatic acknowledgement", *queue.queue);
  if (prefetch_all_ != 0) return Refusal{ReplyCode::not_implemented, what + " does not support global qos"};
  return set_start(arguments, stream_offset_name, queue, consumer);
}

/// Where somebody begins who reads without taking, and what of it is wanted.
Outcome Channel::set_start(FieldTableView arguments, std::string_view name, const DeclaredQueue& queue,
                           Consumer& consumer) {
  std::string what = "queue '" + queue.definition.name + "' in vhost '" + session_.host().name + "'";
  consumer.start.emplace();
  auto offset = arguments.find(name);
  if (offset && offset->type == FieldType::none && name == stream_offset_name) {
    consumer.start = ReadStart{ReadStart::Kind::first};
  } else if (offset) {
    auto parsed = parse_stream_offset(*offset, session_.door().core.loop.wall());
    if (!parsed)
      return Refusal{ReplyCode::precondition_failed,
                     "invalid arg '" + std::string(name) + "' for " + what + ": " + parsed.error()};
    consumer.start = *parsed;
  }
  if (queue.definition.settings.topic)
    return Refusal{ReplyCode::precondition_failed,
                   "invalid arg '" + std::string(name) + "' for " + what + ": \"it has no log of its own\""};
  if (queue.definition.levels.size() > 1)
    return Refusal{ReplyCode::precondition_failed, "invalid arg '" + std::string(name) + "' for " + what +
                                                       ": \"each priority has offsets of its own\""};
  auto filter = StreamFilter::parse(arguments, what);
  if (!filter) return Refusal{ReplyCode::precondition_failed, filter.error()};
  consumer.filter = std::move(*filter);
  return {};
}

Outcome Channel::basic_cancel(ByteView payload) {
  auto cancel = decode_method<BasicCancel>(payload);
  if (!cancel) return malformed(cancel.error(), payload);
  std::string tag(cancel->consumer_tag);
  if (answers_ && answers_->tag == tag) {
    stop_answers();
  } else if (auto found = consumers_.find(tag); found != consumers_.end()) {
    auto queue = found->second->queue;
    consumers_.erase(found);  // what it holds stays outstanding on the channel
    if (queue) session_.door().hosts.consumer_left(session_.host(), *queue);
  }
  if (!cancel->nowait) session_.send(number, BasicCancelOk{.consumer_tag = tag});
  return {};
}

/// The queue is gone: who understands it is told.
void Channel::queue_gone(Consumer& consumer) {
  std::string tag = consumer.tag;
  consumers_.erase(consumers_.find(tag));
  if (cancelled_) {
    cancelled_->push_back(std::move(tag));
  } else {
    tell_cancelled(tag);
  }
}

void Channel::tell_cancelled(std::string_view tag) {
  if (!closing_ && session_.client_can("consumer_cancel_notify"))
    session_.send(number, BasicCancel{.consumer_tag = tag, .nowait = true});
}

bool Channel::may_take(const Consumer& consumer) const {
  if (closing_ || !session_.takes_more()) return false;
  return consumer.no_ack || prefetch_all_ == 0 || outstanding_ < prefetch_all_;
}

std::optional<uint64_t> Channel::oldest_of(const Consumer& consumer) {
  return unsettled_.first_tag([&](const Unacked& unacked) { return unacked.consumer == consumer.id; });
}

/// It goes, and what it holds returns to its queue. As RabbitMQ 4.3 does it.
void Channel::timed_out(Consumer& consumer) {
  std::string limit = std::to_string(consumer.timeout->limit_ms());
  io::log(io::Level::warning, "a consumer kept a message for too long and is cancelled",
          {{"queue", consumer.queue->name}, {"tag", consumer.tag}, {"timeout_ms", limit}});
  if (!session_.client_can("consumer_cancel_notify")) {
    Refusal refusal{ReplyCode::precondition_failed,
                    "delivery acknowledgement on channel " + std::to_string(number) +
                        " timed out. Timeout value used: " + limit +
                        " ms. This timeout value can be configured, see consumers doc guide to learn more",
                    /*names_method=*/false};
    return session_.close_channel(*this, refusal);
  }
  session_.send(number, BasicCancel{.consumer_tag = consumer.tag, .nowait = true});
  std::vector<uint64_t> tags;
  unsettled_.each_tag([&](uint64_t tag, const Unacked& unacked) {
    if (unacked.consumer == consumer.id) tags.push_back(tag);
  });
  auto queue = consumer.queue;
  for (uint64_t tag : tags) {
    Unacked unacked = unsettled_.take(tag);
    unacked.queue->requeue(unacked.id, Return::returned);
    finished(unacked);
    reclaimed_.insert(tag);
  }
  consumers_.erase(consumers_.find(consumer.tag));
  session_.door().hosts.consumer_left(session_.host(), *queue);
}

/// Once, however often it is asked for in a turn: a channel may have thousands of them.
void Channel::wake_consumers() {
  if (!std::exchange(is_waking_, true)) session_.wake_later(*this);
}

void Channel::wake_all() {
  is_waking_ = false;
  std::vector<Consumer*> all;
  for (auto& [tag, consumer] : consumers_)
    if (consumer->queue) all.push_back(consumer.get());
  std::ranges::sort(all, {},
                    &Consumer::last_tag);  // who waits for longest first, or others would never have their turn
  for (Consumer* consumer : all) consumer->queue->wake(*consumer);
}

uint64_t Channel::hand_out(const std::shared_ptr<Queue>& queue, const MessageId& message, uint64_t consumer) {
  if (consumer != 0) ++outstanding_;  // basic.get has no limit
  return unsettled_.add({queue, message, consumer});
}

namespace {

/// A delivery as frames: the method is the caller's, the content is as it was published.
template <class M>
void append_delivery(Session& session, uint16_t channel, M& method, const MappedMessage& message) {
  method.exchange = message.exchange;
  method.routing_key = message.routing_key;
  append_method(session.out(), channel, method);
  append_header(session.out(), channel, message.body.size(), message.properties);
  append_body(session.out(), channel, message.body, session.frame_max());
  session.written();
}

}  // namespace

void Channel::deliver(Consumer& consumer, Queue& queue, const Delivery& delivery) {
  uint64_t tag = consumer.no_ack ? unsettled_.skip() : hand_out(consumer.queue, delivery.id, consumer.id);
  consumer.last_tag = tag;
  if (consumer.timeout) consumer.timeout->handed_out(tag);
  if (consumer.progress) consumer.progress->handed_out(delivery.id.offset);
  FieldTable headers;
  MappedMessage message = read(queue, delivery, /*is_fetched=*/false, headers);
  BasicDeliver deliver{.consumer_tag = consumer.tag, .delivery_tag = tag, .redelivered = delivery.redelivered};
  append_delivery(session_, number, deliver, message);
}

/// The message as this client gets it. `headers` is where the table lies, if something is added to it: queues that
/// count deliveries tell how often a message came back, and what is read from a log comes with its offset.
MappedMessage Channel::read(Queue& queue, const Delivery& delivery, bool is_fetched, FieldTable& headers) {
  ReadOptions options{.home = queue.home_name(), .record_time = queue.settings().topic.has_value()};
  MappedMessage message = read_record(delivery.record, options, scratch_);
  // A header frame cannot be split. What an AMQP client published is passed on whole, as RabbitMQ does: to one that
  // agreed to smaller frames, too, as most clients read a larger one. Kafka's records may have any headers.
  constexpr size_t other_properties_max = 2700, frame_bytes = greatest_frame_max - frame_overhead;
  if (scratch_.size() + other_properties_max > frame_bytes) {
    Bytes encoded;
    append_properties(encoded, message.properties);
    if (encoded.size() + 64 > frame_bytes) {  // what is before them in the frame, and what is added here
      options.table_bytes_max = frame_bytes - other_properties_max;
      message = read_record(delivery.record, options, scratch_);
    }
  }
  // What is fetched says so also the first time.
  bool counted = queue.settings().counts_deliveries && (delivery.attempt > 1 || is_fetched);
  if (!counted && !delivery.id.is_copy) return message;
  headers = FieldTable(message.properties.headers.value_or(FieldTableView()));
  if (counted) headers.set("x-delivery-count", static_cast<int64_t>(delivery.attempt - 1));
  if (delivery.id.is_copy) headers.set(stream_offset_name, delivery.id.offset.value);
  message.properties.headers = headers.view();
  return message;
}

io::Task<Outcome> Channel::basic_get(ByteView payload) {
  auto get = decode_method<BasicGet>(payload);
  if (!get) co_return malformed(get.error(), payload);
  if (auto no = queue_refusal(Operation::read, get->queue)) co_return no;
  auto found = find_queue(get->queue, nullptr);
  if (!found) co_return found.error();
  if (auto refused = not_for_streams("basic.get", *(*found)->queue)) co_return refused;
  if ((*found)->definition.type == QueueType::quorum && (*found)->definition.settings.single_active_consumer)
    co_return Refusal{ReplyCode::resource_locked, "cannot obtain access to locked queue '" + (*found)->definition.name +
                                                      "' in vhost '" + session_.host().name +
                                                      "'. basic.get operations are not supported by quorum queues with "
                                                      "single active consumer"};
  auto queue = (*found)->queue;
  bool no_ack = get->no_ack;
  // A large message waits until there is memory for it. How large it is is known when it is there; those before it say.
  io::Budget& budget = session_.door().core.budget;
  bool is_empty = queue->counts().ready == 0;  // first: it brings what was published in this turn to the log
  uint64_t bytes = queue->mean_bytes();
  io::Reserved room;
  if (bytes > small_body && !is_empty) {
    auto found_room = co_await session_.room_for_large();
    if (found_room == Session::Room::for_nobody || closing_) co_return Outcome();
    if (found_room == Session::Room::none)
      co_return Refusal{ReplyCode::content_too_large, "no memory for a message of queue '" + queue->name +
                                                          "' in vhost '" + session_.host().name + "' (about " +
                                                          std::to_string(bytes) + " bytes): try again later"};
    budget.overdraw(bytes);
    room = io::Reserved(budget, bytes);
  }
  auto take = [&](const Delivery& delivery, int64_t left) {
    if (closing_) return false;
    uint64_t tag = no_ack ? unsettled_.skip() : hand_out(queue, delivery.id, 0);
    FieldTable headers;
    MappedMessage message = read(*queue, delivery, /*is_fetched=*/true, headers);
    BasicGetOk ok{
        .delivery_tag = tag, .redelivered = delivery.redelivered, .message_count = static_cast<uint32_t>(left)};
    append_delivery(session_, number, ok, message);
    return true;
  };
  Queue::Taker taker = take;
  bool got = co_await queue->get(no_ack, taker);
  if (!got) ++session_.door().core.messages.get_empty;
  if (!got && !closing_) session_.send(number, BasicGetEmpty{});
  co_return Outcome();
}

/// An outstanding message is settled: its consumer has room for another.
void Channel::finished(const Unacked& unacked) {
  if (unacked.consumer == 0) return;
  bool was_full = prefetch_all_ != 0 && outstanding_ >= prefetch_all_;
  --outstanding_;
  if (was_full && outstanding_ < prefetch_all_) wake_consumers();
  if (unacked.consumer == Unacked::counted_get) return;
  auto found = consumers_by_id_.find(unacked.consumer);
  if (found == consumers_by_id_.end()) return;
  Consumer& consumer = *found->second;
  if (consumer.progress) consumer.progress->acknowledged(unacked.id.offset);
  bool blocked = consumer.prefetch != 0 && consumer.unacked >= consumer.prefetch;
  --consumer.unacked;
  if (blocked && consumer.queue) consumer.queue->wake(consumer);
}

Outcome Channel::settle(uint64_t tag, bool multiple, Settlement how, bool is_nack) {
  bool all = multiple && tag == 0;  // there are, if any
  bool is_late = reclaimed_.erase(tag) > 0;
  if (!all && !is_late && !unsettled_.find(tag))
    return Refusal{ReplyCode::precondition_failed, "unknown delivery tag " + std::to_string(tag)};
  auto take = [&](uint64_t one) -> Outcome {
    if (is_nack)
      if (auto refused = not_for_streams("basic.nack and basic.reject", *unsettled_.find(one)->queue)) return refused;
    Unacked unacked = unsettled_.take(one);
    if (transaction_) {
      transaction_->settled.push_back({one, how, std::move(unacked)});
      return {};
    }
    how(*unacked.queue, unacked.id);
    finished(unacked);
    return {};
  };
  if (multiple) reclaimed_.erase(reclaimed_.begin(), all ? reclaimed_.end() : reclaimed_.upper_bound(tag));
  if (!multiple) return is_late ? Outcome() : take(tag);
  while (!unsettled_.empty() && (all || unsettled_.oldest() <= tag))
    if (auto refused = take(unsettled_.oldest())) return refused;
  return {};
}

Outcome Channel::basic_ack(ByteView payload) {
  auto ack = decode_method<BasicAck>(payload);
  if (!ack) return malformed(ack.error(), payload);
  return settle(
      ack->delivery_tag, ack->multiple, [](Queue& queue, const MessageId& message) { queue.settle(message); },
      /*is_nack=*/false);
}

Outcome Channel::basic_nack(ByteView payload) {
  auto nack = decode_method<BasicNack>(payload);
  if (!nack) return malformed(nack.error(), payload);
  if (nack->requeue)
    return settle(nack->delivery_tag, nack->multiple,
                  [](Queue& queue, const MessageId& message) { queue.requeue(message, Return::returned); });
  return settle(nack->delivery_tag, nack->multiple,
                [](Queue& queue, const MessageId& message) { queue.reject(message); });
}

Outcome Channel::basic_reject(ByteView payload) {
  auto reject = decode_method<BasicReject>(payload);
  if (!reject) return malformed(reject.error(), payload);
  if (reject->requeue)
    return settle(reject->delivery_tag, false,
                  [](Queue& queue, const MessageId& message) { queue.requeue(message, Return::failed); });
  return settle(reject->delivery_tag, false, [](Queue& queue, const MessageId& message) { queue.reject(message); });
}

Outcome Channel::basic_recover(ByteView payload, bool answer) {
  bool requeue;
  if (answer) {
    auto recover = decode_method<BasicRecover>(payload);
    if (!recover) return malformed(recover.error(), payload);
    requeue = recover->requeue;
  } else {
    auto recover = decode_method<BasicRecoverAsync>(payload);
    if (!recover) return malformed(recover.error(), payload);
    requeue = recover->requeue;
  }
  if (!requeue) return Refusal{ReplyCode::not_implemented, "requeue=false"};
  while (!unsettled_.empty()) {
    if (auto refused = not_for_streams("basic.nack and basic.reject", *unsettled_.find(unsettled_.oldest())->queue))
      return refused;
    Unacked unacked = unsettled_.take(unsettled_.oldest());
    unacked.queue->requeue(unacked.id, Return::returned);
    finished(unacked);
  }
  if (answer) session_.send(number, BasicRecoverOk{});
  return {};
}

}  // namespace naru::amqp
