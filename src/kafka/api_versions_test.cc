#include "kafka/api_versions.h"

#include "base/testing.h"
#include "kafka/messages/all.h"

namespace naru::kafka {
namespace {

/// A version that someone needs, or that nobody may be told of yet.
struct Rule {
  const char* api;
  int16_t version;
  bool wanted;
  const char* why;
};
constexpr bool yes = true, no = false;
constexpr Rule rules[] = {
    {"Produce", 0, yes, "librdkafka <= 2.11.0 drops compression when the minimum is above 0"},
    {"Produce", 3, yes, "librdkafka takes it for batch format 2"},
    {"Produce", 7, yes, "librdkafka takes it for zstd; kafkajs and kafka-go send no newer one"},
    {"Produce", 8, yes, "kafka-python 2.0.2 reads a broker version of 2.4 from it"},
    {"Produce", 13, no, "topic ids"},
    {"Fetch", 4, yes, "librdkafka takes it for batch format 2"},
    {"Fetch", 5, yes, "kafka-go's simple connection knows 2, 5 and 10"},
    {"Fetch", 10, yes, "librdkafka takes it for zstd; kafka-go's simple connection"},
    {"Fetch", 11, yes, "kafkajs"},
    {"Fetch", 13, no, "topic ids"},
    {"ListOffsets", 1, yes, "sarama, kafka-go, kafka-python 2.0.2"},
    {"ListOffsets", 7, yes, "the newest time; librdkafka's newest"},
    {"ListOffsets", 8, yes, "Kafka's own kafka-get-offsets asks for the newest time with no older one"},
    {"ListOffsets", 11, no, "kafka-python 3 would take naru for Kafka 4.2"},
    {"Metadata", 0, yes, "kafka-python 2.0.2 probes with it"},
    {"Metadata", 1, yes, "kafka-go's simple connection"},
    {"Metadata", 6, yes, "kafka-go's simple connection, kafkajs"},
    {"Metadata", 10, yes, "topic ids are told before anyone may use them"},
    {"Metadata", 12, yes, "topics by id"},
    {"OffsetCommit", 1, yes, "librdkafka's balanced consumer"},
    {"OffsetCommit", 2, yes, "librdkafka's balanced consumer, kafka-go, kafka-python 2.0.2"},
    {"OffsetCommit", 9, no, "member epochs come with the new group protocol"},
    {"OffsetFetch", 1, yes, "librdkafka's balanced consumer, kafka-go"},
    {"OffsetFetch", 2, yes, "kafka-python 2.0.2 reads a broker version of 0.10.2 from it"},
    {"OffsetFetch", 9, no, "member epochs come with the new group protocol"},
    {"FindCoordinator", 0, yes, "librdkafka's balanced consumer, kafka-go"},
    {"JoinGroup", 0, yes, "librdkafka's balanced consumer"},
    {"JoinGroup", 1, yes, "kafka-go knows 1 and 2"},
    {"JoinGroup", 2, yes, "kafka-go knows 1 and 2"},
    {"SyncGroup", 0, yes, "librdkafka's balanced consumer, kafka-go"},
    {"Heartbeat", 0, yes, "librdkafka's balanced consumer, kafka-go"},
    {"LeaveGroup", 0, yes, "librdkafka's balanced consumer, kafka-go"},
    {"DescribeGroups", 0, yes, "sarama, kafka-go"},
    {"ListGroups", 0, yes, "sarama"},
    {"SaslHandshake", 0, yes, "librdkafka's GSSAPI"},
    {"SaslHandshake", 1, yes, "librdkafka asks by frames"},
    {"SaslAuthenticate", 0, yes, "librdkafka asks by frames"},
    {"ApiVersions", 0, yes, "everyone's fallback"},
    {"ApiVersions", 4, yes, "Java 4 asks with it first"},
    {"CreateTopics", 0, yes, "kafka-go's simple connection"},
    {"CreateTopics", 2, yes, "the rule of Kafka 4"},
    {"DeleteTopics", 0, yes, "kafka-go's simple connection"},
    {"DeleteTopics", 1, yes, "the rule of Kafka 4; kafkajs"},
    {"InitProducerId", 0, yes, "librdkafka's idempotence"},
    {"InitProducerId", 4, yes, "librdkafka, sarama"},
    {"InitProducerId", 5, no, "transactions of version 2"},
    {"OffsetForLeaderEpoch", 2, yes, "librdkafka >= 2.1 sends exactly this"},
    {"DescribeConfigs", 1, yes, "librdkafka"},
    {"AlterConfigs", 0, yes, "librdkafka, sarama"},
    {"CreatePartitions", 0, yes, "librdkafka, sarama"},
    {"DescribeLogDirs", 5, no, "kafka-python 3 would take naru for Kafka 4.3"},
};

TEST(api_versions, hold_what_old_clients_need_and_new_ones_must_not_see) {
  for (const Rule& rule : rules) {
    auto api = std::ranges::find(apis, std::string_view(rule.api), &Api::name);
    ASSERT_NE(api, std::end(apis)) << rule.api;
    EXPECT_EQ(api->served.has(rule.version), rule.wanted) << rule.api << " " << rule.version << ": " << rule.why;
  }
}

TEST(api_versions, are_described_and_flexible_as_the_messages_say) {
#define NARU_CHECK_ROW(message)                                                     \
  if (const Api* api = find_api(message##Request::api_key)) {                       \
    EXPECT_STREQ(api->name, #message);                                              \
    EXPECT_EQ(api->flexible_since, message##Request::flexible_since) << #message;   \
    EXPECT_EQ(api->flexible_since, message##Response::flexible_since) << #message;  \
    EXPECT_EQ(message##Request::versions, message##Response::versions) << #message; \
    EXPECT_TRUE(message##Request::versions.has(api->served.first) &&                \
                message##Request::versions.has(api->served.last));                  \
    ++rows;                                                                         \
  }
  size_t rows = 0;
  NARU_KAFKA_APIS(NARU_CHECK_ROW)
  EXPECT_EQ(rows, std::size(apis)) << "a row without a message";
}

TEST(api_versions, show_old_produce_versions_but_do_not_take_them) {
  EXPECT_TRUE(served(0)->has(0));
  EXPECT_FALSE(find_api(0)->accepts(2));
  EXPECT_TRUE(find_api(0)->accepts(3));
  EXPECT_TRUE(find_api(18)->accepts(0));
  EXPECT_EQ(served(74), std::nullopt);
  EXPECT_EQ(find_api(-1), nullptr);
}

Bytes frame(int16_t key, int16_t version, std::initializer_list<uint8_t> rest) {
  Bytes bytes(8);
  store_be(bytes.data(), key);
  store_be(bytes.data() + 2, version);
  store_be(bytes.data() + 4, int32_t{77});
  bytes.insert(bytes.end(), rest);
  return bytes;
}

TEST(api_versions, split_a_request_by_what_its_version_says) {
  Bytes plain = frame(12, 3, {0, 2, 'm', 'e', 9});
  auto request = decode_request(plain);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->header.correlation_id, 77);
  EXPECT_EQ(request->header.client_id, "me");
  EXPECT_EQ(request->body.size(), 1u);

  Bytes flexible = frame(12, 4, {0, 2, 'm', 'e', 2, 0, 1, 5, 7, 2, 5, 5, 9, 9});  // two tags nobody knows
  request = decode_request(flexible);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->header.client_id, "me");
  EXPECT_EQ(request->body.size(), 2u);

  Bytes anonymous = frame(12, 4, {0xff, 0xff, 0});
  request = decode_request(anonymous);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->header.client_id, std::nullopt);
  EXPECT_TRUE(request->body.empty());

  Bytes unknown = frame(999, 12, {0xff, 0xff, 1, 2, 3});
  request = decode_request(unknown);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->header.key, 999);

  for (size_t cut = 0; cut < flexible.size() - 2; ++cut)
    EXPECT_FALSE(decode_request(ByteView(flexible).first(cut))) << cut;
  EXPECT_FALSE(decode_request(frame(12, 4, {0, 5, 'm', 'e'})));
}

}  // namespace
}  // namespace naru::kafka
