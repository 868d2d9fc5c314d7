// Batches that take long to inflate or to compress: another thread does it, and everybody else is served meanwhile.
#include "base/testing.h"
#include "kafka/messages/02_list_offsets.h"
#include "kafka/messages/20_delete_topics.h"
#include "kafka/requests_testing.h"
#include "log/record.h"

namespace naru::kafka {
namespace {

constexpr int64_t now_ms = 1'700'000'000'000;

Bytes compressed_batch(Codec codec, std::string_view value, int records = 1) {
  BatchBuilder builder({.codec = codec});
  for (int i = 0; i < records; ++i) builder.add({.timestamp = now_ms, .key = view("k"), .value = view(value)});
  return *builder.finish();
}

std::string random_text(size_t bytes) {
  Prng random(7);
  std::string text(bytes, ' ');
  for (char& c : text) c = static_cast<char>(random.below(256));
  return text;
}

const ProduceResponse::Topic::Partition& only(const std::optional<ProduceResponse>& response) {
  CHECK(response);
  return response->responses[0].partition_responses[0];
}

TEST(compressed_batches, small_ones_are_checked_where_they_are) {
  SimBroker broker(1);
  create_topic(broker, "t");
  auto& client = broker.connect();
  for (Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    Bytes batch = compressed_batch(codec, "hello", 100);
    EXPECT_EQ(only(broker.call<ProduceResponse>(client, produce_of("t", batch), 7)).error_code, ErrorCode::none);
  }
  Bytes large = batch_of(random_text(500'000));
  EXPECT_EQ(only(broker.call<ProduceResponse>(client, produce_of("t", large), 7)).error_code, ErrorCode::none);
  EXPECT_EQ(broker.loop().jobs(io::Lane::codec), 0u);
}

TEST(compressed_batches, what_becomes_large_is_inflated_elsewhere) {
  for (Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    SimBroker broker(1);
    create_topic(broker, "t");
    auto& client = broker.connect();
    Bytes batch = compressed_batch(codec, std::string(300'000, 'x'));
    ASSERT_LT(batch.size(), 64 * KiB) << "the size of a batch says little";
    EXPECT_EQ(only(broker.call<ProduceResponse>(client, produce_of("t", batch), 7)).error_code, ErrorCode::none);
    EXPECT_EQ(broker.loop().jobs(io::Lane::codec), 1u) << name(codec);
    batch[batch.size() - 20] ^= 0x55;
    BatchHeader header = *naru::peek_header(batch);
    seal_batch(std::span(batch), header);
    auto refused = broker.call<ProduceResponse>(client, produce_of("t", batch), 7);
    EXPECT_NE(only(refused).error_code, ErrorCode::none) << name(codec);
  }
}

TEST(compressed_batches, many_small_ones_together_are_not_small) {
  SimBroker broker(1);
  create_topic(broker, "t");
  Bytes batch = compressed_batch(Codec::zstd, std::string(10'000, 'x'));
  ProduceRequest request = produce_of("t", batch);
  for (int i = 0; i < 20; ++i) request.topic_data.push_back(request.topic_data[0]);
  auto produced = broker.call<ProduceResponse>(broker.connect(), request, 7);
  ASSERT_TRUE(produced);
  for (size_t i = 0; i < produced->responses.size(); ++i)
    EXPECT_EQ(produced->responses[i].partition_responses[0].base_offset, static_cast<int64_t>(i));
  EXPECT_EQ(broker.loop().jobs(io::Lane::codec), 1u);
}

TEST(compressed_batches, a_connection_keeps_its_order_and_others_do_not_wait) {
  for_each_seed(30, [](uint64_t seed) {
    SimBroker broker(seed);
    create_topic(broker, "t");
    create_topic(broker, "other");
    auto &client = broker.connect(), &other = broker.connect();
    Bytes small = batch_of("x"), large = compressed_batch(Codec::zstd, std::string(MiB, 'x'));
    Bytes all;
    for (int i = 0; i < 20; ++i) append(all, encode_request(produce_of("t", i % 3 ? small : large), 7, 100 + i));
    broker.loop().stall_work(io::Lane::codec, 60'000);
    client.send(all);
    EXPECT_EQ(only(broker.call<ProduceResponse>(other, produce_of("other", small), 7)).base_offset, 0);
    EXPECT_LT(broker.loop().now(), 50'000);
    for (int64_t i = 0; i < 20; ++i) EXPECT_EQ(only(broker.receive<ProduceResponse>(client, 7)).base_offset, i);
    EXPECT_GE(broker.loop().now(), 60'000);
    EXPECT_EQ(broker.loop().jobs(io::Lane::codec), 7u);
  });
}

TEST(compressed_batches, the_connection_may_end_while_its_batch_is_inflated) {
  for_each_seed(30, [](uint64_t seed) {
    SimBroker broker(seed);
    create_topic(broker, "t");
    auto& client = broker.connect();
    Bytes large = compressed_batch(Codec::gzip, std::string(MiB, 'x'));
    broker.loop().stall_work(io::Lane::codec, 5'000);
    client.send(encode_request(produce_of("t", large), 7, 1));
    broker.loop().run_for(1'000);
    client.hang_up();
    broker.loop().run_for(10'000);
    auto fetched = broker.call<FetchResponse>(broker.connect(), fetch_of("t", 0), 11);
    ASSERT_TRUE(fetched);
    EXPECT_EQ(fetched->responses[0].partitions[0].high_watermark, 1);
  });
}

TEST(compressed_batches, a_topic_gets_the_codec_that_it_wants) {
  SimBroker broker(1);
  create_topic(broker, "t", {{"compression.type", "zstd"}, {"message.timestamp.type", "LogAppendTime"}});
  auto& client = broker.connect();
  Bytes small = batch_of(std::string(1000, 'x')), large = batch_of(std::string(20'000, 'x'));
  EXPECT_EQ(only(broker.call<ProduceResponse>(client, produce_of("t", small), 7)).error_code, ErrorCode::none);
  EXPECT_EQ(broker.loop().jobs(io::Lane::codec), 0u);
  broker.loop().stall_work(io::Lane::codec, 5'000);
  auto produced = broker.call<ProduceResponse>(client, produce_of("t", large), 7);
  EXPECT_EQ(only(produced).error_code, ErrorCode::none);
  EXPECT_EQ(broker.loop().jobs(io::Lane::codec), 1u);
  EXPECT_GE(only(produced).log_append_time_ms, broker.loop().wall() - 1'000) << "of appending, not of arriving";
  auto fetched = broker.call<FetchResponse>(client, fetch_of("t", 1), 11);
  ASSERT_TRUE(fetched);
  ByteView stored = fetched->responses[0].partitions[0].records.bytes;
  auto header = validate_stored(stored, Walk::records);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->codec(), Codec::zstd);
  EXPECT_EQ(header->max_timestamp, only(produced).log_append_time_ms);
  auto reader = RecordReader::open(stored);
  Record record;
  ASSERT_TRUE(reader && *reader->next(&record));
  EXPECT_EQ(record.value->size(), 20'000u);
}

ListOffsetsRequest list_offsets(std::string_view topic, int64_t timestamp) {
  ListOffsetsRequest request;
  request.topics.push_back({.name = topic, .partitions = {{.partition_index = 0, .timestamp = timestamp}}});
  return request;
}

TEST(compressed_batches, a_search_by_time_looks_into_them_elsewhere) {
  for (int64_t wanted : {now_ms + 4, int64_t{-3}}) {
    SimBroker broker(1);
    create_topic(broker, "t");
    auto &client = broker.connect(), &other = broker.connect();
    BatchBuilder builder({.codec = Codec::gzip});
    for (int64_t at : {0, 2, 5, 3}) builder.add({.timestamp = now_ms + at, .value = view("v")});
    Bytes batch = *builder.finish();
    ASSERT_EQ(only(broker.call<ProduceResponse>(client, produce_of("t", batch), 7)).error_code, ErrorCode::none);
    broker.loop().stall_work(io::Lane::reads, 60'000);
    client.send(encode_request(list_offsets("t", wanted), 7, 1));
    auto latest = broker.call<ListOffsetsResponse>(other, list_offsets("t", -1), 7);
    ASSERT_TRUE(latest);
    EXPECT_EQ(latest->topics[0].partitions[0].offset, 4);
    EXPECT_LT(broker.loop().now(), 50'000);
    auto found = broker.receive<ListOffsetsResponse>(client, 7);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->topics[0].partitions[0].offset, 2);
    EXPECT_EQ(found->topics[0].partitions[0].timestamp, now_ms + 5);
    EXPECT_EQ(broker.loop().jobs(io::Lane::reads), 1u);
  }
}

TEST(compressed_batches, what_fails_late_and_has_no_answer_ends_its_own_connection_only) {
  for_each_seed(30, [](uint64_t seed) {
    SimBroker broker(seed);
    create_topic(broker, "t");
    auto before = broker.core().counters.connections;
    auto& client = broker.connect();
    BatchBuilder builder({.codec = Codec::gzip});
    builder.add({.timestamp = broker.loop().wall() + 3 * 3'600'000, .value = Bytes(300'000)});
    Bytes from_the_future = *builder.finish(), good = batch_of("x");
    client.send(encode_request(produce_of("t", good), 7, 1));
    client.send(encode_request(produce_of("t", from_the_future, /*acks=*/0), 7, 2));
    if (seed % 2 > 0) client.send(encode_request(produce_of("t", good), 7, 3));
    ASSERT_EQ(only(broker.receive<ProduceResponse>(client, 7)).error_code, ErrorCode::none);
    broker.loop().run([&] { return client.is_closed(); });
    broker.loop().run_for(5000);
    EXPECT_EQ(broker.core().counters.connections, before);
    EXPECT_EQ(broker.core().budget.used(), 0u);
    EXPECT_EQ(only(broker.call<ProduceResponse>(broker.connect(), produce_of("t", good), 7)).error_code,
              ErrorCode::none);
  });
}

TEST(compressed_batches, the_topic_may_go_while_a_search_looks_into_them) {
  SimBroker broker(1);
  create_topic(broker, "t");
  auto &client = broker.connect(), &other = broker.connect();
  Bytes batch = compressed_batch(Codec::zstd, "v", 10);
  ASSERT_EQ(only(broker.call<ProduceResponse>(client, produce_of("t", batch), 7)).error_code, ErrorCode::none);
  broker.loop().stall_work(io::Lane::reads, 60'000);
  client.send(encode_request(list_offsets("t", now_ms), 7, 1));
  DeleteTopicsRequest remove;
  remove.topic_names.push_back("t");
  ASSERT_TRUE(broker.call<DeleteTopicsResponse>(other, remove, 4));
  auto found = broker.receive<ListOffsetsResponse>(client, 7);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->topics[0].partitions[0].error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_GE(broker.loop().now(), 60'000);
}

}  // namespace
}  // namespace naru::kafka
