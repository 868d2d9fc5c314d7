#pragma once
// Content headers: how large a body will be, and the fourteen properties of a message (AMQP 0-9-1, 4.2.6.1).
#include "amqp/wire/frame.h"
#include "amqp/wire/walkers.h"

namespace naru::amqp {

/// Borrows, from a frame when decoded. Decoding allocates nothing.
struct Properties {
  std::optional<std::string_view> content_type{}, content_encoding{};
  std::optional<FieldTableView> headers{};
  std::optional<uint8_t> delivery_mode{}, priority{};
  std::optional<std::string_view> correlation_id{}, reply_to{}, expiration{}, message_id{};
  std::optional<uint64_t> timestamp{};  // seconds since 1970
  std::optional<std::string_view> type{}, user_id{}, app_id{}, cluster_id{};

  /// In the order of their flags, from the highest bit down.
  static void describe(auto& wire, auto& p) {
    wire("content_type", p.content_type);
    wire("content_encoding", p.content_encoding);
    wire("headers", p.headers);
    wire("delivery_mode", p.delivery_mode);
    wire("priority", p.priority);
    wire("correlation_id", p.correlation_id);
    wire("reply_to", p.reply_to);
    wire("expiration", p.expiration);
    wire("message_id", p.message_id);
    wire("timestamp", p.timestamp);
    wire("type", p.type);
    wire("user_id", p.user_id);
    wire("app_id", p.app_id);
    wire("cluster_id", p.cluster_id);
  }
  static constexpr int count = 14;
};

/// The flag of delivery_mode, for those who look at encoded properties only.
inline constexpr uint16_t delivery_mode_flag = 0x1000, headers_flag = 0x2000;

struct ContentHeader {
  uint16_t class_id = 0;
  uint64_t body_bytes = 0;
  Properties properties{};
  /// The same as they came, flags first. What passes a message on need not encode it again.
  ByteView encoded{};
};

/// Decodes the payload of a header frame. Code::invalid if anything is cut short, malformed, unknown or left over.
Result<ContentHeader> decode_header(ByteView payload);

/// Decodes flags and values: ContentHeader::encoded, or what append_properties wrote.
Result<Properties> decode_properties(ByteView encoded);
/// Appends flags and values.
void append_properties(Bytes& to, const Properties& properties);

/// Appends a whole header frame. `encoded` are properties as in ContentHeader::encoded.
void append_header(Bytes& to, uint16_t channel, uint64_t body_bytes, ByteView encoded);
void append_header(Bytes& to, uint16_t channel, uint64_t body_bytes, const Properties& properties);

/// `{content_type: "text/plain", priority: 3}`
std::string to_text(const Properties& properties);

}  // namespace naru::amqp
