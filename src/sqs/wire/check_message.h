#pragma once
// What a message may be: the rules and the words of the service.
#include "sqs/message.h"
#include "sqs/wire/digest.h"
#include "sqs/wire/fields.h"
#include "sqs/wire/refusal.h"

namespace naru::sqs {

/// Whether all characters are ones that a message may have (those of XML 1.0), in valid UTF-8.
bool is_message_text(std::string_view text);
/// 1 to 128 letters, digits and punctuation: of groups and of deduplication.
bool is_message_key(std::string_view text);

/// The attributes of a message, sorted by name, or what is wrong with them. The result borrows what was given.
Reply<std::vector<AttributeView>> check_attributes(const GivenAttributes& given);
/// The one system attribute that senders may set; nothing if it was not given.
Reply<Text> check_system_attributes(const GivenAttributes& given);

/// What counts towards the limits: text, names, types and values.
size_t message_bytes(std::string_view body, std::span<const AttributeView> attributes);

/// Of attributes sorted by name; nothing if there are none.
std::optional<Md5> md5_of(std::span<const AttributeView> attributes);

}  // namespace naru::sqs
