#pragma once
// What is looked at in a message that is published, over channels, over the management API or by the broker itself.
#include <expected>

#include "amqp/record_mapping.h"
#include "broker/queue/queue.h"
#include "broker/routing/bindings.h"

namespace naru::amqp {

/// What the expiration property says, in milliseconds; else why it cannot be.
std::expected<int64_t, std::string> parse_expiration(std::string_view text);

/// Adds the routing keys of the headers CC and BCC, which have to be arrays; else what is wrong. `has_bcc`: whether
/// there is something that only the broker may see.
std::expected<void, std::string> gather_keys(const std::optional<FieldTableView>& headers,
                                             std::vector<std::string_view>& keys, bool& has_bcc);

/// What exchanges look at. Borrows all of it. `random`: see there.
RoutedMessage route_of(std::string_view routing_key, std::span<const std::string_view> more_keys,
                       const Properties& properties, uint64_t random);

/// Takes what only the broker may see out of a message, for as long as this lives.
class WithoutBcc {
 public:
  explicit WithoutBcc(MappedMessage& message);
  WithoutBcc(const WithoutBcc&) = delete;

 private:
  FieldTable headers_;
  std::vector<std::string_view> keys_;
};

/// The message as it goes into that queue. Borrows from message and record.
NewMessage message_for(const Queue& queue, const MappedMessage& message, const NewRecord& record);

}  // namespace naru::amqp
