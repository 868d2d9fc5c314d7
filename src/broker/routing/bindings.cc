#include "broker/routing/bindings.h"

#include <algorithm>
#include <charconv>

#include "base/erlang_text.h"
#include "broker/routing/hashing.h"
#include "broker/routing/headers.h"
#include "broker/routing/topic.h"

namespace naru {

std::string_view name(ExchangeType type) {
  switch (type) {
    case ExchangeType::direct: return "direct";
    case ExchangeType::fanout: return "fanout";
    case ExchangeType::topic: return "topic";
    case ExchangeType::headers: return "headers";
    case ExchangeType::consistent_hash: return "x-consistent-hash";
    case ExchangeType::modulus_hash: return "x-modulus-hash";
    case ExchangeType::random: return "x-random";
    case ExchangeType::delayed_message: return "x-delayed-message";
  }
  return {};
}

std::optional<ExchangeType> exchange_type(std::string_view text) {
  for (int number = 1; number <= static_cast<int>(ExchangeType::delayed_message); ++number)
    if (auto type = static_cast<ExchangeType>(number); name(type) == text) return type;
  return std::nullopt;
}

ExchangeType binding_type(ExchangeType type, FieldTableView arguments) {
  if (type != ExchangeType::delayed_message) return type;
  auto wanted = arguments.find("x-delayed-type");
  auto named = exchange_type(wanted ? wanted->text().value_or("") : "");
  return named && *named != ExchangeType::delayed_message ? *named : ExchangeType::direct;
}

int64_t requested_delay_ms(FieldTableView headers) {
  constexpr int64_t delay_ms_max = 315'360'000'000;  // as any time to live
  auto value = headers.find("x-delay");
  if (!value) return 0;
  int64_t ms = 0;
  if (auto integer = value->integer()) {
    ms = *integer;
  } else if (auto real = value->real()) {
    ms = *real >= 1 && *real <= static_cast<double>(delay_ms_max) ? static_cast<int64_t>(*real) : 0;
  } else if (auto text = value->text()) {
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), ms);
    if (error != std::errc() || end != text->data() + text->size()) return 0;
  }
  return ms > 0 && ms <= delay_ms_max ? ms : 0;
}

namespace {

std::optional<std::string> delayed_type_problem(FieldTableView arguments) {
  auto wanted = arguments.find("x-delayed-type");
  auto text = wanted ? wanted->text() : std::nullopt;
  if (!text) return "Invalid argument, 'x-delayed-type' must be an existing exchange type";
  auto named = exchange_type(*text);
  if (!named) return "unknown exchange type '" + std::string(*text) + "'";
  if (*named == ExchangeType::delayed_message)
    return "Invalid argument, 'x-delayed-type' can't be used for 'x-delayed-message'";
  return exchange_problem(*named, arguments);
}

}  // namespace

std::unique_ptr<Bindings> make_bindings(ExchangeType type, FieldTableView arguments) {
  switch (type) {
    case ExchangeType::direct: return std::make_unique<DirectBindings>();
    case ExchangeType::fanout: return std::make_unique<FanoutBindings>();
    case ExchangeType::topic: return std::make_unique<TopicBindings>();
    case ExchangeType::headers: return std::make_unique<HeadersBindings>();
    case ExchangeType::consistent_hash: return std::make_unique<ConsistentHashBindings>(arguments);
    case ExchangeType::modulus_hash:
    case ExchangeType::random: return std::make_unique<ModulusBindings>(type);
    case ExchangeType::delayed_message: return make_bindings(binding_type(type, arguments), arguments);
  }
  return nullptr;
}

void keep_unique(std::vector<Destination>& destinations) {
  if (destinations.size() < 2) return;
  std::ranges::sort(destinations);
  destinations.erase(std::ranges::unique(destinations).begin(), destinations.end());
}

std::optional<std::string> exchange_problem(ExchangeType type, FieldTableView arguments) {
  if (type == ExchangeType::delayed_message) return delayed_type_problem(arguments);
  if (type != ExchangeType::consistent_hash) return std::nullopt;
  auto header = arguments.find("hash-header"), property = arguments.find("hash-property");
  if (header && property) return "hash-header and hash-property are mutually exclusive";
  // RabbitMQ fails over these two with INTERNAL_ERROR.
  if (header && !header->text()) return std::string("hash-header must be a longstr, not a ") + name(header->type);
  if (property && !property->text())
    return std::string("hash-property must be a longstr, not a ") + name(property->type);
  if (!property) return std::nullopt;
  std::string_view text = *property->text();
  if (text == "correlation_id" || text == "message_id" || text == "timestamp") return std::nullopt;
  return "Unsupported property: " + std::string(text);
}

namespace {

std::optional<std::string> match_problem(FieldTableView arguments) {
  auto match = arguments.find("x-match");
  if (!match) return std::nullopt;
  auto text = match->text();
  if (!text)
    return std::string("Invalid x-match field type ") + name(match->type) + " (value " + erlang_text(*match) +
           "); expected longstr";
  if (*text == "all" || *text == "any" || *text == "all-with-x" || *text == "any-with-x") return std::nullopt;
  return "Invalid x-match field value " + erlang_binary(*text) + "; expected all, any, all-with-x, or any-with-x";
}

std::optional<std::string> weight_problem(std::string_view key) {
  auto weight = parse_weight(key);
  if (!weight) return "The binding key must be an integer: " + erlang_binary(key);
  if (*weight < 1) return "The binding key must be greater than 0";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> binding_problem(ExchangeType type, std::string_view key, FieldTableView arguments) {
  if (type == ExchangeType::headers) return match_problem(arguments);
  if (type == ExchangeType::consistent_hash) return weight_problem(key);
  return std::nullopt;
}

}  // namespace naru
