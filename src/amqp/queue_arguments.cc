#include "amqp/queue_arguments.h"

#include <array>

#include "amqp/stream_arguments.h"
#include "broker/catalog.h"
#include "broker/policies/age.h"
#include "broker/policies/policies.h"
#include "broker/queue/record_keys.h"

namespace naru::amqp {
namespace {

using Checked = std::expected<void, std::string>;

constexpr std::string_view segment_bytes_name = "x-stream-max-segment-size-bytes";
constexpr int64_t segment_bytes_max = 3'000'000'000;  // RabbitMQ's

std::expected<int64_t, std::string> number(const FieldValue& value, int64_t least, int64_t most = INT64_MAX) {
  auto integer = value.integer();
  if (!integer) return std::unexpected(std::string("\"expected integer, got ") + name(value.type) + "\"");
  if (*integer < 0) return std::unexpected("{value_negative," + std::to_string(*integer) + "}");
  if (*integer < least) return std::unexpected("{value_zero," + std::to_string(*integer) + "}");
  if (*integer > most) return std::unexpected("{value_too_large," + std::to_string(*integer) + "}");
  return *integer;
}

std::expected<std::string, std::string> word(const FieldValue& value) {
  auto text = value.text();
  if (!text) return std::unexpected(std::string("{unacceptable_type,") + name(value.type) + "}");
  return std::string(*text);
}

/// Where more makes no difference.
std::expected<uint32_t, std::string> at_most(const std::expected<int64_t, std::string>& value, uint32_t most) {
  if (!value) return std::unexpected(value.error());
  return static_cast<uint32_t>(std::min<int64_t>(*value, most));
}

template <class T, class Value>
Checked set(T& target, std::expected<Value, std::string> value) {
  if (!value) return std::unexpected(value.error());
  target = *value;
  return {};
}

Checked queue_type(QueueDefinition& queue, const FieldValue& value) {
  auto type = value.text();
  if (!type) return std::unexpected(std::string("{unacceptable_type,") + name(value.type) + "}");
  if (*type == "classic" || *type == "quorum" || *type == "stream") {
    queue.type = *type == "classic" ? QueueType::classic : *type == "quorum" ? QueueType::quorum : QueueType::stream;
    return {};
  }
  return std::unexpected("\"unsupported queue type '" + std::string(*type) + "'\"");
}

Checked overflow(QueueDefinition& queue, const FieldValue& value) {
  auto text = value.text();
  if (!text) return std::unexpected(std::string("{unacceptable_type,") + name(value.type) + "}");
  if (*text == "drop-head")
    queue.settings.overflow = Overflow::drop_head;
  else if (*text == "reject-publish")
    queue.settings.overflow = Overflow::reject_publish;
  else if (*text == "reject-publish-dlx")
    queue.settings.overflow = Overflow::reject_publish_dlx;
  else
    return std::unexpected("invalid_overflow");
  return {};
}

Checked priorities(QueueDefinition& queue, const FieldValue& value) {
  auto most = number(value, 0);
  if (!most) return std::unexpected(most.error());
  if (*most > 255) return std::unexpected("{max_value_exceeded," + std::to_string(*most) + "}");
  queue.settings.max_priority = static_cast<uint8_t>(*most);
  return {};
}

Checked max_age(QueueDefinition& queue, const FieldValue& value) {
  auto text = word(value);
  if (!text) return std::unexpected(text.error());
  auto age = parse_age(*text);
  if (!age) return std::unexpected("invalid_max_age");
  queue.settings.max_age_ms = *age;
  return {};
}

/// How long what was acknowledged can still be read: an age, "24h".
Checked retain(QueueDefinition& queue, const FieldValue& value) {
  auto text = word(value);
  if (!text) return std::unexpected(text.error());
  auto age = parse_age(*text);
  if (!age) return std::unexpected("\"not an age such as '24h' or '7D'\"");
  queue.settings.retain_ms = *age;
  return {};
}

Checked topic(std::optional<std::string>& target, const FieldValue& value) {
  auto text = word(value);
  if (!text) return std::unexpected(text.error());
  if (topic_name_error(*text)) return std::unexpected("\"no name that a topic can have\"");
  target = *text;
  return {};
}

/// "routing-key", or "header:" and a name.
Checked key(std::optional<QueueSettings::Key>& target, const FieldValue& value) {
  constexpr std::string_view prefix = "header:";
  auto text = word(value);
  if (!text) return std::unexpected(text.error());
  if (*text == "routing-key") {
    target = QueueSettings::Key();
    return {};
  }
  if (!text->starts_with(prefix) || text->size() == prefix.size())
    return std::unexpected("\"neither 'routing-key' nor 'header:NAME'\"");
  target = QueueSettings::Key{text->substr(prefix.size())};
  return {};
}

Checked weights(QueueDefinition& queue, const FieldValue& value) {
  auto table = value.table();
  if (!table) return std::unexpected(std::string("{unacceptable_type,") + name(value.type) + "}");
  for (const Field& field : *table) {
    auto weight = number(field.value, 1, 1000);
    if (!weight) return std::unexpected(weight.error());
    queue.settings.shares.weights[RecordKeys::hash_of(view(field.name))] = static_cast<uint32_t>(*weight);
  }
  return {};
}

Checked fair_limit(QueueDefinition& queue, const FieldValue& value) {
  auto most = number(value, 1, INT32_MAX);
  if (!most) return std::unexpected(most.error());
  queue.settings.shares.out_max = static_cast<uint32_t>(*most);
  return {};
}

Checked segment_bytes(QueueDefinition& queue, const FieldValue& value) {
  // Each segment is a file: smaller ones win nobody anything. The log has an upper limit of its own.
  constexpr int64_t least = 8 * KiB, most = 128 * MiB;
  auto bytes = number(value, 0);
  if (!bytes) return std::unexpected(bytes.error());
  queue.settings.segment_bytes = static_cast<uint64_t>(std::clamp(*bytes, least, most));
  return {};
}

Checked strategy(QueueDefinition& queue, const FieldValue& value) {
  auto text = word(value);
  if (!text) return std::unexpected(text.error());
  // Either way naru lets go of a message only when it is where it was sent to, if there is somewhere.
  queue.settings.keeps_dead_letters = *text == "at-least-once";
  if (*text == "at-most-once" || *text == "at-least-once") return {};
  return std::unexpected("invalid_dlx_strategy");
}

Checked retry_type(QueueDefinition& queue, const FieldValue& value) {
  auto text = word(value);
  if (!text) return std::unexpected(text.error());
  RetryDelay& delay = queue.settings.retry_delay;
  delay.of_failed = *text == "all" || *text == "failed";
  delay.of_returned = *text == "all" || *text == "returned";
  if (delay.of_failed || delay.of_returned || *text == "disabled") return {};
  return std::unexpected("invalid_delayed_retry_type");
}

Checked mode(QueueDefinition&, const FieldValue& value) {
  if (!value.text()) return std::unexpected(std::string("{unacceptable_type,") + name(value.type) + "}");
  if (*value.text() == "default" || *value.text() == "lazy") return {};
  return std::unexpected("\"unsupported queue mode '" + std::string(*value.text()) + "'\"");
}

Checked version(QueueDefinition&, const FieldValue& value) {
  auto wanted = number(value, 0);
  if (!wanted) return std::unexpected(wanted.error());
  if (*wanted == 1 || *wanted == 2) return {};
  return std::unexpected("\"unsupported queue version '" + std::to_string(*wanted) + "'\"");
}

Checked flag(bool& target, const FieldValue& value) {
  auto boolean = value.boolean();
  if (!boolean) return std::unexpected(std::string("{unacceptable_type,") + name(value.type) + "}");
  target = *boolean;
  return {};
}

/// What only a cluster acts on. It is checked all the same: who writes it wrong here would find out there.
Checked locator(const FieldValue& value, std::initializer_list<std::string_view> words) {
  auto text = word(value);
  if (!text) return std::unexpected(text.error());
  if (std::ranges::count(words, std::string_view(*text))) return {};
  return std::unexpected("invalid_queue_locator_arg");
}

Checked leader_locator(QueueDefinition&, const FieldValue& value) {
  return locator(value, {"client-local", "balanced", "random", "least-leaders"});
}

Checked master_locator(QueueDefinition&, const FieldValue& value) {
  return locator(value, {"client-local", "min-masters", "random"});
}

Checked cluster_size(QueueDefinition&, const FieldValue& value) {
  auto nodes = number(value, 1);
  if (!nodes) return std::unexpected(nodes.error());
  return {};
}

Checked in_memory(QueueDefinition&, const FieldValue& value) {
  auto most = number(value, 0);
  if (!most) return std::unexpected(most.error());
  return {};
}

constexpr uint8_t classic_only = 1, quorum_only = 2, stream_only = 4, no_stream = 3, any_type = 7;
uint8_t bit_of(QueueType type) {
  return type == QueueType::classic ? classic_only : type == QueueType::quorum ? quorum_only : stream_only;
}

struct Argument {
  std::string_view name;
  uint8_t types;
  Checked (*apply)(QueueDefinition& queue, const FieldValue& value);
};

/// Each argument once: for which types of queue, and what it does. Where several are wrong, or differ from those of the
/// queue that is there, RabbitMQ names the first in this order.
constexpr auto arguments = std::to_array<Argument>({
    {"x-expires", no_stream,
     [](auto& queue, auto& value) { return set(queue.expires_ms, number(value, 1, ttl_ms_max)); }},
    {"x-message-ttl", no_stream,
     [](auto& queue, auto& value) { return set(queue.settings.message_ttl_ms, number(value, 0, ttl_ms_max)); }},
    {"x-dead-letter-exchange", no_stream,
     [](auto& queue, auto& value) { return set(queue.settings.dead_letter_exchange, word(value)); }},
    {"x-dead-letter-routing-key", no_stream,
     [](auto& queue, auto& value) { return set(queue.settings.dead_letter_key, word(value)); }},
    {"x-dead-letter-strategy", quorum_only, strategy},
    {"x-max-length", no_stream,
     [](auto& queue, auto& value) { return set(queue.settings.max_length, number(value, 0)); }},
    {"x-max-length-bytes", any_type,
     [](auto& queue, auto& value) { return set(queue.settings.max_bytes, number(value, 0)); }},
    {"x-max-in-memory-length", quorum_only, in_memory},
    {"x-max-in-memory-bytes", quorum_only, in_memory},
    {"x-max-priority", classic_only, priorities},
    {"x-overflow", no_stream, overflow},
    {"x-queue-mode", classic_only, mode},
    {"x-queue-version", classic_only, version},
    {"x-single-active-consumer", no_stream,
     [](auto& queue, auto& value) { return flag(queue.settings.single_active_consumer, value); }},
    {"x-queue-type", any_type, queue_type},
    {"x-max-age", stream_only, max_age},
    {segment_bytes_name, stream_only, segment_bytes},
    {"x-initial-cluster-size", stream_only, cluster_size},
    {"x-quorum-initial-group-size", quorum_only, cluster_size},
    {"x-delivery-limit", quorum_only,
     [](auto& queue, auto& value) {
       return set(queue.settings.delivery_limit, at_most(number(value, 0), UINT32_MAX));
     }},
    {"x-queue-leader-locator", quorum_only | stream_only, leader_locator},
    {"x-queue-master-locator", classic_only, master_locator},
    {"x-delayed-retry-type", quorum_only, retry_type},
    {"x-delayed-retry-min", quorum_only,
     [](auto& queue, auto& value) { return set(queue.settings.retry_delay.step_ms, number(value, 0, ttl_ms_max)); }},
    {"x-delayed-retry-max", quorum_only,
     [](auto& queue, auto& value) { return set(queue.settings.retry_delay.most_ms, number(value, 0, ttl_ms_max)); }},
    {"x-consumer-timeout", no_stream,
     [](auto& queue, auto& value) { return set(queue.settings.consumer_timeout_ms, number(value, 1, ttl_ms_max)); }},
    {"x-naru-retain", no_stream, retain},
    {"x-naru-retain-bytes", no_stream,
     [](auto& queue, auto& value) { return set(queue.settings.retain_bytes, number(value, 0)); }},
    {"x-naru-order-key", no_stream, [](auto& queue, auto& value) { return key(queue.settings.order_key, value); }},
    {"x-naru-fair-key", no_stream, [](auto& queue, auto& value) { return key(queue.settings.fair_key, value); }},
    {"x-naru-fair-weights", no_stream, weights},
    {"x-naru-fair-limit", no_stream, fair_limit},
    {"x-naru-topic", no_stream, [](auto& queue, auto& value) { return topic(queue.settings.topic, value); }},
    {"x-naru-to-topic", no_stream, [](auto& queue, auto& value) { return topic(queue.settings.to_topic, value); }},
});

bool is_for(const Argument& argument, QueueType type) { return argument.types & bit_of(type); }

const Argument* find_argument(std::string_view name) {
  auto found = std::ranges::find(arguments, name, &Argument::name);
  return found == arguments.end() ? nullptr : &*found;
}

/// What takes messages in an order of its own.
constexpr std::string_view not_with_fair_key[] = {"x-max-length", "x-max-length-bytes", "x-max-priority",
                                                  "x-naru-order-key"};
/// Each priority is a log of its own, and keys are kept apart in one log.
constexpr std::string_view not_with_order_key[] = {"x-max-priority"};
/// What a queue over a topic has no say in.
constexpr std::string_view own_log_arguments[] = {"x-message-ttl",  "x-max-length",  "x-max-length-bytes", "x-overflow",
                                                  "x-max-priority", "x-naru-retain", "x-naru-retain-bytes"};

/// What is about consumers, of a queue that has none but the broker, which takes the messages one after the other.
constexpr std::string_view consumer_arguments[] = {"x-max-priority",     "x-expires",        "x-single-active-consumer",
                                                   "x-consumer-timeout", "x-naru-order-key", "x-naru-fair-key",
                                                   "x-naru-topic",       "x-naru-retain",    "x-naru-retain-bytes"};

std::string shown(const FieldValue& value) {
  if (auto text = value.text()) return std::string(*text);
  return erlang_text(value);
}

}  // namespace

std::string erlang_name(QueueType type) {
  switch (type) {
    case QueueType::classic: return "rabbit_classic_queue";
    case QueueType::quorum: return "rabbit_quorum_queue";
    case QueueType::stream: return "rabbit_stream_queue";
  }
  return "";
}

namespace {

using Problem = std::optional<std::string>;

/// What naru's own arguments cannot be together with.
Problem combination_problem(const QueueDefinition& queue, const std::string& of_queue) {
  FieldTableView given = queue.arguments.view();
  auto with_any = [&](std::span<const std::string_view> names, const char* why) -> Problem {
    for (std::string_view name : names)
      if (given.has(name)) return "invalid arg '" + std::string(name) + of_queue + ": \"" + why + "\"";
    return std::nullopt;
  };
  if (queue.settings.fair_key)
    if (auto wrong = with_any(not_with_fair_key, "not together with x-naru-fair-key")) return wrong;
  if (queue.settings.order_key)
    if (auto wrong = with_any(not_with_order_key, "not together with x-naru-order-key")) return wrong;
  if (queue.settings.to_topic) {
    if (auto wrong = with_any(consumer_arguments, "the broker takes the messages, in order")) return wrong;
    if (!queue.durable || queue.owner != 0 || queue.auto_delete)
      return "invalid arg 'x-naru-to-topic" + of_queue + ": \"only of durable queues that stay\"";
  }
  if (queue.settings.topic) return with_any(own_log_arguments, "the topic keeps the messages");
  return std::nullopt;
}

/// What keeps a queue that is kept as a log of its own type from being one.
Problem property_problem(const QueueDefinition& queue, bool durable, std::string_view vhost) {
  std::string of_queue = " for queue '" + queue.name + "' in vhost '" + std::string(vhost) + "'";
  if (queue.type == QueueType::classic) return std::nullopt;
  if (!durable) return "invalid property 'non-durable'" + of_queue;
  if (queue.owner != 0) return "invalid property 'exclusive-owner'" + of_queue;
  if (queue.auto_delete) return "invalid property 'auto-delete'" + of_queue;
  auto bytes = queue.arguments.find(segment_bytes_name);
  if (queue.type == QueueType::stream && bytes && bytes->integer() > segment_bytes_max)
    return "Exceeded max value for " + std::string(segment_bytes_name);
  return std::nullopt;
}

}  // namespace

std::expected<void, std::string> apply_arguments(QueueDefinition& queue, std::string_view vhost) {
  std::string of_queue = "' for queue '" + queue.name + "' in vhost '" + std::string(vhost) + "'";
  FieldTableView given = queue.arguments.view();
  Problem first;
  auto note = [&first](Problem wrong) {
    if (!first) first = std::move(wrong);
  };
  auto apply = [&](const Argument& argument, const FieldValue& value) {
    if (auto applied = argument.apply(queue, value); !applied)
      note("invalid arg '" + std::string(argument.name) + of_queue + ": " + applied.error());
  };
  if (auto exchange = given.find("x-dead-letter-exchange"); exchange && !exchange->text())
    note(std::string("invalid type '") + name(exchange->type) + "' for arg 'x-dead-letter-exchange' in queue '" +
         queue.name + "' in vhost '" + std::string(vhost) + "'");
  if (auto type = given.find("x-queue-type")) apply(*find_argument("x-queue-type"), *type);
  for (const Argument& argument : arguments)
    if (auto value = is_for(argument, queue.type) ? given.find(argument.name) : std::nullopt) apply(argument, *value);
  if (queue.settings.dead_letter_key && !queue.settings.dead_letter_exchange)
    note("invalid arg 'x-dead-letter-routing-key" + of_queue + ": routing_key_but_no_dlx_defined");
  for (const Field& field : given) {
    const Argument* argument = find_argument(field.name);
    if (argument && !is_for(*argument, queue.type))
      note("invalid arg '" + std::string(field.name) + of_queue + " of queue type " + erlang_name(queue.type));
  }
  note(combination_problem(queue, of_queue));
  queue.settings.topic_vhost = vhost;
  bool was_durable = queue.durable;
  if (queue.owner != 0) queue.durable = false;  // it goes with its connection
  note(property_problem(queue, was_durable, vhost));
  queue.settings.counts_deliveries = queue.type == QueueType::quorum;
  queue.settings.is_stream = queue.type == QueueType::stream;
  queue.settings.durability = queue.durable ? Durability::sync : Durability::os;
  if (first) return std::unexpected(*first);
  return {};
}

void add_default_type(QueueDefinition& queue, std::string_view type) {
  bool plain = type.empty() || type == "classic" || type == "undefined";
  if (plain || queue.arguments.find("x-queue-type")) return;
  // The others are durable, shared and named by their clients.
  if (queue.durable && queue.owner == 0 && !queue.auto_delete && !queue.name.empty())
    queue.arguments.add("x-queue-type", type);
}

void apply_policy(QueueDefinition& queue, FieldTableView policy) {
  constexpr std::string_view prefix = "x-";
  for (const Argument& argument : arguments) {
    std::string_view key = argument.name.substr(prefix.size());
    auto value = policy.find(key);
    if (!value || !is_for(argument, queue.type)) continue;
    // What is settled when a queue is made: how it is kept, how many logs it has.
    if (argument.apply == queue_type || argument.apply == priorities) continue;
    if (argument.name.starts_with("x-naru-") && !argument.name.starts_with("x-naru-retain")) continue;
    if (queue.settings.fair_key && std::ranges::count(not_with_fair_key, argument.name)) continue;
    if (queue.settings.to_topic && std::ranges::count(consumer_arguments, argument.name)) continue;
    if (queue.settings.topic && std::ranges::count(own_log_arguments, argument.name)) continue;
    auto own = queue.arguments.find(argument.name);
    if (own && !(takes_smaller(key) && value->integer() < own->integer())) continue;
    (void)argument.apply(queue, *value).has_value();  // was checked with the policy
  }
  if (!queue.settings.dead_letter_exchange) queue.settings.dead_letter_key.reset();
}

std::optional<std::string> inequivalence(FieldTableView declared, FieldTableView current, QueueType type,
                                         std::string_view what) {
  for (const Argument& argument : arguments) {
    if (!is_for(argument, type)) continue;
    auto now = declared.find(argument.name), before = current.find(argument.name);
    bool is_type = argument.name == "x-queue-type";
    if (is_type && !now && before && before->text() == "classic") continue;
    if (is_type && !before && now && now->text() == "classic") continue;
    if (!now && !before) continue;
    if (now && before && same_value(*now, *before)) continue;
    std::string text = "inequivalent arg '" + std::string(argument.name) + "' for " + std::string(what) + ": received ";
    auto value = [](const FieldValue& one) {
      return "the value '" + shown(one) + "' of type '" + name(one.type) + "'";
    };
    if (!now) return text + "none but current is " + value(*before);
    if (!before) return text + value(*now) + " but current is none";
    return text + "'" + shown(*now) + "' but current is '" + shown(*before) + "'";
  }
  return std::nullopt;
}

}  // namespace naru::amqp
