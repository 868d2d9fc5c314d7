#include "api.h"

namespace naru::load {

Writer begin(const Api& api) {
  Writer writer;
  writer.i32(0).i16(api.key).i16(api.version).i32(0).text("naru-load");
  return writer;
}

std::string finish(Writer writer, size_t trailing) {
  write_at(writer.data(), static_cast<int32_t>(writer.size() - 4 + trailing));
  return writer.take();
}

std::string produce_head(std::string_view topic, int32_t partition, int16_t acks, size_t batch_bytes) {
  Writer writer = begin(produce_api);
  writer.null_text().i16(acks).i32(30'000);  // no transaction; the broker may take 30 s
  writer.count(1).text(topic);
  writer.count(1).i32(partition).i32(static_cast<int32_t>(batch_bytes));
  return finish(std::move(writer), batch_bytes);
}

ProducedPartition produced(std::string_view answer) {
  Reader reader(answer);
  if (reader.count() != 1) fail("a Produce answer without exactly one topic");
  reader.text();
  if (reader.count() != 1) fail("a Produce answer without exactly one partition");
  ProducedPartition partition{.partition = reader.i32(), .error = reader.i16()};
  reader.bytes(3 * 8 + 4);  // base offset, append time, log start, throttle
  return partition;
}

std::string fetch_request(std::string_view topic, const std::vector<FetchPosition>& positions,
                          const FetchLimits& limits) {
  Writer writer = begin(fetch_api);
  writer.i32(-1).i32(limits.wait_ms).i32(limits.bytes_min).i32(limits.bytes_max);
  writer.i8(0);           // read uncommitted
  writer.i32(0).i32(-1);  // no fetch session
  writer.count(1).text(topic).count(positions.size());
  for (const FetchPosition& position : positions)
    writer.i32(position.partition).i32(-1).i64(position.offset).i64(-1).i32(limits.partition_bytes_max);
  writer.count(0).text("");  // nothing to forget, no rack
  return finish(std::move(writer));
}

void fetched(std::string_view answer, Fetched& into) {
  into.partitions.clear();
  Reader reader(answer);
  reader.i32();  // throttle
  into.error = reader.i16();
  reader.i32();  // session
  for (size_t topics = reader.count(); topics > 0; --topics) {
    reader.text();
    for (size_t partitions = reader.count(); partitions > 0; --partitions) {
      FetchedPartition partition{};
      partition.partition = reader.i32();
      partition.error = reader.i16();
      partition.high_watermark = reader.i64();
      reader.i64();  // last stable offset
      partition.log_start = reader.i64();
      for (size_t aborted = reader.count(); aborted > 0; --aborted) reader.bytes(16);
      reader.i32();  // preferred replica
      partition.records = reader.blob();
      into.partitions.push_back(partition);
    }
  }
}

const char* error_name(int16_t error) {
  switch (error) {
    case -1: return "UNKNOWN_SERVER_ERROR";
    case 1: return "OFFSET_OUT_OF_RANGE";
    case 2: return "CORRUPT_MESSAGE";
    case 3: return "UNKNOWN_TOPIC_OR_PARTITION";
    case 5: return "LEADER_NOT_AVAILABLE";
    case 6: return "NOT_LEADER_OR_FOLLOWER";
    case 7: return "REQUEST_TIMED_OUT";
    case 10: return "MESSAGE_TOO_LARGE";
    case 17: return "INVALID_TOPIC_EXCEPTION";
    case 18: return "RECORD_LIST_TOO_LARGE";
    case 19: return "NOT_ENOUGH_REPLICAS";
    case 29: return "TOPIC_AUTHORIZATION_FAILED";
    case 32: return "INVALID_TIMESTAMP";
    case 35: return "UNSUPPORTED_VERSION";
    case 36: return "TOPIC_ALREADY_EXISTS";
    case 37: return "INVALID_PARTITIONS";
    case 40: return "INVALID_CONFIG";
    case 42: return "INVALID_REQUEST";
    case 44: return "POLICY_VIOLATION";
    case 56: return "KAFKA_STORAGE_ERROR";
    case 87: return "INVALID_RECORD";
    case 89: return "THROTTLING_QUOTA_EXCEEDED";
    default: return "see Kafka's protocol errors";
  }
}

}  // namespace naru::load
