// The payload of a header frame. What can be read is written as it was, but for flags that say there are more flags.
#include <algorithm>

#include "amqp/wire/properties.h"
#include "base/check.h"

namespace naru::amqp {
namespace {

void run(ByteView payload) {
  auto header = decode_header(payload);
  if (!header) return;
  Bytes written;
  append_properties(written, header->properties);
  auto again = decode_properties(written);
  CHECK(again);
  CHECK(to_text(*again) == to_text(header->properties));
  bool has_more_flags = header->encoded[1] & 1;
  CHECK(has_more_flags || std::ranges::equal(written, header->encoded));
}

}  // namespace
}  // namespace naru::amqp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  naru::amqp::run({data, size});
  return 0;
}
