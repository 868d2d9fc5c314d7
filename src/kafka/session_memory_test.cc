// Sessions with little memory: nobody waits for what he holds himself, and who holds memory for nothing loses it.
#include "base/testing.h"
#include "kafka/messages/03_metadata.h"
#include "kafka/messages/09_offset_fetch.h"
#include "kafka/messages/11_join_group.h"
#include "kafka/requests_testing.h"

namespace naru::kafka {
namespace {

constexpr uint64_t little_memory = 8 * MiB;  // a budget of 2 MiB

MetadataRequest all_topics() {
  MetadataRequest request;
  request.topics.reset();
  return request;
}

/// So that Metadata is a long answer.
void create_topics(SimBroker& broker, int count) {
  for (int i = 0; i < count; ++i) create_topic(broker, "a-topic-with-a-rather-long-name-" + std::to_string(i));
}

std::optional<MetadataResponse> ask_for_topics(SimBroker& broker, sim::SimConnection& on) {
  auto before = broker.loop().now();
  auto answer = broker.call<MetadataResponse>(on, all_topics(), 9);
  EXPECT_LT(broker.loop().now(), before + 10'000);
  return answer;
}

TEST(session_memory, a_long_answer_and_then_a_large_frame) {
  SimBroker broker(1, little_memory);
  create_topic(broker, "t");
  create_topics(broker, 100);
  auto& client = broker.connect();
  ASSERT_TRUE(ask_for_topics(broker, client));
  Bytes batch = batch_of(std::string(1'000'000, 'x'));
  auto produced = broker.call<ProduceResponse>(client, produce_of("t", batch), 7);
  ASSERT_TRUE(produced);
  EXPECT_EQ(produced->responses[0].partition_responses[0].error_code, ErrorCode::none);
}

TEST(session_memory, a_frame_of_nearly_all_of_it) {
  SimBroker broker(1, little_memory);
  create_topic(broker, "t");
  auto& client = broker.connect();
  for (size_t bytes : {1'200'000, 1'500'000, 2'090'000}) {
    auto produced = broker.call<ProduceResponse>(client, produce_of("t", batch_of(std::string(bytes, 'x'))), 7);
    ASSERT_TRUE(produced) << bytes;
    EXPECT_EQ(produced->responses[0].partition_responses[0].error_code, ErrorCode::message_too_large);
  }
  broker.loop().run_for(100);
  EXPECT_EQ(broker.core().budget.used(), 0u);
}

TEST(session_memory, a_large_request_with_a_long_answer_holds_up_nobody) {
  SimBroker broker(1, little_memory);
  create_topics(broker, 100);
  OffsetFetchRequest request;
  request.group_id = "g";
  request.topics.emplace();
  std::deque<std::string> names;
  for (int i = 0; i < 30; ++i) {
    names.push_back(std::string(30'000, 'n') + std::to_string(i));
    request.topics->push_back({.name = names.back(), .partition_indexes = {0}});
  }
  auto& client = broker.connect();
  auto fetched = broker.call<OffsetFetchResponse>(client, request, 7);
  ASSERT_TRUE(fetched);
  EXPECT_EQ(fetched->topics.size(), names.size());
  EXPECT_TRUE(ask_for_topics(broker, broker.connect()));
}

TEST(session_memory, an_answer_that_was_read_is_held_no_longer) {
  SimBroker broker(1, little_memory);
  create_topics(broker, 100);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(ask_for_topics(broker, broker.connect()));
  broker.loop().run_for(100);
  EXPECT_EQ(broker.core().budget.used(), 0u);
}

/// Connects clients that ask for all topics and read nothing, until their answers are more than there is memory for.
std::vector<sim::SimConnection*> connect_deaf(SimBroker& broker) {
  std::vector<sim::SimConnection*> deaf;
  while (!broker.core().budget.is_overdrawn()) {
    deaf.push_back(&broker.connect());
    deaf.back()->set_window(100);
    deaf.back()->send(encode_request(all_topics(), 9, 1));
    broker.loop().run_for(10);
  }
  return deaf;
}

TEST(session_memory, who_reads_no_answer_is_cut_off_when_others_need_the_memory) {
  SimBroker broker(1, little_memory);
  create_topics(broker, 100);
  auto deaf = connect_deaf(broker);
  broker.loop().run_for(10'000);
  EXPECT_TRUE(std::ranges::none_of(deaf, &sim::SimConnection::is_closed)) << "nobody needs it yet";
  EXPECT_TRUE(ask_for_topics(broker, broker.connect()));
  EXPECT_TRUE(std::ranges::any_of(deaf, &sim::SimConnection::is_closed));
}

/// An answer of more than ten times its size: a partition that is not there, named again and again.
ProduceRequest produce_with_a_long_answer(int partitions = 4000) {
  ProduceRequest request = produce_of("t", {});
  request.topic_data[0].partition_data.resize(partitions, request.topic_data[0].partition_data[0]);
  return request;
}

TEST(session_memory, a_producer_that_reads_no_answer_is_cut_off_when_others_need_the_memory) {
  SimBroker broker(1, little_memory);
  create_topic(broker, "t");
  create_topics(broker, 100);
  std::vector<sim::SimConnection*> deaf;
  while (!broker.core().budget.is_overdrawn()) {
    ASSERT_LT(deaf.size(), 100u) << "their answers are not counted";
    deaf.push_back(&broker.connect());
    deaf.back()->set_window(100);
    deaf.back()->send(encode_request(produce_with_a_long_answer(), 8, 1));
    broker.loop().run_for(10);
  }
  broker.loop().run_for(10'000);
  EXPECT_TRUE(std::ranges::none_of(deaf, &sim::SimConnection::is_closed)) << "nobody needs it yet";
  EXPECT_TRUE(ask_for_topics(broker, broker.connect()));
  EXPECT_TRUE(std::ranges::any_of(deaf, &sim::SimConnection::is_closed));
}

TEST(session_memory, a_producer_that_has_read_its_answer_holds_nothing_though_it_says_nothing_more) {
  SimBroker broker(1, little_memory);
  create_topic(broker, "t");
  auto& client = broker.connect();
  auto produced = broker.call<ProduceResponse>(client, produce_with_a_long_answer(), 8);
  ASSERT_TRUE(produced);
  ASSERT_EQ(produced->responses[0].partition_responses.size(), 4000u);
  broker.loop().run_for(5000);
  EXPECT_EQ(broker.core().budget.used(), 0u);
  EXPECT_TRUE(broker.call<ProduceResponse>(client, produce_with_a_long_answer(), 8));
}

TEST(session_memory, who_reads_slowly_is_not_but_who_hardly_reads_is) {
  SimBroker broker(1, little_memory);
  create_topic(broker, "t");
  create_topics(broker, 100);
  std::vector<sim::SimConnection*> all;  // the first reads slowly, the others not at all, but for the second: hardly
  while (!broker.core().budget.is_overdrawn()) {
    ASSERT_LT(all.size(), 100u);
    all.push_back(&broker.connect());
    all.back()->set_window(100);
    all.back()->send(encode_request(produce_with_a_long_answer(), 8, 1));
    broker.loop().run_for(10);
  }
  ASSERT_GT(all.size(), 2u);
  auto& other = broker.connect();
  other.send(encode_request(all_topics(), 9, 1));
  for (uint64_t seconds = 1; seconds <= 5; ++seconds) {
    broker.loop().run_for(1000);
    all[0]->set_window(100 + seconds * 20'000);
    all[1]->set_window(100 + seconds);
  }
  EXPECT_FALSE(all[0]->is_closed());
  EXPECT_TRUE(all[1]->is_closed());
  EXPECT_TRUE(broker.receive<MetadataResponse>(other, 9));
}

TEST(session_memory, a_producer_that_waits_for_the_disk_is_not_cut_off) {
  for_each_seed(5, [](uint64_t seed) {
    SimBroker broker(seed, little_memory);
    create_topic(broker, "t");
    constexpr int requests = 5;
    Bytes all;
    for (int i = 0; i < requests; ++i)
      append(all, encode_request(produce_of("t", batch_of(std::string(1'000'000, 'x'))), 7, i));
    std::vector<sim::SimConnection*> clients{&broker.connect(), &broker.connect(), &broker.connect()};
    broker.loop().stall_work(10'000);
    for (auto* client : clients) client->send(all);
    for (auto* client : clients) {
      for (int i = 0; i < requests; ++i) {
        auto produced = broker.receive<ProduceResponse>(*client, 7);
        ASSERT_TRUE(produced);
        EXPECT_EQ(produced->responses[0].partition_responses[0].error_code, ErrorCode::none);
      }
    }
  });
}

TEST(session_memory, who_sends_a_byte_a_second_of_a_large_request_gives_way_when_others_need_the_memory) {
  SimBroker broker(1, little_memory);
  create_topic(broker, "t");
  Bytes request = encode_request(produce_of("t", batch_of(std::string(1'040'000, 'x'))), 7, 1);
  auto& slow = broker.connect();
  size_t sent = 1000;
  slow.send(ByteView(request).first(sent));
  auto trickle = [&](int seconds) {
    for (int i = 0; i < seconds; ++i, ++sent) {
      slow.send(ByteView(request).subspan(sent, 1));
      broker.loop().run_for(1000);
    }
  };
  trickle(20);
  EXPECT_FALSE(slow.is_closed()) << "nobody needs it";
  auto& producer = broker.connect();
  producer.send(request);
  trickle(10);
  EXPECT_TRUE(slow.is_closed());
  EXPECT_TRUE(broker.receive<ProduceResponse>(producer, 7));
}

TEST(session_memory, a_member_that_waits_with_a_large_request_leaves_when_others_need_the_memory) {
  SimBroker broker(1, little_memory);
  create_topic(broker, "t");
  Bytes metadata(480'000);  // half of what groups may keep, which keep it twice
  JoinGroupRequest join;
  join.group_id = "g";
  join.session_timeout_ms = join.rebalance_timeout_ms = 300'000;
  join.protocol_type = "p";
  join.protocols.push_back({"range", view("small")});
  auto& first = broker.connect();
  ASSERT_TRUE(broker.call<JoinGroupResponse>(first, join, 3));  // and never comes again
  join.protocols[0].metadata = metadata;
  auto& parked = broker.connect();
  parked.send(encode_request(join, 3, 1));
  broker.loop().run_for(10'000);
  EXPECT_FALSE(parked.is_closed());
  Bytes request = encode_request(produce_of("t", batch_of(std::string(1'040'000, 'x'))), 7, 1);
  broker.connect().send(ByteView(request).first(request.size() - 1));
  broker.loop().run_for(100);
  auto& producer = broker.connect();
  auto before = broker.loop().now();
  auto produced = broker.call<ProduceResponse>(producer, produce_of("t", batch_of(std::string(1'040'000, 'x'))), 7);
  ASSERT_TRUE(produced);
  EXPECT_TRUE(parked.is_closed());
  EXPECT_LT(broker.loop().now(), before + 5000);
}

TEST(session_memory, a_large_fetch_that_waits_answers_when_others_need_the_memory) {
  SimBroker broker(1, little_memory);
  create_topic(broker, "t");
  FetchRequest request = fetch_of("t", 0, 60'000);
  request.topics[0].partitions.resize(2000, request.topics[0].partitions[0]);
  auto& reader = broker.connect();
  reader.send(encode_request(request, 11, 1));
  broker.loop().run_for(10'000);
  EXPECT_TRUE(reader.take().empty());
  // More than is left.
  auto& producer = broker.connect();
  auto before = broker.loop().now();
  EXPECT_TRUE(broker.call<ProduceResponse>(producer, produce_of("u", batch_of(std::string(1'900'000, 'x'))), 7));
  EXPECT_LT(broker.loop().now(), before + 5000);
  EXPECT_FALSE(reader.take().empty());
}

TEST(session_memory, a_deaf_client_that_errs_is_gone_after_a_second) {
  SimBroker broker(1);
  create_topic(broker, "t");
  broker.loop().run_for(100);
  auto before = broker.core().counters.connections;
  auto& client = broker.connect();
  ASSERT_TRUE(broker.call<ProduceResponse>(client, produce_of("t", batch_of("x")), 7));
  client.set_window(0);
  client.send(encode_request(fetch_of("t", 0), 11, 1));
  client.send(view(std::string_view("GET / HTTP/1.1\r\n\r\n")));
  broker.loop().run_for(1500);
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(broker.core().counters.connections, before);
}

TEST(session_memory, the_batches_of_a_request_inflate_to_little_more_than_one_may) {
  SimBroker broker(1, little_memory);
  create_topic(broker, "t");
  BatchBuilder builder({.codec = Codec::zstd});
  builder.add({.timestamp = broker.loop().wall(), .value = Bytes(1'500'000)});
  Bytes bomb = *builder.finish();
  ASSERT_LT(bomb.size(), 1000u);
  ProduceRequest request = produce_of("t", bomb);
  request.topic_data[0].partition_data.resize(200, request.topic_data[0].partition_data[0]);
  auto produced = broker.call<ProduceResponse>(broker.connect(), request, 7);
  ASSERT_TRUE(produced);
  auto& answers = produced->responses[0].partition_responses;
  ASSERT_EQ(answers.size(), 200u);
  EXPECT_EQ(answers[0].error_code, ErrorCode::none);
  for (size_t i = 1; i < answers.size(); ++i) EXPECT_EQ(answers[i].error_code, ErrorCode::message_too_large);
}

}  // namespace
}  // namespace naru::kafka
