// Whole sessions on a simulated loop, disk and network.
#include "base/testing.h"
#include "kafka/errors.h"
#include "kafka/messages/09_offset_fetch.h"
#include "kafka/messages/11_join_group.h"
#include "kafka/messages/13_leave_group.h"
#include "kafka/messages/14_sync_group.h"
#include "kafka/messages/15_describe_groups.h"
#include "kafka/messages/18_api_versions.h"
#include "kafka/messages/32_describe_configs.h"
#include "kafka/messages/44_incremental_alter_configs.h"
#include "kafka/requests_testing.h"

namespace naru::kafka {
namespace {

TEST(session, a_record_comes_back_whatever_pieces_the_bytes_come_in) {
  for_each_seed(30, [](uint64_t seed) {
    SimBroker broker(seed);
    create_topic(broker, "t");
    auto& client = broker.connect();
    Bytes batch = batch_of("hello");
    auto produced = broker.call<ProduceResponse>(client, produce_of("t", batch), 7);
    ASSERT_TRUE(produced);
    EXPECT_EQ(produced->responses[0].partition_responses[0].error_code, ErrorCode::none);
    EXPECT_EQ(produced->responses[0].partition_responses[0].base_offset, 0);
    auto fetched = broker.call<FetchResponse>(client, fetch_of("t", 0), 11);
    ASSERT_TRUE(fetched);
    auto& partition = fetched->responses[0].partitions[0];
    EXPECT_EQ(partition.high_watermark, 1);
    ASSERT_EQ(partition.records.bytes.size(), batch.size());
  });
}

TEST(session, pipelined_produces_are_appended_and_answered_in_order) {
  for_each_seed(30, [](uint64_t seed) {
    SimBroker broker(seed);
    create_topic(broker, "t");
    auto& client = broker.connect();
    Bytes batch = batch_of("x");
    Bytes all;
    for (int i = 0; i < 20; ++i) append(all, encode_request(produce_of("t", batch), 7, 100 + i));
    client.send(all);
    for (int64_t i = 0; i < 20; ++i) {
      auto produced = broker.receive<ProduceResponse>(client, 7);
      ASSERT_TRUE(produced);
      EXPECT_EQ(produced->responses[0].partition_responses[0].base_offset, i);
    }
  });
}

TEST(session, garbage_ends_its_own_connection_only) {
  SimBroker broker(1);
  create_topic(broker, "t");
  auto& good = broker.connect();
  for (std::string_view garbage :
       {std::string_view("GET / HTTP/1.1\r\n\r\n"), std::string_view("\xff\xff\xff\xff....", 8),
        std::string_view("\0\0\0\1x", 5), std::string_view("\0\0\0\x0a\x7f\x7f\0\0\0\0\0\1\xff\xff", 14)}) {
    auto& bad = broker.connect();
    bad.send(view(garbage));
    broker.loop().run([&] { return bad.is_closed(); });
    EXPECT_TRUE(bad.is_closed());
  }
  Bytes batch = batch_of("still here");
  EXPECT_TRUE(broker.call<ProduceResponse>(good, produce_of("t", batch), 7));
}

TEST(session, a_fetch_waits_until_there_is_something) {
  SimBroker broker(1);
  create_topic(broker, "t");
  auto &reader = broker.connect(), &writer = broker.connect();
  reader.send(encode_request(fetch_of("t", 0, 60'000), 11, 1));
  broker.loop().run_for(1000);
  EXPECT_TRUE(reader.take().empty());
  Bytes batch = batch_of("now");
  ASSERT_TRUE(broker.call<ProduceResponse>(writer, produce_of("t", batch), 7));
  auto fetched = broker.receive<FetchResponse>(reader, 11);
  ASSERT_TRUE(fetched);
  EXPECT_EQ(fetched->responses[0].partitions[0].records.bytes.size(), batch.size());
}

TEST(session, a_fetch_gives_up_at_its_time) {
  SimBroker broker(1);
  create_topic(broker, "t");
  auto fetched = broker.call<FetchResponse>(broker.connect(), fetch_of("t", 0, 500), 11);
  ASSERT_TRUE(fetched);
  EXPECT_EQ(fetched->responses[0].partitions[0].records.bytes.size(), 0u);
}

TEST(session, what_was_confirmed_over_the_wire_survives_a_crash) {
  for_each_seed(100, [](uint64_t seed) {
    SimBroker broker(seed);
    Prng random(seed);
    create_topic(broker, "t");
    std::map<int64_t, Bytes> confirmed;
    for (int life = 0; life < 3; ++life) {
      auto& client = broker.connect();
      int count = static_cast<int>(random.between(1, 30));
      for (int i = 0; i < count; ++i) {
        Bytes batch = batch_of("life " + std::to_string(life) + " record " + std::to_string(i),
                               static_cast<int>(random.between(1, 4)));
        auto produced = broker.call<ProduceResponse>(client, produce_of("t", batch), 7);
        ASSERT_TRUE(produced);
        auto& partition = produced->responses[0].partition_responses[0];
        ASSERT_EQ(partition.error_code, ErrorCode::none);
        confirmed[partition.base_offset] = batch;
      }
      // Some that nobody waits for.
      for (int i = 0; i < 5; ++i) client.send(encode_request(produce_of("t", batch_of("unconfirmed")), 7, 1000 + i));
      broker.loop().run_for(static_cast<io::Millis>(random.below(8)));
      broker.crash(random.chance(0.6));
      auto& reader = broker.connect();
      for (const auto& [offset, batch] : confirmed) {
        auto fetched = broker.call<FetchResponse>(reader, fetch_of("t", offset), 11);
        ASSERT_TRUE(fetched);
        ByteView stored = fetched->responses[0].partitions[0].records.bytes;
        ASSERT_GE(stored.size(), batch.size())
            << "lost at " << offset << ", " << name(fetched->responses[0].partitions[0].error_code)
            << ", high watermark " << fetched->responses[0].partitions[0].high_watermark << ", begin "
            << fetched->responses[0].partitions[0].log_start_offset << ", life " << life;
        // All but base offset and leader epoch is as it was sent.
        EXPECT_TRUE(std::ranges::equal(stored.subspan(17, batch.size() - 17), ByteView(batch).subspan(17)));
      }
    }
  });
}

TEST(session, who_has_left_its_group_stays_away_over_a_crash) {
  for_each_seed(30, [](uint64_t seed) {
    SimBroker broker(seed);
    JoinGroupRequest join;
    join.group_id = "g";
    join.session_timeout_ms = 10'000;
    join.rebalance_timeout_ms = 60'000;
    join.protocol_type = "consumer";
    join.protocols.push_back({.name = "range", .metadata = view("topics")});
    auto& first = broker.connect();
    auto joined = broker.call<JoinGroupResponse>(first, join, 3);
    ASSERT_TRUE(joined);
    SyncGroupRequest sync;
    sync.group_id = "g";
    sync.generation_id = joined->generation_id;
    sync.member_id = joined->member_id;
    ASSERT_TRUE(broker.call<SyncGroupResponse>(first, sync, 2));
    LeaveGroupRequest leave;
    leave.group_id = "g";
    leave.member_id = joined->member_id;
    ASSERT_TRUE(broker.call<LeaveGroupResponse>(first, leave, 2));
    broker.crash(true);

    auto began = broker.loop().now();
    auto again = broker.call<JoinGroupResponse>(broker.connect(), join, 3);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->error_code, ErrorCode::none);
    EXPECT_LT(broker.loop().now(), began + 1000) << "it waited for who had left";
  });
}

TEST(session, a_client_that_never_reads_holds_up_nobody) {
  SimBroker broker(1);
  create_topic(broker, "t");
  auto& deaf = broker.connect();
  deaf.set_window(0);
  Bytes batch = batch_of(std::string(20'000, 'x'));
  auto& good = broker.connect();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(broker.call<ProduceResponse>(good, produce_of("t", batch), 7));
  for (int i = 0; i < 100; ++i) deaf.send(encode_request(fetch_of("t", 0), 11, i));
  broker.loop().run_for(1000);
  EXPECT_TRUE(broker.call<FetchResponse>(good, fetch_of("t", 0), 11));
}

TEST(session, a_fetch_whose_client_has_gone_waits_no_longer) {
  SimBroker broker(1);
  create_topic(broker, "t");
  broker.loop().run_for(100);
  auto before = broker.core().counters.connections;
  auto& client = broker.connect();
  client.send(encode_request(fetch_of("t", 0, INT32_MAX), 11, 1));
  broker.loop().run_for(100);
  EXPECT_EQ(broker.core().counters.connections, before + 1);
  client.hang_up();
  broker.loop().run_for(100);
  EXPECT_EQ(broker.core().counters.connections, before);
}

TEST(session, a_request_that_would_take_too_much_memory_ends_its_own_connection_only) {
  SimBroker broker(1);
  create_topic(broker, "t");
  auto& budget = broker.core().budget;
  auto partitions = [&](size_t count) {
    FetchRequest request = fetch_of("t", 0, 60'000);
    request.topics[0].partitions.resize(count, request.topics[0].partitions[0]);
    return request;
  };
  size_t most = budget.total() / work_factor / (sizeof(FetchRequest::Topic::Partition) + element_bytes);
  auto& greedy = broker.connect();
  EXPECT_FALSE(broker.call<FetchResponse>(greedy, partitions(most), 11)) << "the topic takes memory too";
  EXPECT_TRUE(greedy.is_closed());

  // What takes more than half of the memory is not let wait.
  auto& large = broker.connect();
  auto sent_at = broker.loop().now();
  auto answer = broker.call<FetchResponse>(large, partitions(most - 10), 11);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->responses[0].partitions.size(), most - 10);
  EXPECT_LT(broker.loop().now(), sent_at + 1000);
  EXPECT_TRUE(broker.call<FetchResponse>(large, fetch_of("t", 0), 11));
  EXPECT_EQ(budget.used(), 0u);
}

TEST(session, what_is_asked_twice_and_is_long_is_told_once) {
  SimBroker broker(1);
  create_topic(broker, "t");
  auto& client = broker.connect();
  DescribeConfigsRequest configs;
  configs.resources.resize(1000, {.resource_type = 2, .resource_name = "t"});
  auto described = broker.call<DescribeConfigsResponse>(client, configs, 4);
  ASSERT_TRUE(described);
  EXPECT_EQ(described->results.size(), 1u);
  configs.resources.clear();
  std::string zeros(100, '0');
  for (size_t i = 0; i < zeros.size(); ++i)  // one broker by many names
    configs.resources.push_back({.resource_type = 4, .resource_name = std::string_view(zeros).substr(i)});
  described = broker.call<DescribeConfigsResponse>(client, configs, 4);
  ASSERT_TRUE(described);
  EXPECT_EQ(described->results.size(), 1u);

  DescribeGroupsRequest groups;
  groups.groups.resize(1000, "g");
  auto group = broker.call<DescribeGroupsResponse>(client, groups, 5);
  ASSERT_TRUE(group);
  EXPECT_EQ(group->groups.size(), 1u);

  OffsetFetchRequest offsets;
  offsets.group_id = "g";
  offsets.topics.emplace();
  offsets.topics->push_back({.name = "t", .partition_indexes = {0, 0, 7, 0, 7}});
  auto fetched = broker.call<OffsetFetchResponse>(client, offsets, 7);
  ASSERT_TRUE(fetched);
  ASSERT_EQ(fetched->topics.size(), 1u);
  EXPECT_EQ(fetched->topics[0].partitions.size(), 2u);
}

TEST(session, an_unknown_version_of_api_versions_is_answered_in_version_0) {
  SimBroker broker(1);
  auto& client = broker.connect();
  Bytes frame = encode_request(ApiVersionsRequest{}, 4, 1);
  store_be(frame.data() + 6, static_cast<int16_t>(99));
  client.send(frame);
  auto response = broker.receive<ApiVersionsResponse>(client, 0);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->error_code, ErrorCode::unsupported_version);
}

TEST(session, what_cannot_be_served_waits_for_the_answers_before_it) {
  for_each_seed(20, [](uint64_t seed) {
    SimBroker broker(seed);
    create_topic(broker, "t");
    Bytes batch = batch_of("x");
    auto& asking = broker.connect();
    asking.send(encode_request(produce_of("t", batch), 7, 1));
    Bytes unknown_version = encode_request(ApiVersionsRequest{}, 4, 2);
    store_be(unknown_version.data() + 6, static_cast<int16_t>(99));
    asking.send(unknown_version);
    ASSERT_TRUE(broker.receive<ProduceResponse>(asking, 7));
    ASSERT_TRUE(broker.receive<ApiVersionsResponse>(asking, 0));
    for (std::string_view last : {std::string_view("\0\0\0\x0a\x7f\x7f\0\0\0\0\0\1\xff\xff", 14),  // no such request
                                  std::string_view("GET / HTTP/1.1\r\n\r\n")}) {
      auto& ending = broker.connect();
      for (int i = 0; i < 3; ++i) ending.send(encode_request(produce_of("t", batch), 7, i));
      ending.send(view(last));
      for (int i = 0; i < 3; ++i) {
        auto produced = broker.receive<ProduceResponse>(ending, 7);
        ASSERT_TRUE(produced);
        EXPECT_EQ(produced->responses[0].partition_responses[0].error_code, ErrorCode::none);
      }
      broker.loop().run([&] { return ending.is_closed(); });
    }
  });
}

TEST(session, a_batch_that_is_sent_again_is_answered_with_the_time_of_the_first_and_counted_once) {
  SimBroker broker(1);
  create_topic(broker, "t", {{"message.timestamp.type", "LogAppendTime"}});
  auto& client = broker.connect();
  BatchBuilder builder({.producer_id = 9, .producer_epoch = 0, .base_sequence = 0});
  builder.add({.timestamp = 1, .value = view("v")});
  Bytes batch = *builder.finish();
  auto send = [&] {
    auto produced = broker.call<ProduceResponse>(client, produce_of("t", batch), 7);
    return produced->responses[0].partition_responses[0];
  };
  auto first = send();
  EXPECT_EQ(first.error_code, ErrorCode::none);
  broker.loop().run_for(5000);
  auto again = send();
  EXPECT_EQ(again.base_offset, first.base_offset);
  EXPECT_EQ(again.log_append_time_ms, first.log_append_time_ms);
  EXPECT_EQ(broker.core().counters.records_in, 1u);
}

TEST(session, each_record_has_to_be_as_young_as_the_topic_asks_if_it_has_a_time) {
  SimBroker broker(1);
  create_topic(broker, "t", {{"message.timestamp.before.max.ms", "86400000"}});
  auto& client = broker.connect();
  const int64_t now = broker.loop().wall(), old = now - 2 * 86'400'000;
  auto send = [&](std::vector<int64_t> timestamps) {
    BatchBuilder builder({});
    for (int64_t timestamp : timestamps) builder.add({.timestamp = timestamp, .value = view("v")});
    auto produced = broker.call<ProduceResponse>(client, produce_of("t", *builder.finish()), 7);
    return produced->responses[0].partition_responses[0].error_code;
  };
  EXPECT_EQ(send({now, now - 1000}), ErrorCode::none);
  EXPECT_EQ(send({old}), ErrorCode::invalid_timestamp);
  EXPECT_EQ(send({now, old}), ErrorCode::invalid_timestamp);
  EXPECT_EQ(send({no_timestamp}), ErrorCode::none);
  EXPECT_EQ(send({now, no_timestamp}), ErrorCode::none);
}

TEST(session, a_log_that_is_made_late_has_the_settings_of_now) {
  SimBroker broker(1);
  create_topic(broker, "t", {{"segment.bytes", "2000000"}});
  TopicPtr before = broker.core().catalog()->find("t");
  IncrementalAlterConfigsRequest alter;
  alter.resources.push_back({.resource_type = 2, .resource_name = "t", .configs = {{"segment.bytes", 0, "3000000"}}});
  ASSERT_TRUE(broker.call<IncrementalAlterConfigsResponse>(broker.connect(), alter, 1));
  EXPECT_EQ(broker.core().find_log(*before, 0)->settings().segment_bytes, 3'000'000u);
}

ProduceResponse::Topic::Partition produced(SimBroker& broker, ByteView batch) {
  auto response = broker.call<ProduceResponse>(broker.connect(), produce_of("t", batch), 8);
  EXPECT_TRUE(response);
  return response ? response->responses[0].partition_responses[0] : ProduceResponse::Topic::Partition();
}

TEST(session, a_batch_that_fits_into_no_segment_is_refused) {
  SimBroker broker(1);
  create_topic(broker, "t", {{"segment.bytes", "1048576"}, {"max.message.bytes", "3000000"}});
  EXPECT_EQ(produced(broker, batch_of(std::string(1'500'000, 'x'))).error_code, ErrorCode::record_list_too_large);
  EXPECT_EQ(produced(broker, batch_of(std::string(1'000'000, 'x'))).error_code, ErrorCode::none);
}

TEST(session, a_record_with_a_wrong_time_is_named) {
  SimBroker broker(1);
  create_topic(broker, "t", {{"message.timestamp.after.max.ms", "1000"}});
  BatchBuilder builder({});
  for (int64_t ahead : {0, 500, 5000}) builder.add({.timestamp = broker.loop().wall() + ahead, .value = view("v")});
  Bytes batch = *builder.finish();
  auto answer = produced(broker, batch);
  EXPECT_EQ(answer.error_code, ErrorCode::invalid_timestamp);
  ASSERT_EQ(answer.record_errors.size(), 1u);
  EXPECT_EQ(answer.record_errors[0].batch_index, 2);
}

TEST(session, where_the_broker_sets_the_time_a_producer_may_not_claim_to_have) {
  SimBroker broker(1);
  create_topic(broker, "t", {{"message.timestamp.type", "LogAppendTime"}});
  Bytes batch = batch_of("v");
  EXPECT_EQ(produced(broker, batch).error_code, ErrorCode::none);
  set_log_append_time(batch, broker.loop().wall());
  EXPECT_EQ(produced(broker, batch).error_code, ErrorCode::invalid_timestamp);
}

TEST(session, an_unknown_partition_keeps_nobody_from_waiting_for_the_others) {
  SimBroker broker(1);
  create_topic(broker, "t");
  constexpr int32_t wait_ms = 3000;
  FetchRequest both = fetch_of("t", 0, wait_ms), unknown = fetch_of("nowhere", 0, wait_ms);
  both.topics.push_back(unknown.topics[0]);
  auto& client = broker.connect();
  auto before = broker.loop().now();
  ASSERT_TRUE(broker.call<FetchResponse>(client, unknown, 11));
  EXPECT_LT(broker.loop().now(), before + wait_ms);
  before = broker.loop().now();
  auto fetched = broker.call<FetchResponse>(client, both, 11);
  EXPECT_GE(broker.loop().now(), before + wait_ms);
  ASSERT_TRUE(fetched);
  EXPECT_EQ(fetched->responses[1].partitions[0].error_code, ErrorCode::unknown_topic_or_partition);
}

}  // namespace
}  // namespace naru::kafka
