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
  void produce(int32_t partition, std::string_view body, int count = 1) {
    TopicPtr topic = broker().core().catalog()->find("t");
    ASSERT_TRUE(topic);
    Log* log = broker().core().find_log(*topic, partition);
    ASSERT_TRUE(log);
    BatchBuilder builder({});
    for (int i = 0; i < count; ++i) builder.add({.timestamp = broker().loop().wall(), .value = view(body)});
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

TEST(topic_queues, dead_letters_that_wait_to_be_read_are_dropped_with_their_topic) {
  World world;
  world.create_topic(1);
  world.declare("dead");
  world.declare(
      "q",
      FieldTable().add("x-naru-topic", "t").add("x-dead-letter-exchange", "").add("x-dead-letter-routing-key", "dead"));
  world.settle();
  constexpr int count = 3000;
  std::string body(1000, 'x');
  for (int i = 0; i < count; i += 100) world.produce(0, body, 100);
  world.crash(/*power=*/false);  // nothing of it is in memory
  world.say(BasicConsume{.queue = "q", .consumer_tag = "c"});
  world.settle(5000);
  ASSERT_EQ(world.count_of(Method::basic_deliver), count);
  world.say(BasicNack{.delivery_tag = 0, .multiple = true, .requeue = false});
  world.settle(2);
  ASSERT_LT(world.ready("dead"), count) << "or this says nothing";
  world.remove_topic();
  world.create_topic(1);
  world.produce(0, "of the new topic");
  world.settle(5000);
  const Received& got = world.last(Method::basic_deliver);
  EXPECT_EQ(text(got.body), "of the new topic");
  world.say(BasicReject{.delivery_tag = got.as<BasicDeliver>().delivery_tag, .requeue = false});
  world.settle(5000);
  EXPECT_LT(world.ready("dead"), count);
  world.say(BasicConsume{.queue = "dead", .no_ack = true});
  world.settle(5000);
  EXPECT_EQ(text(world.last(Method::basic_deliver).body), "of the new topic") << "its own dead letter is not lost";
}

}  // namespace
}  // namespace naru::amqp
