#include "amqp/wire/protocol_header.h"

#include <algorithm>

namespace naru::amqp {

Greeting read_greeting(ByteView bytes) {
  static constexpr struct {
    uint8_t bytes[protocol_header_bytes];
    Greeting means;
  } known[] = {
      {{'A', 'M', 'Q', 'P', 0, 0, 9, 1}, Greeting::amqp_0_9_1},
      {{'A', 'M', 'Q', 'P', 1, 1, 0, 9}, Greeting::amqp_0_9_1},
      {{'A', 'M', 'Q', 'P', 0, 1, 0, 0}, Greeting::amqp_1_0},
      {{'A', 'M', 'Q', 'P', 2, 1, 0, 0}, Greeting::amqp_1_0_tls},
      {{'A', 'M', 'Q', 'P', 3, 1, 0, 0}, Greeting::amqp_1_0_sasl},
  };
  bytes = bytes.first(std::min(bytes.size(), protocol_header_bytes));
  for (const auto& one : known) {
    if (!std::ranges::equal(bytes, ByteView(one.bytes).first(bytes.size()))) continue;
    return bytes.size() < protocol_header_bytes ? Greeting::incomplete : one.means;
  }
  return Greeting::other;
}

}  // namespace naru::amqp
