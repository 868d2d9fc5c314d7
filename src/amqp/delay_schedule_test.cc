// Messages that wait at an exchange until their time comes.
#include "amqp/sim_world_testing.h"

namespace naru::amqp {
namespace {

/// One message waits at an exchange.
class World : public SimWorld {
 public:
  World() {
    declare("q");
    FieldTable type = FieldTable().add("x-delayed-type", "fanout");
    say(ExchangeDeclare{.exchange = "later", .type = "x-delayed-message", .durable = true, .arguments = type.view()});
    say(QueueBind{.queue = "q", .exchange = "later"});
    FieldTable headers = FieldTable().add("x-delay", int32_t{1000});
    send("later", "", {.headers = headers.view()});
    settle();
  }
  DelaySchedule& schedule() { return static_cast<DelaySchedule&>(*host().find_exchange("later")->delayed->watcher); }
};

TEST(delay_schedule, a_message_is_cancelled_once) {
  World world;
  Offset waiting = world.schedule().next(10).at(0).offset;
  EXPECT_TRUE(world.schedule().cancel(waiting));
  EXPECT_FALSE(world.schedule().cancel(waiting));  // in the same turn
  EXPECT_TRUE(world.schedule().next(10).empty());
  world.settle();
  EXPECT_FALSE(world.schedule().cancel(waiting));
  world.settle(2000);
  EXPECT_EQ(world.ready("q"), 0);
}

TEST(delay_schedule, what_is_cancelled_as_its_time_comes_either_goes_on_or_was_cancelled) {
  for (io::Millis earlier : {0, 1}) {
    World world;
    auto next = world.schedule().next(1).at(0);
    io::Loop& loop = world.broker().loop();
    std::optional<bool> cancelled;
    io::Timer timer(loop, [&] { cancelled = world.schedule().cancel(next.offset); });
    timer.arm(loop.now() + (next.due_ms - loop.wall()) - earlier);
    world.settle(2000);
    ASSERT_TRUE(cancelled);
    EXPECT_EQ(world.ready("q"), *cancelled ? 0 : 1);
  }
}

}  // namespace
}  // namespace naru::amqp
