// Any text as base64: what is taken has one spelling only, and what is written is read back.
#include "base/base64.h"
#include "base/bytes.h"
#include "base/check.h"

using namespace naru;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input = text(ByteView(data, size));
  if (auto bytes = from_base64(input)) CHECK(to_base64(*bytes) == input);
  std::string written = to_base64(input);
  CHECK(written.size() == (size + 2) / 3 * 4);
  auto again = from_base64(written);
  CHECK(again && *again == input);
  return 0;
}
