#pragma once
// The first eight bytes of a connection: "AMQP" and a version.
#include "base/bytes.h"

namespace naru::amqp {

inline constexpr size_t protocol_header_bytes = 8;
/// What is sent to a peer that wants something else, before its connection is closed.
inline constexpr uint8_t protocol_header[protocol_header_bytes] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};

enum class Greeting : uint8_t {
  incomplete,     // more bytes are needed
  amqp_0_9_1,     // AMQP 0 0 9 1, and AMQP 1 1 0 9 (version 0-9, which is the same for a client)
  amqp_1_0,       // AMQP 0 1 0 0: AMQP 1.0 without SASL
  amqp_1_0_tls,   // AMQP 2 1 0 0
  amqp_1_0_sasl,  // AMQP 3 1 0 0
  other,          // another version, or no AMQP: HTTP, a TLS ClientHello, a health check
};

/// Looks at the start of what a peer sent. Says `other` as soon as that is certain.
Greeting read_greeting(ByteView bytes);

}  // namespace naru::amqp
