#pragma once
// What is looked at in a message that is published, over channels or over the management API.
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "broker/field_table.h"

namespace naru::amqp {

/// What the expiration property says, in milliseconds; else why it cannot be.
std::expected<int64_t, std::string> parse_expiration(std::string_view text);

/// Adds the routing keys of the headers CC and BCC, which have to be arrays; else what is wrong. `has_bcc`: whether
/// there is something that only the broker may see.
std::expected<void, std::string> gather_keys(const std::optional<FieldTableView>& headers,
                                             std::vector<std::string_view>& keys, bool& has_bcc);

}  // namespace naru::amqp
