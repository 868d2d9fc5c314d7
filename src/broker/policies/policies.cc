#include "broker/policies/policies.h"

#include <algorithm>

#include "broker/policies/age.h"

namespace naru {
namespace {

enum class Kind : uint8_t { count, positive, millis, positive_millis, text, age, overflow, strategy, retry, mode, any };
struct Setting {
  std::string_view key;
  Kind kind;
  bool takes_smaller = false;  // and so it may be in an operator policy
};

/// What a policy may say. What only a cluster of RabbitMQs knows is taken and does nothing, so that definitions import.
constexpr Setting settings[] = {
    {"message-ttl", Kind::millis, true},
    {"expires", Kind::positive_millis, true},
    {"max-length", Kind::count, true},
    {"max-length-bytes", Kind::count, true},
    {"max-in-memory-length", Kind::count, true},
    {"max-in-memory-bytes", Kind::count, true},
    {"delivery-limit", Kind::count, true},
    {"dead-letter-exchange", Kind::text},
    {"dead-letter-routing-key", Kind::text},
    {"dead-letter-strategy", Kind::strategy},
    {"alternate-exchange", Kind::text},
    {"overflow", Kind::overflow},
    {"queue-mode", Kind::mode},
    {"queue-version", Kind::count},
    {"max-age", Kind::age},
    {"stream-max-segment-size-bytes", Kind::count},
    {"queue-leader-locator", Kind::text},
    {"queue-master-locator", Kind::text},
    {"initial-cluster-size", Kind::count},
    {"naru-retain", Kind::age},
    {"naru-retain-bytes", Kind::count},
    {"consumer-timeout", Kind::positive_millis},
    {"delayed-retry-type", Kind::retry},
    {"delayed-retry-min", Kind::millis},
    {"delayed-retry-max", Kind::millis},
    {"federation-upstream", Kind::any},
    {"federation-upstream-set", Kind::any},
    {"federation-upstream-pattern", Kind::any},
    {"ha-mode", Kind::any},
    {"ha-params", Kind::any},
    {"ha-sync-mode", Kind::any},
    {"ha-sync-batch-size", Kind::any},
    {"ha-promote-on-shutdown", Kind::any},
    {"ha-promote-on-failure", Kind::any},
};

const Setting* find_setting(std::string_view key) {
  auto found = std::ranges::find(settings, key, &Setting::key);
  return found == std::end(settings) ? nullptr : &*found;
}

std::optional<std::string> wrong_value(const Setting& setting, const Json& value) {
  auto text = value.text();
  auto number = value.integer();
  std::string shown = to_text(value);
  auto one_of = [&](std::initializer_list<std::string_view> words) { return text && std::ranges::count(words, *text); };
  switch (setting.kind) {
    case Kind::count:
    case Kind::millis:
      if (number && *number >= 0) return std::nullopt;
      return shown + " is not a valid " + std::string(setting.key);
    case Kind::positive:
    case Kind::positive_millis:
      if (number && *number > 0) return std::nullopt;
      return shown + " is not a valid " + std::string(setting.key);
    case Kind::text:
    case Kind::age:
      if (text) return std::nullopt;
      return shown + " is not a valid " + std::string(setting.key);
    case Kind::overflow:
      if (one_of({"drop-head", "reject-publish", "reject-publish-dlx"})) return std::nullopt;
      return shown + " is not a valid overflow value";
    case Kind::strategy:
      if (one_of({"at-most-once", "at-least-once"})) return std::nullopt;
      return shown + " is not a valid dead letter strategy";
    case Kind::retry:
      if (one_of({"disabled", "all", "failed", "returned"})) return std::nullopt;
      return shown + " is not a valid delayed-retry-type value";
    case Kind::mode:
      if (one_of({"default", "lazy"})) return std::nullopt;
      return shown + " is not a valid queue-mode value";
    case Kind::any: return std::nullopt;
  }
  return std::nullopt;
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
  std::string given = params ? to_text(*params) + " given" : "none given";
  if (mode && mode->text() == "all") {
    if (params) return "ha-mode=\"all\" does not take parameters";
  } else if (mode && mode->text() == "exactly") {
    if (!params || params->integer().value_or(0) < 1) return "ha-mode=\"exactly\" takes an integer, " + given;
  } else if (mode && mode->text() == "nodes") {
    if (!params || !params->items()) return "ha-mode=\"nodes\" takes a list, " + given;
    if (params->items()->empty()) return "ha-mode=\"nodes\" list must be non-empty";
  } else if (mode) {
    return to_text(*mode) + " is not a valid ha-mode value";
  }
  if (!is_one_of(at("ha-sync-mode"), "manual", "automatic"))
    return "ha-sync-mode must be \"manual\" or \"automatic\", got " + to_text(*at("ha-sync-mode"));
  for (const char* key : {"ha-promote-on-shutdown", "ha-promote-on-failure"})
    if (!is_one_of(at(key), "always", "when-synced"))
      return std::string(key) + " must be \"always\" or \"when-synced\", got " + to_text(*at(key));
  if (batch && batch->integer().value_or(0) < 1)
    return "ha-sync-batch-size takes an integer greater than 0, " + to_text(*batch) + " given";
  return std::nullopt;
}

std::optional<std::string> wrong_definition(const Json& definition, bool is_operator) {
  auto* members = definition.members();
  if (!members || members->empty()) return "no policy provided";
  for (const auto& [key, value] : *members) {
    const Setting* setting = find_setting(key);
    if (!setting || (is_operator && !setting->takes_smaller))
      return "[{<<\"" + key + "\">>," + to_text(value) + "}] are not recognised policy settings";
    if (auto wrong = wrong_value(*setting, value)) return wrong;
  }
  return std::nullopt;
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
  auto* members = definition.members();
  if (!members) return std::nullopt;
  for (const auto& [key, value] : *members) {
    const Setting* setting = find_setting(key);
    if (!setting) continue;
    bool is_time = setting->kind == Kind::millis || setting->kind == Kind::positive_millis;
    if (setting->kind == Kind::age && !parse_age(value.text().value_or("")))
      return to_text(value) + " is not a valid " + key + ": an age is a number and one of Y, M, D, h, m, s";
    if (is_time && value.integer().value_or(0) > ttl_ms_max)
      return to_text(value) + " is not a valid " + key + ": longer than ten years";
  }
  return wrong_mirroring(definition);
}

std::expected<Policy, std::string> make_policy(std::string_view name, const Json& value, bool is_operator) {
  const Json* text = value.find("pattern");
  if (!text || !text->text()) return std::unexpected("Key 'pattern' not found in policy");
  auto pattern = Pattern::compile(*text->text());
  if (!pattern)
    return std::unexpected("pattern should be regular expression but " + to_text(*text) + " gives " + pattern.error());
  const Json* definition = value.find("definition");
  if (!definition) return std::unexpected("Key 'definition' not found in policy");
  if (auto wrong = wrong_definition(*definition, is_operator)) return std::unexpected(*wrong);
  const Json* priority = value.find("priority");
  if (priority && !priority->integer())
    return std::unexpected("priority should be a number, actually was " + to_text(*priority));
  const Json* target = value.find("apply-to");
  std::string apply_to(target ? target->text().value_or("?") : "all");
  constexpr std::string_view targets[] = {"all", "exchanges", "queues", "classic_queues", "quorum_queues", "streams"};
  if (std::ranges::find(targets, apply_to) == std::end(targets))
    return std::unexpected("apply-to '" + apply_to + "' unrecognised");
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
