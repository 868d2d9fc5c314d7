// Who is taken for gone: in simulated time.
#include <gtest/gtest.h>

#include "amqp/sim_broker_testing.h"
#include "amqp/sim_client_testing.h"

namespace naru::amqp {
namespace {

constexpr uint16_t heartbeat_s = 5;
constexpr io::Millis second = 1'000;

struct World {
  World() {
    client.log_in("/", heartbeat_s);
    client.send(1, ChannelOpen{});
    client.send(1, QueueDeclare{.queue = "q", .durable = true});
    broker.loop().run_for(second);
  }
  void publish() { client.publish(1, {.routing_key = "q"}, {.delivery_mode = 2}, Bytes(1000, 'x')); }
  /// Until the disk is full and publishers wait.
  void fill_disk() {
    broker.disk().set_space(broker.disk().used());
    for (int i = 0; i < 1000 && !broker.queues().is_blocked(); ++i) {
      publish();
      broker.loop().run_for(10);
    }
    ASSERT_TRUE(broker.queues().is_blocked());
    publish();
    broker.loop().run_for(second);
  }
  /// So many seconds in which the client says nothing but its heartbeats, if those.
  void wait(int seconds, bool beats) {
    for (int i = 0; i < seconds && !client.is_closed(); ++i) {
      if (beats && i % heartbeat_s == 0) client.beat();
      broker.loop().run_for(second);
    }
  }

  sim::SimConnection& start() {
    CHECK(broker.start());
    return broker.connect();
  }

  SimBroker broker{1};
  sim::SimConnection& wire{start()};
  SimClient client{wire};
};

TEST(heartbeats, who_says_nothing_is_gone_after_two_of_them) {
  World world;
  world.wait(600, /*beats=*/true);
  EXPECT_FALSE(world.client.is_closed());
  world.wait(heartbeat_s, /*beats=*/false);
  EXPECT_FALSE(world.client.is_closed());
  world.wait(3 * heartbeat_s, /*beats=*/false);
  EXPECT_TRUE(world.client.is_closed());
}

TEST(heartbeats, a_publisher_that_an_alarm_holds_back_is_not_gone_as_long_as_it_takes_what_it_gets) {
  World world;
  world.fill_disk();
  world.wait(600, /*beats=*/true);
  EXPECT_FALSE(world.client.is_closed());
  world.broker.disk().set_space(UINT64_MAX);
  world.wait(60, /*beats=*/true);
  EXPECT_FALSE(world.client.is_closed());
  EXPECT_FALSE(world.broker.queues().is_blocked());
}

TEST(heartbeats, one_that_takes_nothing_meanwhile_is) {
  World world;
  world.fill_disk();
  (void)world.client.take();
  world.wire.set_window(0);
  world.wait(50, /*beats=*/true);
  EXPECT_FALSE(world.client.is_closed()) << "a minute is given to everybody";
  world.wait(60, /*beats=*/true);
  EXPECT_TRUE(world.client.is_closed());
}

}  // namespace
}  // namespace naru::amqp
