#include "amqp/publishing.h"

#include <algorithm>
#include <charconv>

#include "amqp/carbon_copies.h"
#include "broker/policies/age.h"

namespace naru::amqp {
namespace {

std::expected<void, std::string> add_keys(std::vector<std::string_view>& keys, FieldTableView headers,
                                          const char* name) {
  auto value = headers.find(name);
  if (!value) return {};
  auto array = value->array();
  if (!array)
    return std::unexpected(std::string("invalid message: {unacceptable_type_in_header,\"") + name + "\"," +
                           naru::name(value->type) + "}");
  for (const FieldValue& key : *array)
    if (key.text()) keys.push_back(*key.text());
  return {};
}

}  // namespace

std::expected<int64_t, std::string> parse_expiration(std::string_view text) {
  int64_t ms = 0;
  std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ms);
  if (error == std::errc::result_out_of_range) return std::unexpected("{value_too_large," + std::string(text) + "}");
  if (error != std::errc()) return std::unexpected("no_integer");
  if (end != text.data() + text.size())
    return std::unexpected("{leftover_string,\"" + std::string(end, text.data() + text.size()) + "\"}");
  if (ms < 0) return std::unexpected("{value_negative," + std::string(text) + "}");
  if (ms > ttl_ms_max) return std::unexpected("{value_too_large," + std::string(text) + "}");
  return ms;
}

std::expected<void, std::string> gather_keys(const std::optional<FieldTableView>& headers,
                                             std::vector<std::string_view>& keys, bool& has_bcc) {
  has_bcc = false;
  if (!headers) return {};
  if (auto added = add_keys(keys, *headers, "CC"); !added) return added;
  if (auto added = add_keys(keys, *headers, "BCC"); !added) return added;
  has_bcc = headers->has("BCC");
  std::ranges::sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
  if (keys.size() > more_keys_max)
    return std::unexpected("invalid message: " + std::to_string(keys.size()) + " routing keys in CC and BCC; " +
                           std::to_string(more_keys_max) + " at most are followed");
  return {};
}

RoutedMessage route_of(std::string_view routing_key, std::span<const std::string_view> more_keys,
                       const Properties& properties, uint64_t random) {
  return {.routing_key = routing_key,
          .more_keys = more_keys,
          .headers = properties.headers.value_or(FieldTableView()),
          .message_id = properties.message_id.value_or(""),
          .correlation_id = properties.correlation_id.value_or(""),
          .timestamp = properties.timestamp,
          .delayed = properties.headers && requested_delay_ms(*properties.headers) > 0,
          .random = random};
}

WithoutBcc::WithoutBcc(MappedMessage& message)
    : headers_(*message.properties.headers), keys_(keys_in(*message.properties.headers, "BCC")) {
  headers_.remove("BCC");
  message.blind_keys = keys_;
  message.properties.headers = headers_.view();
}

NewMessage message_for(const Queue& queue, const MappedMessage& message, const NewRecord& record) {
  NewMessage made{.key = record.key,
                  .body = message.body,
                  .headers = record.headers,
                  .priority = message.properties.priority.value_or(0)};
  // Where it waits for its time, its time to live begins when it goes on.
  if (!message.properties.expiration || queue.watcher) return made;
  if (auto ms = parse_expiration(*message.properties.expiration)) made.ttl_ms = *ms;
  return made;
}

}  // namespace naru::amqp
