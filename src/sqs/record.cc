#include "sqs/record.h"

#include <charconv>

#include "base/base64.h"
#include "base/utf8.h"
#include "broker/record_headers.h"

namespace naru::sqs {
namespace {

// On disk: add, never change.
constexpr std::string_view own_prefix = "sqs.", broker_prefix = "naru.";
constexpr std::string_view types_name = "sqs.types", deduplication_name = "sqs.deduplication-id",
                           sender_name = "sqs.sender", trace_name = "sqs.trace", source_name = "sqs.source",
                           receives_name = "sqs.receives", first_name = "sqs.first-received", moved_name = "sqs.moved";
/// In front of the name of an attribute that would mean something else.
constexpr std::string_view escape_prefix = "sqs.attribute.";
/// Says that the body is not what a message of SQS can hold, and stands in base64.
constexpr std::string_view encoding_attribute = "naru.encoding";

/// Headers of AMQP's that have no meaning as attributes.
bool is_hidden(std::string_view name) {
  return name == message_id_header || name == amqp_types_header || name == "amqp.exact" || name == "amqp.mode" ||
         name == "amqp.exchange" || name == "amqp.routing-key";
}

bool must_escape(std::string_view name) {
  return name.starts_with(own_prefix) || name.starts_with(broker_prefix) || is_hidden(name) ||
         name.starts_with(amqp_escape_prefix);
}

template <class Number>
Number number_of(std::string_view text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Text that a message of SQS may hold: XML's characters.
bool is_plain(std::string_view text) {
  if (!is_utf8(text)) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<uint8_t>(text[i]);
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
    // U+FFFE and U+FFFF: EF BF BE, EF BF BF
    if (c == 0xef && text.substr(i).size() >= 3 && static_cast<uint8_t>(text[i + 1]) == 0xbf &&
        static_cast<uint8_t>(text[i + 2]) >= 0xbe)
      return false;
  }
  return true;
}

/// Whether a value may be shown as of this type.
bool is_possible(std::string_view type, std::string_view value) {
  if (!is_plain(type)) return false;
  if (type.starts_with("Binary")) return true;
  return (type.starts_with("String") || type.starts_with("Number")) && is_plain(value);
}

/// The types of a message's attributes: those that SQS stored, or what AMQP's letters say.
class Types {
 public:
  void set(std::string_view types) { types_ = types, known_ = true; }
  void set_letters(std::string_view letters) { letters_ = letters; }
  std::string next(std::string_view value) {
    char letter = 0;
    if (!letters_.empty()) letter = letters_[0], letters_.remove_prefix(1);
    if (known_) {
      auto end = std::min(types_.find(','), types_.size());
      std::string type(types_.substr(0, end));
      types_.remove_prefix(std::min(end + 1, types_.size()));
      if (is_possible(type, value)) return type;
    }
    if (letter != 0 && std::string_view("bBsuUIilLfdT").contains(letter)) return "Number";
    return is_plain(value) ? "String" : "Binary";
  }

 private:
  std::string_view types_, letters_;
  bool known_ = false;
};

/// True if the header is one of SQS's own. Whoever else wrote it may have written anything.
bool read_own(const Header& header, Incoming& message) {
  if (!header.value || !is_plain(text(*header.value))) return false;
  std::string_view value = text(*header.value);
  if (header.name == deduplication_name) return message.deduplication = value, true;
  if (header.name == sender_name) return message.sender = value, true;
  if (header.name == trace_name) return message.trace = value, true;
  if (header.name == source_name) return message.dead_letter_source = value, true;
  if (header.name == message_id_header) return message.message_id = value, true;
  return false;
}

}  // namespace

std::span<const Header> HeaderMaker::make(const Outgoing& message, std::string_view message_id) {
  headers_.clear();
  names_.clear();
  types_.clear();
  put(message_id_header, message_id);
  if (message.deduplication) put(deduplication_name, *message.deduplication);
  if (!message.sender.empty()) put(sender_name, message.sender);
  if (message.trace) put(trace_name, *message.trace);
  bool plain = true;
  for (const AttributeView& one : message.attributes) {
    if (!types_.empty()) types_ += ',';
    types_ += one.type;
    plain &= one.type == "String";
  }
  if (!plain) put(types_name, types_);
  for (const AttributeView& one : message.attributes)
    put(must_escape(one.name) ? names_.emplace_back(std::string(escape_prefix).append(one.name)) : one.name, one.value);
  return headers_;
}

std::span<const Header> HeaderMaker::move(const Record& record, const Journey& journey) {
  headers_.clear();
  for (const Header& header : record.headers) {
    if (header.name == source_name || header.name == receives_name || header.name == first_name) continue;
    headers_.push_back(header);
  }
  if (!journey.dead_letter_source.empty()) put(source_name, journey.dead_letter_source);
  receives_ = std::to_string(journey.receives_before);
  first_ = std::to_string(journey.first_received_ms);
  if (journey.receives_before > 0) put(receives_name, receives_);
  if (journey.first_received_ms > 0) put(first_name, first_);
  return headers_;
}

std::span<const Header> HeaderMaker::renew(const Record& record, std::string_view message_id) {
  (void)move(record, {});
  std::erase_if(headers_,
                [](const Header& header) { return header.name == message_id_header || header.name == moved_name; });
  headers_.insert(headers_.begin(), {message_id_header, view(message_id)});
  put(moved_name, "1");
  return headers_;
}

Journey journey_of(const Record& record) {
  Journey journey;
  for (const Header& header : record.headers) {
    if (!header.value || !header.name.starts_with(own_prefix)) continue;
    std::string_view value = text(*header.value);
    if (header.name == source_name) journey.dead_letter_source = value;
    if (header.name == moved_name) journey.was_moved = true;
    if (header.name == receives_name) journey.receives_before = number_of<uint32_t>(value);
    if (header.name == first_name) journey.first_received_ms = number_of<int64_t>(value);
  }
  return journey;
}

Incoming read_record(const Record& record, std::string_view made_up_id) {
  Incoming message;
  message.sent_ms = record.timestamp;
  Types types;
  bool routed = false;
  for (Header header : record.headers) {
    std::string_view value = header.value ? text(*header.value) : std::string_view();
    if (read_own(header, message)) continue;
    if (header.name == types_name) types.set(value);
    if (header.name == amqp_types_header) types.set_letters(value);
    if (header.name == "amqp.exchange") routed = true;
    if (is_hidden(header.name)) continue;
    if (header.name.starts_with(escape_prefix)) {
      header.name.remove_prefix(escape_prefix.size());
    } else if (header.name.starts_with(own_prefix) || header.name.starts_with(broker_prefix)) {
      continue;
    }
    if (header.name.starts_with(amqp_escape_prefix)) header.name.remove_prefix(amqp_escape_prefix.size());
    std::string type = types.next(value);
    if (!header.value || value.empty() || !is_plain(header.name)) continue;  // SQS has no empty ones
    message.attributes.push_back({std::string(header.name), std::move(type), std::string(value)});
  }
  std::string_view body = record.value ? text(*record.value) : std::string_view();
  if (is_plain(body)) {
    message.body = body;
  } else {
    message.body = to_base64(body);
    message.attributes.push_back({std::string(encoding_attribute), "String", "base64"});
  }
  std::ranges::sort(message.attributes, {}, &Attribute::name);
  // A routing key that an exchange went by is no group.
  if (record.key && !routed && is_plain(text(*record.key))) message.group = text(*record.key);
  if (message.message_id.empty()) message.message_id = made_up_id;
  return message;
}

std::optional<std::pair<std::string_view, std::string_view>> deduplication_of(const Record& record) {
  auto id = record.headers.find(deduplication_name), message_id = record.headers.find(message_id_header);
  if (!id || !message_id) return std::nullopt;
  return std::pair{text(*id), text(*message_id)};
}

}  // namespace naru::sqs
