// A footer (its checksum made to fit) either loads, is used without harm and is written back the same, or is refused;
// and the input as a run of batches is indexed up to where it is damaged.
#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "log/index.h"

using namespace naru;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)SegmentIndex::rebuild(Offset(0), {data, size}, 1);
  if (size < 40) return 0;
  Bytes footer(data, data + size);
  store_le(footer.data() + size - 4, crc32c(ByteView(footer).first(size - 4)));
  auto segment_bytes = load_le<uint64_t>(data + 16);
  Offset base(load_le<int64_t>(data + 24));
  if (base.value < 0) return 0;
  auto index = SegmentIndex::load(footer, base, segment_bytes);
  if (!index) return 0;
  Bytes saved;
  index->save(saved, segment_bytes);
  footer[5] = footer[6] = footer[7] = 0;  // not looked at
  store_le(footer.data() + size - 4, crc32c(ByteView(footer).first(size - 4)));
  CHECK(saved == footer);
  for (int64_t n : {int64_t{0}, base.value, INT64_MAX}) {
    (void)index->position_for(Offset(n));
    (void)index->position_for_time(n);
    CHECK(index->floor_position(static_cast<uint64_t>(n)) <= static_cast<uint64_t>(n));
  }
  return 0;
}
