// A frame as a client sends it, without its size: the first four bytes choose key and version. What can be read is
// written and read again, and must come out the same. Two keys that Kafka does not have stand for the blobs of
// consumer groups.
#ifdef __clang__
#pragma clang optimize off  // see messages_test.cc
#endif
#include "base/check.h"
#include "kafka/api_versions.h"
#include "kafka/messages/all.h"

namespace naru::kafka {
namespace {

template <class M>
void reread(ByteView body, int16_t version) {
  if (!M::versions.has(version)) return;
  auto message = decode<M>(body, version);
  if (!message) return;
  Bytes written = encode(*message, version);
  auto again = decode<M>(written, version);
  CHECK(again);
  CHECK(encode(*again, version) == written);
}

void run(ByteView frame) {
  auto request = decode_request(frame);
  if (!request) return;
  const RequestHeader& header = request->header;
  switch (header.key) {
#define NARU_REREAD(name) \
  case name##Request::api_key: return reread<name##Request>(request->body, header.version);
    NARU_KAFKA_APIS(NARU_REREAD)
    case 1000: return reread<ConsumerProtocolSubscription>(request->body, header.version);
    case 1001: return reread<ConsumerProtocolAssignment>(request->body, header.version);
    default: return;
  }
}

}  // namespace
}  // namespace naru::kafka

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  naru::kafka::run({data, size});
  return 0;
}
