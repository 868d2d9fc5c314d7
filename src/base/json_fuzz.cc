// Any bytes as JSON: what is taken is written again, and read again as the same.
#include "base/bytes.h"
#include "base/check.h"
#include "base/json.h"

using namespace naru;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto value = parse_json(text(ByteView(data, size)));
  if (!value) return 0;
  std::string written = to_text(*value);
  auto again = parse_json(written);
  CHECK(again && *again == *value);
  CHECK(to_text(*again) == written);
  return 0;
}
