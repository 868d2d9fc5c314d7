// What clients can do about a disk that is full.
#include "kafka/messages/20_delete_topics.h"
#include "kafka/requests_testing.h"

namespace naru::kafka {
namespace {

ErrorCode produced(SimBroker& broker, std::string_view topic) {
  auto response =
      broker.call<ProduceResponse>(broker.connect(), produce_of(topic, batch_of(std::string(5000, 'x'))), 7);
  return response ? response->responses[0].partition_responses[0].error_code : ErrorCode::unknown_server_error;
}

TEST(full_disk, a_topic_can_be_deleted_and_makes_space) {
  SimBroker broker(1);
  create_topic(broker, "kept");
  create_topic(broker, "large");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(produced(broker, "large"), ErrorCode::none);
  broker.disk().set_space(broker.disk().used());
  ErrorCode last = ErrorCode::none;
  for (int i = 0; i < 200 && last == ErrorCode::none; ++i) last = produced(broker, "kept");
  ASSERT_NE(last, ErrorCode::none);
  CreateTopicsRequest create;
  auto& another = create.topics.emplace_back();
  another.name = "another";
  another.num_partitions = another.replication_factor = 1;
  auto refused = broker.call<CreateTopicsResponse>(broker.connect(), create, 4);
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->topics[0].error_code, ErrorCode::none);
  DeleteTopicsRequest remove;
  remove.topic_names.push_back("large");
  remove.timeout_ms = 1000;
  auto removed = broker.call<DeleteTopicsResponse>(broker.connect(), remove, 4);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->responses[0].error_code, ErrorCode::none);
  broker.loop().run_for(5000);
  EXPECT_EQ(produced(broker, "kept"), ErrorCode::none) << "there is space again";
  broker.crash(/*power=*/true);
  EXPECT_EQ(produced(broker, "kept"), ErrorCode::none);
  EXPECT_NE(produced(broker, "large"), ErrorCode::none);
}

}  // namespace
}  // namespace naru::kafka
