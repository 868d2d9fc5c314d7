#include "amqp/declaration_rules.h"

namespace naru::amqp {
namespace {

const char* text_of(bool value) { return value ? "true" : "false"; }

/// Where an exchange sends what finds no other way.
std::optional<std::string> alternate_differs(FieldTableView declared, FieldTableView current, const std::string& what) {
  auto now = declared.find("alternate-exchange"), before = current.find("alternate-exchange");
  if (!now && !before) return std::nullopt;
  if (now && before && same_value(*now, *before)) return std::nullopt;
  auto word = [](const FieldValue& one) { return std::string(one.text().value_or("")); };
  auto value = [&](const FieldValue& one) { return "the value '" + word(one) + "' of type 'longstr'"; };
  std::string text = "inequivalent arg 'alternate-exchange' for " + what + ": received ";
  if (!now) return text + "none but current is " + value(*before);
  if (!before) return text + value(*now) + " but current is none";
  return text + "'" + word(*now) + "' but current is '" + word(*before) + "'";
}

}  // namespace

std::optional<std::string> inequivalence(const ExchangeDefinition& declared, const ExchangeDefinition& current,
                                         std::string_view vhost) {
  std::string what = "exchange '" + current.name + "' in vhost '" + std::string(vhost) + "'";
  struct Property {
    const char* name;
    std::string_view now, before;
  };
  const Property properties[] = {
      {"type", naru::name(declared.type), naru::name(current.type)},
      {"durable", text_of(declared.durable), text_of(current.durable)},
      {"auto_delete", text_of(declared.auto_delete), text_of(current.auto_delete)},
      {"internal", text_of(declared.internal), text_of(current.internal)},
  };
  for (const Property& one : properties)
    if (one.now != one.before)
      return std::string("inequivalent arg '") + one.name + "' for " + what + ": received '" + std::string(one.now) +
             "' but current is '" + std::string(one.before) + "'";
  return alternate_differs(declared.arguments.view(), current.arguments.view(), what);
}

std::expected<std::optional<TopicAccess>, std::string> topic_access(const QueueDefinition& wanted,
                                                                    std::string_view vhost, const Catalog& catalog) {
  auto shown = wanted.arguments.find("x-naru-topic"), fed = wanted.arguments.find("x-naru-to-topic");
  auto named = shown ? shown : fed;
  if (!named || !named->text()) return std::nullopt;
  auto allowed = [&](std::string_view name) {
    return TopicAccess{shown ? Operation::read : Operation::write, std::string(name)};
  };
  std::string name(*named->text()), prefix = std::string(vhost) + ".";
  auto refused = std::unexpected("access to topic '" + name + "' refused: it belongs to another virtual host");
  TopicPtr topic = catalog.find(name);
  if (topic && topic->queue && topic->queue->vhost != vhost) return refused;
  if (topic && topic->queue) return allowed(topic->queue->name);
  // A topic of Kafka's, there or still to come, belongs where a stream of that name would.
  if (vhost == "/") return allowed(name);
  if (!name.starts_with(prefix)) return refused;
  return allowed(std::string_view(name).substr(prefix.size()));
}

std::optional<std::string> binding_problem(VirtualHost& host, const ExchangeDefinition& source,
                                           const Binding& binding) {
  const DeclaredQueue* queue = binding.to_queue ? host.find_queue(binding.destination) : nullptr;
  if (queue && queue->definition.settings.topic)
    return "queue '" + binding.destination + "' in vhost '" + host.name + "' gets its messages from the topic '" +
           *queue->definition.settings.topic + "' and from nowhere else";
  ExchangeType type = binding_type(source.type, source.arguments.view());
  return naru::binding_problem(type, binding.key, binding.arguments.view());
}

}  // namespace naru::amqp
