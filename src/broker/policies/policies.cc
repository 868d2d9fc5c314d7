#include "broker/policies/policies.h"

#include <algorithm>
#include <map>

#include "base/erlang_text.h"
#include "broker/policies/age.h"

namespace naru {
namespace {

/// As Erlang prints what it made of JSON: texts are binaries, objects maps.
std::string erlang_text(const Json& value) {
  auto listed = [](const auto& all, const auto& print) {
    std::string text;
    for (const auto& one : all) text += (text.empty() ? "" : ",") + print(one);
    return text;
  };
  if (auto text = value.text()) return erlang_binary(*text);
  if (auto* items = value.items()) return "[" + listed(*items, erlang_text) + "]";
  if (auto* members = value.members())
    return "#{" +
           listed(*members,
                  [](const auto& one) { return erlang_binary(one.first) + " => " + erlang_text(one.second); }) +
           "}";
  return to_text(value);
}

enum class Kind : uint8_t { count, positive, millis, positive_millis, text, age, overflow, strategy, retry, mode, any };
struct Setting {
  std::string_view key;
  Kind kind;
  std::string_view what;       // it is called where its value is refused
  bool takes_smaller = false;  // and so it may be in an operator policy
};

/// What a policy may say, by name as RabbitMQ looks at them: of several that are wrong the first one is told. What only
/// a cluster of RabbitMQs knows is taken and does nothing, so that definitions import.
constexpr Setting settings[] = {
    {"alternate-exchange", Kind::text, "alternate exchange name"},
    {"consumer-timeout", Kind::positive_millis, "consumer timeout"},
    {"dead-letter-exchange", Kind::text, "dead letter exchange name"},
    {"dead-letter-routing-key", Kind::text, "dead letter routing key"},
    {"dead-letter-strategy", Kind::strategy, "dead letter strategy"},
    {"delayed-retry-max", Kind::millis, "delayed-retry-max value"},
    {"delayed-retry-min", Kind::millis, "delayed-retry-min value"},
    {"delayed-retry-type", Kind::retry, "delayed-retry-type value"},
    {"delivery-limit", Kind::count, "delivery limit", true},
    {"expires", Kind::positive_millis, "queue expiry", true},
    {"federation-upstream", Kind::any, ""},
    {"federation-upstream-pattern", Kind::any, ""},
    {"federation-upstream-set", Kind::any, ""},
    {"ha-mode", Kind::any, ""},
    {"ha-params", Kind::any, ""},
    {"ha-promote-on-failure", Kind::any, ""},
    {"ha-promote-on-shutdown", Kind::any, ""},
    {"ha-sync-batch-size", Kind::any, ""},
    {"ha-sync-mode", Kind::any, ""},
    {"initial-cluster-size", Kind::count, "cluster size"},
    {"max-age", Kind::age, "max age"},
    {"max-in-memory-bytes", Kind::count, "maximum memory in bytes", true},
    {"max-in-memory-length", Kind::count, "maximum memory in bytes", true},
    {"max-length", Kind::count, "maximum length", true},
    {"max-length-bytes", Kind::count, "maximum length in bytes", true},
    {"message-ttl", Kind::millis, "message TTL", true},
    {"naru-retain", Kind::age, "naru-retain value"},
    {"naru-retain-bytes", Kind::count, "naru-retain-bytes value"},
    {"overflow", Kind::overflow, "overflow value"},
    {"queue-leader-locator", Kind::text, "queue leader locator value"},
    {"queue-master-locator", Kind::text, "queue-master-locator value"},
    {"queue-mode", Kind::mode, "queue-mode value"},
    {"queue-version", Kind::count, "queue-version value"},
    {"stream-max-segment-size-bytes", Kind::count, "segment size"},
};

const Setting* find_setting(std::string_view key) {
  auto found = std::ranges::find(settings, key, &Setting::key);
  return found == std::end(settings) ? nullptr : &*found;
}

std::string refused(const Setting& setting, const Json& value) {
  return erlang_text(value) + " is not a valid " + std::string(setting.what);
}

bool is_right(const Setting& setting, const Json& value) {
  auto text = value.text();
  auto number = value.integer();
  auto one_of = [&](std::initializer_list<std::string_view> words) { return text && std::ranges::count(words, *text); };
  switch (setting.kind) {
    case Kind::count:
    case Kind::millis: return number && *number >= 0;
    case Kind::positive:
    case Kind::positive_millis: return number && *number > 0;
    case Kind::text:
    case Kind::age: return text.has_value();
    case Kind::overflow: return one_of({"drop-head", "reject-publish", "reject-publish-dlx"});
    case Kind::strategy: return one_of({"at-most-once", "at-least-once"});
    case Kind::retry: return one_of({"disabled", "all", "failed", "returned"});
    case Kind::mode: return one_of({"default", "lazy"});
    case Kind::any: return true;
  }
  return true;
}

bool is_one_of(const Json* value, std::string_view first, std::string_view second) {
  return !value || value->text() == first || value->text() == second;
}

/// What RabbitMQ refuses of mirrored queues' keys: they do nothing here, but whoever sets one wrong learns it.
std::optional<std::string> wrong_mirroring(const Json& definition) {
  auto at = [&](std::string_view key) { return definition.find(key); };
  const Json *mode = at("ha-mode"), *params = at("ha-params"), *batch = at("ha-sync-batch-size");
  if (!mode && (params || at("ha-sync-mode") || at("ha-promote-on-shutdown")))
    return "ha-mode must be specified to specify ha-params, ha-sync-mode or ha-promote-on-shutdown";
  std::string given = params ? erlang_text(*params) + " given" : "none given";
  if (mode && mode->text() == "all") {
    if (params) return "ha-mode=\"all\" does not take parameters";
  } else if (mode && mode->text() == "exactly") {
    if (!params || params->integer().value_or(0) < 1) return "ha-mode=\"exactly\" takes an integer, " + given;
  } else if (mode && mode->text() == "nodes") {
    if (!params || !params->items()) return "ha-mode=\"nodes\" takes a list, " + given;
    if (params->items()->empty()) return "ha-mode=\"nodes\" list must be non-empty";
  } else if (mode) {
    return erlang_text(*mode) + " is not a valid ha-mode value";
  }
  if (!is_one_of(at("ha-sync-mode"), "manual", "automatic"))
    return "ha-sync-mode must be \"manual\" or \"automatic\", got " + erlang_text(*at("ha-sync-mode"));
  for (const char* key : {"ha-promote-on-shutdown", "ha-promote-on-failure"})
    if (!is_one_of(at(key), "always", "when-synced"))
      return std::string(key) + " must be \"always\" or \"when-synced\", got " + erlang_text(*at(key));
  if (batch && batch->integer().value_or(0) < 1)
    return "ha-sync-batch-size takes an integer greater than 0, " + erlang_text(*batch) + " given";
  return std::nullopt;
}

std::optional<std::string> wrong_definition(const Json& definition, bool is_operator) {
  auto* members = definition.members();
  if (!members || members->empty()) return "no policy provided";
  auto is_known = [&](const Setting& setting) { return setting.takes_smaller || !is_operator; };
  for (const Setting& setting : settings) {
    const Json* value = is_known(setting) ? definition.find(setting.key) : nullptr;
    if (value && !is_right(setting, *value)) return refused(setting, *value);
  }
  std::map<std::string_view, const Json*> unknown;
  for (const auto& [key, value] : *members)
    if (const Setting* setting = find_setting(key); !setting || !is_known(*setting)) unknown[key] = &value;
  if (unknown.empty()) return std::nullopt;
  std::string all;
  for (const auto& [key, value] : unknown)
    all += (all.empty() ? "{" : ",{") + erlang_binary(key) + "," + erlang_text(*value) + "}";
  return "[" + all + "] are not recognised policy settings";
}

bool is_meant(std::string_view apply_to, PolicyTarget target) {
  if (apply_to == "all") return true;
  if (target == PolicyTarget::exchange) return apply_to == "exchanges";
  return apply_to == "queues" || (apply_to == "classic_queues" && target == PolicyTarget::classic_queue) ||
         (apply_to == "quorum_queues" && target == PolicyTarget::quorum_queue) ||
         (apply_to == "streams" && target == PolicyTarget::stream);
}

const Policy* best(const std::vector<Policy>& policies, PolicyTarget target, std::string_view name) {
  for (const Policy& policy : policies)
    if (is_meant(policy.apply_to, target) && policy.pattern.matches(name)) return &policy;
  return nullptr;
}

}  // namespace

bool takes_smaller(std::string_view key) {
  const Setting* setting = find_setting(key);
  return setting && setting->takes_smaller;
}

std::optional<std::string> unusable_value(const Json& definition) {
  constexpr int64_t segment_bytes_max = 3'000'000'000;
  for (const Setting& setting : settings) {
    const Json* value = definition.find(setting.key);
    if (!value) continue;
    std::string_view text = value->text().value_or("");
    int64_t number = value->integer().value_or(0);
    auto one_of = [&](std::initializer_list<std::string_view> words) { return std::ranges::count(words, text) > 0; };
    bool is_time = setting.kind == Kind::millis || setting.kind == Kind::positive_millis;
    if (is_time && number > ttl_ms_max) return refused(setting, *value) + ": longer than ten years";
    if (setting.key == "queue-master-locator" && !one_of({"client-local", "min-masters", "random"}))
      return erlang_text(*value) + " invalid queue-master-locator value";
    bool is_wrong =
        (setting.kind == Kind::age && !parse_age(text)) ||
        (setting.key == "queue-version" && number != 1 && number != 2) ||
        (setting.key == "stream-max-segment-size-bytes" && number > segment_bytes_max) ||
        (setting.key == "queue-leader-locator" && !one_of({"client-local", "balanced", "random", "least-leaders"}));
    if (is_wrong) return refused(setting, *value);
  }
  return wrong_mirroring(definition);
}

std::expected<Policy, std::string> make_policy(std::string_view name, const Json& value, bool is_operator) {
  const Json* text = value.find("pattern");
  if (!text) return std::unexpected("Key 'pattern' not found in policy");
  if (!text->text()) return std::unexpected("pattern should be a binary but was " + erlang_text(*text));
  auto pattern = Pattern::compile(*text->text());
  if (!pattern) return std::unexpected("pattern should be regular expression but is invalid: " + pattern.error());
  const Json* definition = value.find("definition");
  if (!definition) return std::unexpected("Key 'definition' not found in policy");
  if (auto wrong = wrong_definition(*definition, is_operator)) return std::unexpected(*wrong);
  const Json* priority = value.find("priority");
  if (priority && !priority->integer())
    return std::unexpected("priority should be a number, actually was " + erlang_text(*priority));
  const Json* target = value.find("apply-to");
  std::string apply_to(target ? target->text().value_or("?") : "all");
  constexpr std::string_view targets[] = {"all", "exchanges", "queues", "classic_queues", "quorum_queues", "streams"};
  if (std::ranges::find(targets, apply_to) == std::end(targets))
    return std::unexpected("apply-to '" + apply_to +
                           "' unrecognised; should be 'queues', 'classic_queues', 'quorum_queues', 'streams', "
                           "'exchanges' or 'all'");
  return Policy{std::string(name), std::move(apply_to), std::move(*pattern), priority ? *priority->integer() : 0,
                *definition};
}

Json Policies::Match::definition() const {
  Json all = policy ? policy->definition : Json::object();
  if (!operator_policy) return all;
  for (const auto& [key, value] : *operator_policy->definition.members()) {
    const Json* own = all.find(key);
    if (!own || value.integer() < own->integer()) all.set(key, value);
  }
  return all;
}

Policies::Host& Policies::host(std::string_view vhost) {
  auto found = hosts_.find(vhost);
  if (found != hosts_.end()) return found->second;
  Host& made = hosts_[std::string(vhost)];
  for (const auto& [key, value] : parameters_.all()) {
    if (key.vhost != vhost) continue;
    bool is_operator = key.component == Parameters::operator_policy;
    if (!is_operator && key.component != Parameters::policy) continue;
    if (auto policy = make_policy(key.name, value, is_operator))
      (is_operator ? made.operator_policies : made.policies).push_back(std::move(*policy));
  }
  for (auto* policies : {&made.policies, &made.operator_policies})
    std::ranges::sort(*policies, [](const Policy& a, const Policy& b) {
      return a.priority != b.priority ? a.priority > b.priority : a.name < b.name;
    });
  return made;
}

Policies::Match Policies::match(std::string_view vhost, PolicyTarget target, std::string_view name) {
  if (parameters_.all().empty()) return {};
  Host& all = host(vhost);
  return {best(all.policies, target, name), best(all.operator_policies, target, name)};
}

void Policies::changed(std::string_view vhost) {
  if (auto found = hosts_.find(vhost); found != hosts_.end()) hosts_.erase(found);
}

}  // namespace naru
