// Queues over topics of Kafka's (x-naru-topic).
#include "amqp/sim_world_testing.h"
#include "log/batch_builder.h"

namespace naru::amqp {
namespace {

class World : public SimWorld {
 public:
  void create_topic(int32_t partitions) {
    bool done = false;
    [](Topics& topics, int32_t count, bool& finished) -> io::Task<> {
      NewTopic wanted{.name = "t", .partitions = count, .config = {}};
      auto creating = topics.create(std::move(wanted));
      auto created = co_await creating;
      EXPECT_TRUE(created);
      finished = true;
    }(*broker().core().broker.topics, partitions, done)
                                                             .detach();
    settle();
    ASSERT_TRUE(done);
  }
  void remove_topic() {
    bool done = false;
    [](Topics& topics, bool& finished) -> io::Task<> {
      auto removing = topics.remove("t");
      auto removed = co_await removing;
      EXPECT_TRUE(removed);
      finished = true;
    }(*broker().core().broker.topics, done)
                                              .detach();
    settle();
    ASSERT_TRUE(done);
  }
  void produce(int32_t partition, std::string_view body) {
    TopicPtr topic = broker().core().catalog()->find("t");
    ASSERT_TRUE(topic);
    Log* log = broker().core().find_log(*topic, partition);
    ASSERT_TRUE(log);
    BatchBuilder builder({});
    builder.add({.value = view(body)});
    auto batch = builder.finish();
    ASSERT_TRUE(batch);
    ASSERT_TRUE(log->append(*batch, *peek_header(*batch)));
    settle();
  }
};

TEST(topic_queues, a_topic_that_is_created_anew_again_and_again_is_still_served) {
  World world;
  constexpr int32_t partitions = 100;
  world.create_topic(partitions);
  world.declare("q", FieldTable().add("x-naru-topic", "t"));
  world.say(BasicConsume{.queue = "q", .consumer_tag = "c"});
  world.settle();
  uint64_t last = 0;
  for (int round = 0; round < 5; ++round) {
    SCOPED_TRACE(round);
    std::string body = "round " + std::to_string(round);
    world.produce(partitions - 1, body);
    ASSERT_EQ(world.count_of(Method::basic_deliver), round + 1);
    const Received& got = world.last(Method::basic_deliver);
    EXPECT_EQ(text(got.body), body);
    // Of the topic that is gone: it means nothing to this one, where the same place is taken.
    if (last > 0) world.say(BasicAck{.delivery_tag = last});
    last = got.as<BasicDeliver>().delivery_tag;
    world.settle();
    EXPECT_EQ(world.host().find_queue("q")->queue->counts().unacked, 1);
    world.remove_topic();
    EXPECT_EQ(world.host().find_queue("q")->queue->counts().unacked, 0);
    world.create_topic(partitions);
  }
}

}  // namespace
}  // namespace naru::amqp
