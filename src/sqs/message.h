#pragma once
// Messages on their way into a queue and out of it. As records of its log: docs/mapping.md.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace naru::sqs {

/// A message attribute. `type` is String, Number or Binary, with whatever stands behind it ("Number.int").
template <class Text>
struct BasicAttribute {
  Text name, type;
  Text value;  // text, or the raw bytes of a Binary one
  bool is_binary() const { return std::string_view(type).starts_with("Binary"); }
};
using AttributeView = BasicAttribute<std::string_view>;
using Attribute = BasicAttribute<std::string>;

/// A message to send. Borrows everything until `send` has returned. Checked by the wire.
struct Outgoing {
  std::string_view body{};
  std::span<const AttributeView> attributes{};
  std::optional<int32_t> delay{};  // seconds; the queue's if there is none. Means nothing to a FIFO queue
  std::optional<std::string_view> group{};
  /// Of a FIFO queue, always: what was given, or the hex SHA-256 of the body.
  std::optional<std::string_view> deduplication{};
  std::optional<std::string_view> trace{};  // AWSTraceHeader
  std::string_view sender{};                // SenderId; empty: not known
};

struct Sent {
  std::string message_id;  // a UUID; the first one's where this was a duplicate
  uint64_t sequence = 0;   // of a FIFO queue: to be shown with 20 digits
};

/// A message that somebody received.
struct Incoming {
  std::string message_id, receipt, body;
  std::vector<Attribute> attributes{};  // in the order of their names
  uint32_t receive_count = 1;
  int64_t sent_ms = 0, first_received_ms = 0;  // since 1970
  uint64_t sequence = 0;                       // of a FIFO queue
  std::optional<std::string> sender{}, group{}, deduplication{}, trace{};
  std::optional<std::string> dead_letter_source{};  // name of the queue it came from
};

}  // namespace naru::sqs
