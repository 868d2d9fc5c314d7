// The input as one stored batch (length and checksum made to fit), cleaned against a map that knows some of its keys;
// and as a history of writes and cleanings, after which a reader must see the same table.

#include <algorithm>
#include <map>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "log/batch_builder.h"
#include "log/compact.h"

using namespace naru;

namespace {

void clean_any(ByteView input) {
  Bytes batch(input.begin(), input.end());
  if (batch.size() < batch_header_bytes) return;
  store_be(batch.data() + 8, static_cast<int32_t>(batch.size() - batch_prefix_bytes));
  store_be(batch.data() + 17, crc32c(ByteView(batch).subspan(21)));
  auto header = validate_stored(batch, Walk::header);
  if (!header || header->codec() == Codec::zstd) return;  // a window of 128 MiB a run would only slow this down
  KeyMap map(24 * 8, 100, {});
  (void)note_keys(map, batch);
  auto cleaned = clean_batch(batch, map, {}, WhenEmpty::keep_header);
  if (!cleaned || cleaned->fate != Fate::rewritten) return;
  auto after = validate_stored(cleaned->batch, Walk::records);
  CHECK(after && after->last_offset() == header->last_offset() && after->base_offset == header->base_offset);
  CHECK(after->count == header->count - cleaned->records_gone);
}

struct History {
  std::vector<Bytes> batches;
  std::map<uint8_t, bool> table;  // key -> has a value
  Offset end{0};
  int64_t now = 0;

  void write(ByteView bytes) {
    BatchBuilder builder({.base_offset = end, .codec = static_cast<Codec>(bytes[0] % 3)});
    for (const uint8_t& byte : bytes) {
      bool has_value = byte % 3 != 0;
      NewRecord record{.timestamp = now, .key = ByteView{&byte, 1}};
      if (has_value) record.value = view("v");
      builder.add(record);
      table[byte] = has_value;
    }
    batches.push_back(*builder.finish());
    end = peek_header(batches.back())->next_offset();
  }
  void clean(size_t slots) {
    KeyMap map(24 * slots, 1000, {.low = 3, .high = 4});
    size_t noted = 0;
    while (noted < batches.size() && *note_keys(map, batches[noted]) == Noted::all) ++noted;
    std::vector<Bytes> out;
    for (size_t i = 0; i < batches.size(); ++i) {
      Cleaned cleaned;
      if (i < noted)
        cleaned = *clean_batch(batches[i], map, {.now_ms = now, .delete_retention_ms = 5}, WhenEmpty::drop);
      if (cleaned.fate == Fate::kept) out.push_back(batches[i]);
      if (cleaned.fate == Fate::rewritten) out.push_back(cleaned.batch);
    }
    batches = out;
    std::map<uint8_t, bool> seen;
    Record record;
    for (const Bytes& batch : batches)
      for (RecordReader reader = *RecordReader::open(batch); *reader.next(&record);)
        seen[(*record.key)[0]] = record.value.has_value();
    for (auto& [key, has_value] : table) CHECK(seen[key] == has_value);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  clean_any({data, size});
  if (size > 200) return 0;
  History history;
  ByteView rest{data, size};
  while (!rest.empty()) {
    if (rest[0] >= 0xf0) {
      history.clean(rest[0] % 2 ? 8 : 300);
      history.now += rest[0] & 7;
      rest = rest.subspan(1);
      continue;
    }
    size_t words = std::min<size_t>(rest.size(), 1 + rest[0] % 5);
    history.write(rest.first(words));
    rest = rest.subspan(words);
  }
  history.clean(300);
  return 0;
}
