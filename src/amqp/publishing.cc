#include "amqp/publishing.h"

#include <charconv>

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
  return {};
}

}  // namespace naru::amqp
