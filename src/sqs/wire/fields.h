#pragma once
// Requests and results are described once and walked for each protocol, so that JSON and Query cannot drift apart:
//
//   static void describe(auto& wire, auto& m) {
//     wire("QueueUrl", m.queue_url);                                    // text, number, digest
//     wire.list("AttributeNames", "AttributeName", m.names);            // JSON's name, Query's: of texts or structures
//     wire.map("Attributes", "Attribute", "Name", m.attributes);        // texts by texts, and what Query calls a key
//     wire.attributes("MessageAttributes", "MessageAttribute", m.attributes);
//   }
// Decoded text borrows the request's body, or the values made of it.
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/base64.h"

namespace naru::sqs {

/// Nothing: it was not given. An empty text may have been.
using Text = std::optional<std::string_view>;
using Number = std::optional<int64_t>;
using Texts = std::vector<std::string_view>;
using TextMap = std::vector<std::pair<std::string_view, std::string_view>>;

/// A message attribute, or a system attribute, as a client gives it.
struct GivenAttribute {
  std::string_view name;
  Text type{}, text{}, binary{};  // binary: decoded
  bool has_list = false;          // StringListValues and BinaryListValues, which the service refuses
};
/// Decodes base64 where it stands: what was decoded is ours to change. Nothing if it is none.
inline Text decode_binary(std::string_view text) {
  return base64_in_place({const_cast<char*>(text.data()), text.size()});
}
using GivenAttributes = std::vector<GivenAttribute>;

}  // namespace naru::sqs
