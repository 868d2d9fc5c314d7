// Arbitrary bytes as a batch, as they are and with length and checksum made to fit. What validates must read, and must
// come out the same when it is built again.
#include <algorithm>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "log/batch_builder.h"

using namespace naru;

namespace {

bool same(const Record& a, const Record& b) {
  auto equal = [](std::optional<ByteView> x, std::optional<ByteView> y) {
    return x.has_value() == y.has_value() && (!x || std::ranges::equal(*x, *y));
  };
  return a.offset == b.offset && a.timestamp == b.timestamp && equal(a.key, b.key) && equal(a.value, b.value) &&
         a.headers.size() == b.headers.size() && std::ranges::equal(a.headers.raw(), b.headers.raw());
}

void rebuild(ByteView batch, const BatchHeader& header) {
  RecordReader reader = *RecordReader::open(batch, 1 * MiB);
  BatchOptions options{.base_offset = header.base_offset};
  if (header.log_append_time()) options.log_append_time_ms = header.max_timestamp;
  BatchBuilder builder(options);
  Record record, copied;
  size_t header_bytes = 0;
  for (;;) {
    auto more = reader.next(&record);
    CHECK(more);
    if (!*more) break;
    builder.copy(record);
    for (const Header& h : record.headers) header_bytes += h.name.size() + (h.value ? h.value->size() : 0);
  }
  CHECK(header_bytes <= batch.size());
  Bytes built = *builder.finish_at(header.last_offset());
  CHECK(validate_stored(built, Walk::records));
  RecordReader copy = *RecordReader::open(built);
  reader.rewind();
  while (*reader.next(&record)) CHECK(*copy.next(&copied) && same(record, copied));
  CHECK(!*copy.next(&copied));
}

void check(ByteView batch) {
  (void)peek_header(batch);
  RecordFacts facts;
  auto header = validate(batch, Walk::records, &facts);
  auto stored = validate_stored(batch, Walk::records);
  if (header && header->base_offset.value >= 0) CHECK(stored);
  if (stored && stored->codec() == Codec::none) rebuild(batch, *stored);
  auto reader = RecordReader::open(batch, 1 * MiB);
  if (!reader) return;
  Record record;
  auto more = reader->next(&record);
  while (more && *more) more = reader->next(&record);
  if (header && header->codec() == Codec::none) CHECK(more);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes batch(data, data + size);
  check(batch);
  if (size < batch_header_bytes) return 0;
  store_be(batch.data() + 8, static_cast<int32_t>(size - batch_prefix_bytes));
  store_be(batch.data() + 17, crc32c(ByteView(batch).subspan(21)));
  check(batch);
  set_log_append_time(batch, 7);
  set_base_offset(batch, Offset(1000));
  check(batch);
  return 0;
}
