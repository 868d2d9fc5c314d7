#include "log/record_batch.h"

#include <string>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/testing.h"
#include "log/batch_builder.h"

namespace naru {
namespace {

constexpr int64_t now_ms = 1'700'000'000'000;

// Three records of a producer, as raw as a client sends them.
Bytes some_batch(Codec codec = Codec::none, int64_t producer = 4711) {
  bool known = producer >= 0;
  BatchBuilder builder({.codec = codec,
                        .producer_id = producer,
                        .producer_epoch = static_cast<int16_t>(known ? 2 : -1),
                        .base_sequence = known ? 5 : -1});
  Header header{"trace", view("abc")};
  builder.add({.timestamp = now_ms, .key = view("k1"), .value = view("v1"), .headers = {&header, 1}});
  builder.add({.timestamp = now_ms + 300, .key = view("k2")});
  builder.add({.timestamp = now_ms - 1, .value = view(std::string(200, 'x'))});
  return *builder.finish();
}

// Changes the batch as a client that lies would: with a checksum that fits.
template <class T>
Bytes with(Bytes batch, size_t place, T value) {
  store_be(batch.data() + place, value);
  store_be(batch.data() + 17, crc32c(ByteView(batch).subspan(21)));
  return batch;
}

std::string verdict(ByteView batch, Walk walk = Walk::records) {
  auto result = validate(batch, walk);
  return result ? "ok" : std::string(name(result.error().code)) + ": " + result.error().reason;
}

TEST(record_batch, reads_every_field) {
  Bytes batch = some_batch();
  set_base_offset(batch, Offset(1'000'000'000'000));
  set_leader_epoch(batch, 7);
  for (auto header : {*peek_header(batch), *validate(batch, Walk::records)}) {
    EXPECT_EQ(header.base_offset, Offset(1'000'000'000'000));
    EXPECT_EQ(header.size_bytes(), batch.size());
    EXPECT_EQ(header.leader_epoch, 7);
    EXPECT_EQ(header.magic, 2);
    EXPECT_EQ(header.attributes, 0);
    EXPECT_EQ(header.last_offset(), Offset(1'000'000'000'002));
    EXPECT_EQ(header.next_offset(), Offset(1'000'000'000'003));
    EXPECT_EQ(header.base_timestamp, now_ms);
    EXPECT_EQ(header.max_timestamp, now_ms + 300);
    EXPECT_EQ(header.producer_id, 4711);
    EXPECT_EQ(header.producer_epoch, 2);
    EXPECT_EQ(header.base_sequence, 5);
    EXPECT_EQ(header.last_sequence(), 7);
    EXPECT_EQ(header.count, 3);
  }
}

TEST(record_batch, sequence_numbers_wrap_to_zero) {
  BatchHeader header{.last_offset_delta = 2, .base_sequence = INT32_MAX};
  EXPECT_EQ(header.last_sequence(), 1);
}

TEST(record_batch, offset_and_epoch_are_outside_of_the_checksum) {
  Bytes batch = some_batch();
  set_base_offset(batch, Offset(99));
  set_leader_epoch(batch, 12);
  EXPECT_EQ(verdict(batch), "ok");
}

TEST(record_batch, log_append_time_replaces_the_producers_clock) {
  Bytes batch = some_batch();
  set_log_append_time(batch, now_ms + 5000);
  RecordFacts facts;
  auto header = validate(batch, Walk::records, &facts);
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->log_append_time());
  EXPECT_EQ(header->max_timestamp, now_ms + 5000);
  EXPECT_EQ(facts.max_timestamp, now_ms + 5000);
}

TEST(record_batch, tells_what_only_the_records_know) {
  RecordFacts facts;
  ASSERT_TRUE(validate(some_batch(), Walk::records, &facts));
  EXPECT_TRUE(facts.has_null_key);
  EXPECT_EQ(facts.max_timestamp, now_ms + 300);
  BatchBuilder builder({});
  builder.add({.timestamp = 5, .key = view("k")});
  ASSERT_TRUE(validate(*builder.finish(), Walk::records, &facts));
  EXPECT_FALSE(facts.has_null_key);
  EXPECT_EQ(facts.max_timestamp, 5);
}

TEST(record_batch, a_lying_max_timestamp_can_be_put_right) {
  Bytes batch = with<int64_t>(some_batch(), 35, INT64_MAX);
  RecordFacts facts;
  ASSERT_TRUE(validate(batch, Walk::records, &facts));
  set_max_timestamp(batch, facts.max_timestamp);
  EXPECT_EQ(batch, some_batch());
}

TEST(record_batch, refuses_what_a_producer_must_not_send) {
  Bytes good = some_batch();
  EXPECT_EQ(verdict(good), "ok");
  EXPECT_EQ(verdict(some_batch(Codec::none, -1)), "ok");
  EXPECT_EQ(verdict(some_batch(Codec::zstd)), "ok");
  EXPECT_EQ(verdict(with<int8_t>(good, 16, 0)), "unsupported: message format before v2");
  EXPECT_EQ(verdict(with<int8_t>(good, 16, 1)), "unsupported: message format before v2");
  EXPECT_EQ(verdict(with<int8_t>(good, 16, 3)), "corrupt: unknown magic");
  EXPECT_EQ(verdict(with<int32_t>(good, 8, 48)), "corrupt: batch length too small");
  EXPECT_EQ(verdict(with<int32_t>(good, 8, -1)), "corrupt: batch length too small");
  EXPECT_EQ(verdict(with<int32_t>(good, 8, INT32_MAX)), "corrupt: batch length too large");
  EXPECT_EQ(verdict(with<int32_t>(good, 8, 100)), "invalid: not exactly one batch");
  EXPECT_EQ(verdict(with<int16_t>(good, 21, 0x100)), "invalid: unknown attributes");
  EXPECT_EQ(verdict(with<int16_t>(good, 21, 5)), "invalid: unknown codec");
  EXPECT_EQ(verdict(with<int16_t>(good, 21, 0x20)), "invalid: control batch from a producer");
  EXPECT_EQ(verdict(with<int16_t>(good, 21, 0x40)), "invalid: delete horizon from a producer");
  EXPECT_EQ(verdict(with<int32_t>(good, 23, -1)), "invalid: offsets out of range");
  EXPECT_EQ(verdict(with<int32_t>(good, 23, 5)), "invalid: count and offsets differ");
  EXPECT_EQ(verdict(with<int32_t>(good, 57, 4)), "invalid: count and offsets differ");
  EXPECT_EQ(verdict(with<int32_t>(good, 57, 0)), "invalid: no records");
  EXPECT_EQ(verdict(with<int32_t>(good, 57, INT32_MIN)), "invalid: no records");
  EXPECT_EQ(verdict(with<int32_t>(good, 53, -1)), "invalid: producer without sequence");
  EXPECT_EQ(verdict(with<int16_t>(good, 51, -1)), "invalid: producer without epoch");
  EXPECT_EQ(verdict(with<int16_t>(some_batch(Codec::none, -1), 21, 0x10)), "invalid: transaction without producer");
  Bytes fewer = with<int32_t>(with<int32_t>(good, 57, 2), 23, 1);
  EXPECT_EQ(verdict(fewer), "invalid: bytes behind the last record");
  EXPECT_EQ(verdict(fewer, Walk::header), "ok");
  Bytes more = with<int32_t>(with<int32_t>(good, 57, 4), 23, 3);
  EXPECT_EQ(verdict(more), "invalid: record is malformed");
  EXPECT_EQ(verdict({}), "invalid: no whole batch");
  EXPECT_EQ(peek_header(ByteView(good).first(60)).error().code, Code::out_of_range);
}

TEST(record_batch, stored_batches_may_have_holes) {
  BatchBuilder builder({.base_offset = Offset(10), .producer_id = 1, .producer_epoch = 0, .base_sequence = 0});
  builder.copy(Record{.offset = Offset(12), .timestamp = 1, .key = view("k")});
  builder.copy(Record{.offset = Offset(15), .timestamp = 1, .key = view("l")});
  Bytes batch = *builder.finish_at(Offset(19));
  EXPECT_EQ(verdict(batch), "invalid: count and offsets differ");
  auto header = validate_stored(batch, Walk::records);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->last_offset(), Offset(19));
  EXPECT_EQ(header->last_sequence(), 9);
  Bytes empty = *BatchBuilder({.base_offset = Offset(10)}).finish_at(Offset(19), 77);
  EXPECT_EQ(empty.size(), batch_header_bytes);
  EXPECT_EQ(validate_stored(empty, Walk::records)->max_timestamp, 77);
  EXPECT_FALSE(validate_stored(with<int32_t>(batch, 57, 11), Walk::header));
  EXPECT_FALSE(validate_stored(with<int32_t>(batch, 23, 4), Walk::records));  // the second record is past the end
  set_base_offset(batch, Offset(INT64_MAX - 5));
  EXPECT_EQ(peek_header(batch).error().code, Code::corrupt);
}

TEST(record_batch, any_flipped_bit_below_the_checksum_is_damage) {
  Bytes good = some_batch();
  for (size_t bit = 17 * 8; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    EXPECT_EQ(verdict(bad), "corrupt: checksum of the batch") << bit;
  }
}

TEST(record_batch, any_cut_or_addition_is_refused) {
  Bytes good = some_batch();
  for (size_t size = 0; size < good.size(); ++size) EXPECT_NE(verdict(ByteView(good).first(size)), "ok");
  good.push_back(0);
  EXPECT_NE(verdict(good), "ok");
}

// With a checksum that fits, every mutated body is either refused or walks the same way in the reader.
TEST(record_batch, every_mutated_record_is_refused_or_readable) {
  Bytes good = some_batch();
  for (size_t place = batch_header_bytes; place < good.size(); ++place)
    for (int value = 0; value < 256; ++value) {
      Bytes bad = good;
      bad[place] = static_cast<uint8_t>(value);
      seal_batch(bad, *peek_header(good));
      bool fine = validate(bad, Walk::records).has_value();
      RecordReader reader = *RecordReader::open(bad, 1 * MiB);
      Record record;
      auto more = reader.next(&record);
      while (more && *more) more = reader.next(&record);
      if (fine) EXPECT_TRUE(more) << place << " " << value;
    }
}

}  // namespace
}  // namespace naru
