// Any bytes as a signature, in a header and in a query: nobody gets in by them.
#include "base/check.h"
#include "sqs/wire/signature.h"

using namespace naru;
using namespace naru::sqs;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  const std::string secret = "secret";
  auto secret_of = [&](std::string_view key) { return key.size() % 2 == 0 ? &secret : nullptr; };
  SigningKeys keys;
  for (bool in_header : {true, false}) {
    http::Request request{.method = "GET", .target = in_header ? "/" : "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&" + text};
    request.headers = {{"Host", "h"}, {"X-Amz-Date", "20150830T123600Z"}};
    if (in_header) request.headers.emplace_back("Authorization", "AWS4-HMAC-SHA256 " + text);
    CHECK(!verify(request, secret_of, keys, 1'440'938'160));
  }
  (void)parse_timestamp(text);
  return 0;
}
