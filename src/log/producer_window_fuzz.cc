// A snapshot that loads is written back the same, byte for byte, and can be used.
#include <algorithm>

#include "base/check.h"
#include "log/producer_window.h"

using namespace naru;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto window = ProducerWindow::load({data, size});
  if (!window) return 0;
  Bytes saved;
  window->save(saved);
  CHECK(std::ranges::equal(saved, ByteView{data, size}));
  for (int64_t id : {0, 1, 2, 77}) {
    BatchHeader header{.producer_id = id, .producer_epoch = 1, .base_sequence = 5, .count = 1};
    if (!window->check(header)) continue;
    window->remember(header, 10);
    CHECK(window->check(header).error().code == Code::duplicate);
    window->marker(id, 2, 11);
  }
  (void)window->first_open_transaction();
  window->expire(INT64_MAX / 2);
  return 0;
}
