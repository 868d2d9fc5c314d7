// Publishing and fetching messages over the API: for looking and for trying out, not for work.
#include "base/base64.h"
#include "broker/field_json.h"
#include "management/live.h"

namespace naru::management {
namespace {

/// The text of a member, kept alive by the body of the call.
std::optional<std::string_view> text_at(const Json& json, std::string_view name) {
  const Json* value = json.find(name);
  return value ? value->text() : std::nullopt;
}

amqp::Properties properties_of(const Json& json, FieldTableView headers) {
  amqp::Properties out;
  out.content_type = text_at(json, "content_type");
  out.content_encoding = text_at(json, "content_encoding");
  if (json.find("headers")) out.headers = headers;
  if (auto mode = number_in(json, "delivery_mode")) out.delivery_mode = static_cast<uint8_t>(*mode);
  if (auto priority = number_in(json, "priority")) out.priority = static_cast<uint8_t>(*priority);
  out.correlation_id = text_at(json, "correlation_id");
  out.reply_to = text_at(json, "reply_to");
  out.expiration = text_at(json, "expiration");
  out.message_id = text_at(json, "message_id");
  if (auto time = number_in(json, "timestamp")) out.timestamp = static_cast<uint64_t>(*time);
  out.type = text_at(json, "type");
  out.user_id = text_at(json, "user_id");
  out.app_id = text_at(json, "app_id");
  out.cluster_id = text_at(json, "cluster_id");
  return out;
}

Json view(const amqp::Properties& properties) {
  Json out = Json::object();
  auto text = [&](const char* name, std::optional<std::string_view> value) {
    if (value) out.set(name, *value);
  };
  text("content_type", properties.content_type);
  text("content_encoding", properties.content_encoding);
  if (properties.headers) out.set("headers", to_json(*properties.headers));
  if (properties.delivery_mode) out.set("delivery_mode", *properties.delivery_mode);
  if (properties.priority) out.set("priority", *properties.priority);
  text("correlation_id", properties.correlation_id);
  text("reply_to", properties.reply_to);
  text("expiration", properties.expiration);
  text("message_id", properties.message_id);
  if (properties.timestamp) out.set("timestamp", static_cast<int64_t>(*properties.timestamp));
  text("type", properties.type);
  text("user_id", properties.user_id);
  text("app_id", properties.app_id);
  text("cluster_id", properties.cluster_id);
  return out;
}

/// Waits until what is published in this turn is in the journal, and where.
class Appended final : public TurnWaiter {
 public:
  explicit Appended(QueueHost& queues) : queues_(queues) { queues_.call_when_appended(*this); }
  ~Appended() override { queues_.forget(*this); }
  io::Once<JournalPosition> position;

 private:
  void on_appended(JournalPosition at) override { position.set(at); }
  QueueHost& queues_;
};

std::optional<int64_t> ttl_of(const amqp::Properties& properties) {
  Json text;
  if (properties.expiration) text.set("ms", *properties.expiration);
  return number_in(text, "ms");
}

/// Nothing if the message may be published to that exchange.
std::optional<Reply> publish_problem(const Call& call, const Exchange* to, std::string_view key,
                                     const amqp::Properties& properties) {
  const std::string& name = call.names[1];
  if (auto no = refusal(call, Operation::write, call.vhost(), "exchange", name)) return no;
  if (!to) return not_found();
  if (to->definition.internal)
    return bad_request("ACCESS_REFUSED - cannot publish to internal exchange '" + name + "' in vhost '" + call.vhost() +
                       "'");
  if (to->definition.type == ExchangeType::topic &&
      !call.site.users.may_topic(call.user.name, call.vhost(), name, Operation::write, key))
    return not_authorised("ACCESS_REFUSED - access to topic '" + std::string(key) + "' in exchange '" + name +
                          "' in vhost '" + call.vhost() + "' refused for user '" + call.user.name + "'");
  if (properties.user_id && *properties.user_id != call.user.name && !call.user.has_tag("impersonator"))
    return bad_request("PRECONDITION_FAILED - user_id property set to '" + std::string(*properties.user_id) +
                       "' but authenticated user was '" + call.user.name + "'");
  if (properties.expiration && !ttl_of(properties))
    return bad_request("PRECONDITION_FAILED - invalid expiration '" + std::string(*properties.expiration) + "'");
  return std::nullopt;
}

io::Task<Reply> publish(Call& call) {
  VirtualHost& host = *call.site.hosts.find(call.vhost());
  Exchange* to = host.find_exchange(call.names[1] == "amq.default" ? std::string_view() : call.names[1]);
  const Json *given = call.body.find("properties"), *payload = call.body.find("payload");
  const Json none = Json::object();
  if (!payload || !payload->text()) co_return bad_request("key_missing: payload");
  if (!call.body.find("routing_key")) co_return bad_request("key_missing: routing_key");
  std::string key = text_in(call.body, "routing_key"), body(*payload->text());
  if (call.body.text_of("payload_encoding") == "base64") {
    auto bytes = from_base64(body);
    if (!bytes) co_return bad_request("payload is no base64");
    body = std::move(*bytes);
  }
  FieldTable headers = table_in(given ? *given : none, "headers");
  amqp::Properties properties = properties_of(given ? *given : none, headers.view());
  if (auto no = publish_problem(call, to, key, properties)) co_return *no;
  if (call.site.queues.is_blocked()) co_return failed(503, "full", "no space left on the broker's disk");
  std::vector<std::shared_ptr<Queue>> queues;
  RoutedMessage routed{.routing_key = key,
                       .headers = headers.view(),
                       .message_id = properties.message_id.value_or(""),
                       .correlation_id = properties.correlation_id.value_or(""),
                       .timestamp = properties.timestamp,
                       .delayed = requested_delay_ms(headers.view()) > 0,
                       .random = call.site.core.random.next()};
  host.route(*to, routed, queues);
  auto& counters = call.site.core.messages;
  ++counters.received;
  counters.routed += queues.size();
  if (queues.empty()) ++counters.dropped;
  amqp::MappedMessage message{to->definition.name, key, properties, naru::view(body)};
  amqp::RecordMaker records;
  bool accepted = false;
  for (auto& queue : queues) {
    NewRecord record = records.make(message, queue->name, 0);
    NewMessage fresh{.key = record.key,
                     .body = message.body,
                     .headers = record.headers,
                     .priority = properties.priority.value_or(0),
                     .ttl_ms = queue->watcher ? std::nullopt : ttl_of(properties)};
    accepted |= queue->publish(fresh);
  }
  if (accepted) {
    Appended appended(call.site.queues);
    JournalPosition position = co_await appended.position;
    auto durable = co_await call.site.core.store.durable(position);
    if (!durable) co_return failed(durable.error());
  }
  Json out;
  out.set("routed", accepted);
  co_return Reply{200, std::move(out)};
}

bool is_text(std::string_view bytes) {
  // What JSON would show as it is; else it comes as base64.
  Json shown = parse_json(to_text(Json(bytes))).value_or(Json());
  return shown.text() == bytes;
}

struct Fetched {
  Json messages = Json::array();
  std::vector<MessageId> held;
};

Json message_view(const amqp::MappedMessage& message, const Delivery& delivery, int64_t left, bool base64,
                  size_t bytes_max) {
  std::string_view body = text(message.body);
  Json out;
  out.set("payload_bytes", body.size())
      .set("redelivered", delivery.redelivered)
      .set("exchange", message.exchange)
      .set("routing_key", message.routing_key)
      .set("message_count", left)
      .set("properties", view(message.properties));
  body = body.substr(0, bytes_max);
  bool plain = !base64 && is_text(body);
  out.set("payload", plain ? std::string(body) : to_base64(body)).set("payload_encoding", plain ? "string" : "base64");
  return out;
}

io::Task<Reply> fetch(Call& call) {
  DeclaredQueue* there = call.site.hosts.find(call.vhost())->find_queue(call.names[1]);
  if (auto no = refusal(call, Operation::read, call.vhost(), "queue", call.names[1])) co_return *no;
  if (!there) co_return not_found();
  if (there->definition.owner != 0) co_return bad_request("RESOURCE_LOCKED");
  if (there->definition.type == QueueType::stream)
    co_return bad_request("NOT_IMPLEMENTED - basic.get not supported by stream queues");
  auto queue = there->queue;
  std::string mode = text_in(call.body, "ackmode");
  bool requeue = mode.ends_with("requeue_true"), reject = mode.starts_with("reject");
  if (mode.empty()) {
    requeue = flag_in(call.body, "requeue", true);
  } else if (mode != "ack_requeue_true" && mode != "ack_requeue_false" && mode != "reject_requeue_true" &&
             mode != "reject_requeue_false") {
    co_return bad_request("Unknown ackmode: " + mode);
  }
  bool base64 = call.body.text_of("encoding") == "base64", acked = !requeue && !reject;
  int64_t count = std::clamp<int64_t>(number_in(call.body, "count").value_or(1), 0, 10'000);
  auto bytes_max = static_cast<size_t>(number_in(call.body, "truncate").value_or(INT64_MAX));
  Fetched fetched;
  Bytes table;
  auto take = [&](const Delivery& delivery, int64_t left) {
    amqp::MappedMessage message = amqp::read_record(delivery.record, {.home = queue->home_name()}, table);
    fetched.messages.push(message_view(message, delivery, left, base64, bytes_max));
    fetched.held.push_back(delivery.id);
  };
  std::function<void(const Delivery&, int64_t)> taker = take;
  for (bool more = true; more && std::ssize(fetched.held) < count;) more = co_await queue->get(acked, taker);
  if (!acked) {
    // Newest first, each to its place.
    for (auto id = fetched.held.rbegin(); id != fetched.held.rend(); ++id) {
      if (requeue) {
        queue->requeue(*id, Return::looked_at);
      } else {
        queue->reject(*id);
      }
    }
  }
  co_return Reply{200, std::move(fetched.messages)};
}

constexpr Route routes[] = {
    {"POST", "/exchanges/{vhost}/{}/publish", Needs::management, publish},
    {"POST", "/queues/{vhost}/{}/get", Needs::management, fetch},
};

}  // namespace

std::span<const Route> message_routes() { return routes; }

}  // namespace naru::management
