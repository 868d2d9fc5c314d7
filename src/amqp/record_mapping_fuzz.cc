// One record as any Kafka producer may have written it, as it lies in a batch. It becomes a message that can be sent,
// and that message, put into a log and read again, comes back as it was.
#include "amqp/record_mapping.h"
#include "base/check.h"
#include "log/record_testing.h"

namespace naru::amqp {
namespace {

Bytes encoded(const MappedMessage& message) {
  Bytes bytes;
  append_properties(bytes, message.properties);
  return bytes;
}

void run(ByteView bytes) {
  auto found = record_of(bytes);
  if (!found) return;
  const Record& record = *found;
  Bytes table, table_again;
  MappedMessage message = read_record(record, {.home = "home", .record_time = record.timestamp % 2 == 0}, table);
  CHECK(message.routing_key.size() <= 255 && message.exchange.size() <= 255);
  Bytes properties = encoded(message);
  CHECK(decode_properties(properties));

  RecordMaker maker;
  BatchBuilder builder({});
  builder.add(maker.make(message, "home", 1));
  Bytes batch = *builder.finish();
  auto reader = RecordReader::open(batch);
  CHECK(reader);
  Record stored;
  auto there = reader->next(&stored);
  CHECK(there && *there);
  MappedMessage again = read_record(stored, {.home = "home"}, table_again);
  CHECK(again.exchange == message.exchange && again.routing_key == message.routing_key);
  CHECK(text(again.body) == text(message.body));
  CHECK(encoded(again) == properties);
}

}  // namespace
}  // namespace naru::amqp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  naru::amqp::run({data, size});
  return 0;
}
