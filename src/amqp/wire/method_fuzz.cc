// The payload of a method frame: ids, then arguments. What can be read is written and read again, and must come out the
// same; bits that mean nothing are the only bytes that may get lost.
#include "amqp/wire/method.h"
#include "base/check.h"

namespace naru::amqp {
namespace {

template <class M>
void reread(ByteView payload) {
  auto method = decode_method<M>(payload);
  if (!method) return;
  Bytes frame;
  append_method(frame, 1, *method);
  ByteView written = ByteView(frame).subspan(frame_head_bytes, frame.size() - frame_overhead);
  CHECK(written.size() == payload.size());
  auto again = decode_method<M>(written);
  CHECK(again);
  CHECK(to_text(*again) == to_text(*method));
}

void run(ByteView payload) {
  if (payload.size() < method_id_bytes) return;
  switch (peek_method(payload)) {
#define NARU_REREAD(type, enumerator, class_number, method_number, method_name) \
  case Method::enumerator: return reread<type>(payload);
    NARU_AMQP_METHODS(NARU_REREAD)
#undef NARU_REREAD
  }
}

}  // namespace
}  // namespace naru::amqp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  naru::amqp::run({data, size});
  return 0;
}
