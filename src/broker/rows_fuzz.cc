// Rows of the meta store as any bytes: users, permissions, exchanges, queues, bindings. What is taken is written again,
// and that is read as the same.
#include "base/check.h"
#include "broker/users/user_rows.h"
#include "broker/vhost/definitions.h"

namespace naru {
namespace {

template <class Decode>
void look(std::string_view row, Decode decode) {
  auto value = decode(row);
  if (!value) {
    CHECK(value.error().code == Code::corrupt || value.error().code == Code::unsupported ||
          value.error().code == Code::invalid);
    return;
  }
  std::string written = encode(*value);
  auto again = decode(written);
  CHECK(again);
  CHECK(encode(*again) == written);
}

void run(ByteView bytes) {
  if (bytes.empty()) return;
  std::string_view row = text(bytes.subspan(1));
  switch (bytes[0] % 6) {
    case 0: return look(row, decode_user);
    case 1: return look(row, decode_permission);
    case 2: return look(row, decode_topic_permission);
    case 3: return look(row, decode_exchange);
    case 4: return look(row, decode_queue);
    default: return look(row, decode_binding);
  }
}

}  // namespace
}  // namespace naru

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  naru::run({data, size});
  return 0;
}
