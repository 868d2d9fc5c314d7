// Publishing and fetching messages over the API: for looking and for trying out, not for work.
#include "amqp/publishing.h"
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

/// What of the properties AMQP has no form for, or no meaning.
std::optional<std::string> properties_problem(const Json& json) {
  auto beyond = [&](const char* name, int64_t least, int64_t most) {
    auto number = number_in(json, name);
    return json.find(name) && (!number || *number < least || *number > most);
  };
  if (beyond("delivery_mode", 1, 2)) return "delivery_mode is 1 or 2";
  if (beyond("priority", 0, 255)) return "priority is a number up to 255";
  if (beyond("timestamp", 0, INT64_MAX)) return "timestamp is a number of seconds";
  for (const char* name : {"content_type", "content_encoding", "correlation_id", "reply_to", "expiration", "message_id",
                           "type", "user_id", "app_id", "cluster_id"})
    if (text_at(json, name).value_or("").size() > name_bytes_max)
      return std::string(name) + " is longer than " + std::to_string(name_bytes_max) + " bytes";
  auto expiration = text_at(json, "expiration");
  if (!expiration) return std::nullopt;
  auto ms = amqp::parse_expiration(*expiration);
  return ms ? std::nullopt : std::optional("invalid expiration '" + std::string(*expiration) + "': " + ms.error());
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
  if (auto no = topic_refusal(call, Operation::write, *to, key)) return no;
  if (properties.user_id && *properties.user_id != call.user.name && !call.user.has_tag("impersonator"))
    return bad_request("PRECONDITION_FAILED - user_id property set to '" + std::string(*properties.user_id) +
                       "' but authenticated user was '" + call.user.name + "'");
  return std::nullopt;
}

/// Whether a queue took it.
bool hand_to(const std::vector<std::shared_ptr<Queue>>& queues, amqp::MappedMessage message, bool has_bcc) {
  std::optional<amqp::WithoutBcc> without;
  if (has_bcc) without.emplace(message);
  amqp::RecordMaker records;
  bool accepted = false;
  for (auto& queue : queues)
    accepted |= queue->publish(amqp::message_for(*queue, message, records.make(message, queue->name, 0)));
  return accepted;
}

/// What is wrong with the body of a publish, before anybody looks at who and where.
std::optional<std::string> message_problem(const Json& body) {
  if (auto missing = missing_keys(body, {"routing_key", "properties", "payload", "payload_encoding"})) return missing;
  std::string_view encoding = body.text_of("payload_encoding");
  if (!body.find("properties")->members()) return "properties: an object";
  if (!body.find("payload")->text()) return "payload_not_string";
  if (encoding != "string" && encoding != "base64") return "unsupported_encoding: " + std::string(encoding);
  if (auto wrong = name_problem(body.text_of("routing_key"))) return "routing_key: " + *wrong;
  auto wrong = properties_problem(*body.find("properties"));
  return wrong ? std::optional("PRECONDITION_FAILED - " + *wrong) : std::nullopt;
}

io::Task<Reply> publish(Call& call) {
  VirtualHost& host = *call.site.hosts.find(call.vhost());
  Exchange* to = host.find_exchange(call.names[1] == "amq.default" ? std::string_view() : call.names[1]);
  if (auto wrong = message_problem(call.body)) co_return bad_request(*wrong);
  const Json& given = *call.body.find("properties");
  std::string key = text_in(call.body, "routing_key"), body = text_in(call.body, "payload");
  if (call.body.text_of("payload_encoding") == "base64") {
    auto bytes = from_base64(body);
    if (!bytes) co_return bad_request("payload is no base64");
    body = std::move(*bytes);
  }
  FieldTable headers = table_in(given, "headers");
  amqp::Properties properties = properties_of(given, headers.view());
  if (auto no = publish_problem(call, to, key, properties)) co_return *no;
  std::vector<std::string_view> more_keys;
  bool has_bcc = false;
  if (auto gathered = amqp::gather_keys(properties.headers, more_keys, has_bcc); !gathered)
    co_return bad_request("PRECONDITION_FAILED - " + gathered.error());
  if (call.site.queues.is_blocked()) co_return failed(503, "full", "no space left on the broker's disk");
  std::vector<std::shared_ptr<Queue>> queues;
  RoutedMessage routed = amqp::route_of(key, more_keys, properties, call.site.core.random.next());
  host.route(*to, routed, queues);
  auto& counters = call.site.core.messages;
  ++counters.received;
  counters.routed += queues.size();
  if (queues.empty()) ++counters.dropped;
  amqp::MappedMessage message{to->definition.name, key, properties, naru::view(body)};
  bool accepted = hand_to(queues, message, has_bcc);
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
  uint64_t bytes = 0;  // of memory, about
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

/// What is wrong with the body of a get.
std::optional<std::string> fetch_problem(const Json& body) {
  if (auto missing = missing_keys(body, {"ackmode", "count", "encoding"})) return missing;
  std::string_view mode = body.text_of("ackmode"), encoding = body.text_of("encoding");
  constexpr std::string_view modes[] = {"ack_requeue_true", "ack_requeue_false", "reject_requeue_true",
                                        "reject_requeue_false"};
  if (std::ranges::find(modes, mode) == std::end(modes)) return "Unknown ackmode: " + std::string(mode);
  if (encoding != "auto" && encoding != "base64") return "Unsupported encoding. Please use auto or base64.";
  if (!number_in(body, "count")) return "not_integer: " + to_text(*body.find("count"));
  return std::nullopt;
}

io::Task<Reply> fetch(Call& call) {
  DeclaredQueue* there = call.site.hosts.find(call.vhost())->find_queue(call.names[1]);
  if (auto no = refusal(call, Operation::read, call.vhost(), "queue", call.names[1])) co_return *no;
  if (!there) co_return not_found();
  if (there->definition.owner != 0) co_return bad_request("RESOURCE_LOCKED");
  if (there->definition.type == QueueType::stream)
    co_return bad_request("NOT_IMPLEMENTED - basic.get not supported by stream queues");
  auto queue = there->queue;
  if (auto wrong = fetch_problem(call.body)) co_return bad_request(*wrong);
  std::string_view mode = call.body.text_of("ackmode");
  bool requeue = mode.ends_with("requeue_true"), reject = mode.starts_with("reject");
  bool base64 = call.body.text_of("encoding") == "base64", acked = !requeue && !reject;
  int64_t count = std::clamp<int64_t>(number_in(call.body, "count").value_or(1), 0, 10'000);
  auto bytes_max = static_cast<size_t>(number_in(call.body, "truncate").value_or(INT64_MAX));
  Fetched fetched;
  Bytes table;
  auto take = [&](const Delivery& delivery, int64_t left) {
    amqp::MappedMessage message = amqp::read_record(delivery.record, {.home = queue->home_name()}, table);
    constexpr uint64_t view_bytes = 1000, bytes_per_header_byte = 16;  // measured: as JSON
    fetched.bytes += view_bytes + std::min(message.body.size(), bytes_max) + bytes_per_header_byte * table.size();
    fetched.messages.push(message_view(message, delivery, left, base64, bytes_max));
    fetched.held.push_back(delivery.id);
    return true;
  };
  Queue::Taker taker = take;
  // The answer is in memory as a whole, several times over: fewer messages than were asked for are no error.
  uint64_t most = std::min<uint64_t>(16 * MiB, call.site.core.budget.total() / 8);
  for (bool more = true; more && std::ssize(fetched.held) < count && fetched.bytes < most;)
    more = co_await queue->get(acked, taker);
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
