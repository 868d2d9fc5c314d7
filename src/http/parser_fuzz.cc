// Any bytes as HTTP requests, whole and cut into pieces (their lengths are the first bytes): the same requests come
// out, within the limits, and the same end.
#include "base/check.h"
#include "http/parser.h"

using namespace naru;

namespace {

constexpr http::Parser::Limits limits{.header_bytes = 512, .body_bytes = 256};

struct Outcome {
  std::vector<http::Request> requests;
  bool failed = false;
};

void feed(http::Parser& parser, ByteView bytes, Outcome& out) {
  while (!bytes.empty() && !out.failed) {
    auto used = parser.feed(bytes);
    out.failed = !used;
    if (!used) return;
    CHECK(*used <= bytes.size() && (*used == bytes.size() || parser.done()));
    bytes = bytes.subspan(*used);
    if (parser.done()) out.requests.push_back(parser.take());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t cuts = 4;
  if (size < cuts) return 0;
  ByteView bytes(data + cuts, size - cuts);
  Outcome whole, cut;
  http::Parser one(limits), other(limits);
  feed(one, bytes, whole);
  for (size_t i = 0; i < cuts && !bytes.empty(); ++i) {
    size_t length = std::min<size_t>(data[i], bytes.size());
    feed(other, bytes.first(length), cut);
    bytes = bytes.subspan(length);
  }
  feed(other, bytes, cut);
  CHECK(whole.failed == cut.failed && whole.requests.size() == cut.requests.size());
  for (size_t i = 0; i < whole.requests.size(); ++i) {
    const http::Request &a = whole.requests[i], &b = cut.requests[i];
    CHECK(a.method == b.method && a.target == b.target && a.headers == b.headers && a.body == b.body);
    CHECK(a.keep_alive == b.keep_alive && a.body.size() <= limits.body_bytes);
  }
  return 0;
}
