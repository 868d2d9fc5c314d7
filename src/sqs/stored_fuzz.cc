// Any bytes as what SQS finds again in the meta store and in logs, or gets back from clients: rows, receipts, and
// records that somebody else wrote. What is taken is written again and read as the same; a record becomes a message
// that can be shown.
#include "base/base64.h"
#include "base/check.h"
#include "base/utf8.h"
#include "log/record_testing.h"
#include "sqs/receipt.h"
#include "sqs/record.h"
#include "sqs/row.h"

namespace naru::sqs {
namespace {

template <class Decode>
void look_at_row(std::string_view row, Decode decode) {
  auto value = decode(row);
  if (!value) {
    CHECK(value.error().code == Code::corrupt || value.error().code == Code::unsupported);
    return;
  }
  std::string written = encode(*value);
  auto again = decode(written);
  CHECK(again && encode(*again) == written);
}

void look_at_receipt(ByteView bytes) {
  const SipKey key{1, 2};
  CHECK(!decode_receipt(text(bytes), key));
  Bytes fields(bytes.begin(), bytes.end());
  fields.resize(33);
  Receipt receipt{load_le<uint64_t>(&fields[0]),
                  {.level = fields[8], .offset = Offset(load_le<int64_t>(&fields[9]))},
                  load_le<uint32_t>(&fields[17]),
                  load_le<int64_t>(&fields[21]),
                  load_le<int32_t>(&fields[29])};
  std::string handle = encode(receipt, key);
  auto again = decode_receipt(handle, key);
  CHECK(again && encode(*again, key) == handle);
  CHECK(!decode_receipt(handle, {1, 3}));
}

void look_at_record(ByteView bytes) {
  auto found = record_of(bytes);
  if (!found) return;
  const Record& record = *found;
  Incoming message = read_record(record, "made-up");
  CHECK(!message.message_id.empty() && is_utf8(message.body));
  for (const Attribute& one : message.attributes) CHECK(is_utf8(one.name) && (one.is_binary() || is_utf8(one.value)));
  CHECK(std::ranges::is_sorted(message.attributes, {}, &Attribute::name));
  (void)deduplication_of(record);
  Journey journey = journey_of(record);
  HeaderMaker maker;
  (void)maker.move(record, journey);
  (void)maker.renew(record, message.message_id);
}

void run(ByteView bytes) {
  if (bytes.empty()) return;
  ByteView rest = bytes.subspan(1);
  switch (bytes[0] % 4) {
    case 0: return look_at_row(text(rest), decode_row);
    case 1: return look_at_row(text(rest), [](std::string_view row) { return decode_move_task("id", row); });
    case 2: return look_at_receipt(rest);
    default: return look_at_record(rest);
  }
}

}  // namespace
}  // namespace naru::sqs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  naru::sqs::run({data, size});
  return 0;
}
