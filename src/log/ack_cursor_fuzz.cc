// The input is a snapshot to load, and a list of steps for a cursor and its model, which must agree after each.
#include <algorithm>
#include <string>

#include "base/check.h"
#include "log/ack_cursor_model.h"

using namespace naru;

namespace {

void load_any(ByteView bytes) {
  auto cursor = AckCursor::load(bytes);
  if (!cursor) return;
  Bytes saved, again;
  cursor->save(saved);
  AckCursor::load(saved)->save(again);
  CHECK(saved == again);
  RuledKeys keys(3);
  cursor->order_by_key(keys, 100);
  cursor->expire(1000);
  for (int i = 0; i < 20; ++i) {
    auto taken = cursor->take(cursor->floor() + 1000, HolderId(1), 2000);
    if (taken && i % 2) CHECK(cursor->settle(taken->offset, taken->offset + 1) == 1);
  }
  cursor->expire(3000);
  cursor->release_all(HolderId(1));
  cursor->seek(Offset(0));
}

std::string step(AckCursorPair& pair, uint8_t what, uint8_t arg) {
  int64_t n = arg % pair.end, later = pair.now + arg / 8;
  uint64_t holder = 1 + arg % 3;
  switch (what % 12) {
    case 0: return pair.take(holder, never_ms, pair.end);
    case 1: return pair.take(holder, later, pair.end);
    case 2: return pair.take(holder, later, n);
    case 3: return pair.settle(n, n + 1);
    case 4: return pair.settle(n, std::min(pair.end, n + 5));
    case 5: return pair.release(n, arg % 2 ? later : 0);
    case 6: return pair.release_all(holder);
    case 7: return pair.extend(n, later);
    case 8: return pair.pass(arg % 16);
    case 9: return pair.delay(n, later);
    case 10: return arg % 4 == 0 ? pair.restart() : pair.settle(n, n + 1);
    default:
      return arg % 4 == 0 ? pair.seek(n) : arg % 4 == 1 ? pair.settle_idle() : pair.take(holder, never_ms, pair.end);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  load_any({data, size});
  if (size == 0 || size > 300) return 0;
  AckCursorPair pair(data[0] % 4);
  for (size_t i = 1; i + 1 < size; i += 2) CHECK(step(pair, data[i], data[i + 1]).empty());
  CHECK(pair.drain().empty());
  return 0;
}
