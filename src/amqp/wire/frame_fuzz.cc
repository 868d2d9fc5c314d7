// Bytes from a peer, in two ways at once: whole, and in pieces whose sizes the bytes themselves choose. Both have to
// give the same frames and the same error, and what is a frame is written as it was.
#include <algorithm>

#include "amqp/wire/frame.h"
#include "base/check.h"

namespace naru::amqp {
namespace {

struct Seen {
  std::string frames, error;
  bool operator==(const Seen&) const = default;
};

/// False after an error.
bool drain(FrameReader& reader, Seen& seen) {
  while (true) {
    auto next = reader.next();
    if (!next) return seen.error = next.error().explanation(), false;
    if (!*next) return true;
    Bytes again;
    size_t begun = begin_frame(again, (*next)->type, (*next)->channel);
    append(again, (*next)->payload);
    end_frame(again, begun);
    seen.frames += text(again);
  }
}

void run(ByteView bytes) {
  constexpr uint32_t frame_max = 4096;
  FrameReader whole(frame_max), pieces(frame_max);
  Seen at_once, bit_by_bit;
  whole.feed(bytes);
  drain(whole, at_once);
  CHECK(text(bytes).starts_with(at_once.frames));

  ByteView rest = bytes;
  while (!rest.empty()) {
    size_t size = std::min<size_t>(rest[0] % 16 + 1, rest.size());
    Bytes piece(rest.begin(), rest.begin() + static_cast<ptrdiff_t>(size));  // its own memory, so that asan sees
    rest = rest.subspan(size);
    pieces.feed(piece);
    if (!drain(pieces, bit_by_bit)) break;
    if (piece[0] % 8 == 0) pieces.shrink();
  }
  CHECK(at_once == bit_by_bit);
}

}  // namespace
}  // namespace naru::amqp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  naru::amqp::run({data, size});
  return 0;
}
