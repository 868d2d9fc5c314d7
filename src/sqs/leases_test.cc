#include "sqs/leases.h"

#include "sqs/engine_testing.h"

namespace naru::sqs {
namespace {

struct Story {
  World world;
  QueuePtr queue;
  HolderPtr holder;
  explicit Story(std::string mode, Tags more = {}, bool is_direct = true) {
    more.emplace("naru:lease", std::move(mode));
    queue = world.make("q", {.visibility = 10}, std::move(more));
    holder = world.engine().connected("ann@10.0.0.1", is_direct);
    world.send(*queue, "job");
  }
  std::vector<Incoming> receive() { return world.receive(*queue, ReceiveRequest{.holder = holder}); }
  bool is_visible() { return queue->counts().visible == 1; }
};

TEST(leases, a_message_stays_while_its_connection_is_open) {
  Story s("connection");
  auto got = s.receive();
  s.world.pass(1'800'000);
  EXPECT_FALSE(s.is_visible());
  s.world.engine().disconnected(*s.holder);
  s.world.pass(9'900);
  EXPECT_FALSE(s.is_visible()) << "never earlier than the timeout from the last sign of life";
  s.world.pass(200);
  EXPECT_TRUE(s.is_visible());
  EXPECT_EQ(s.receive()[0].receive_count, 2u);
}

TEST(leases, strict_gives_it_back_at_once) {
  Story s("strict");
  s.receive();
  s.world.pass(60'000);
  EXPECT_FALSE(s.is_visible());
  auto waiting = s.queue->receive({.wait = 20}, nullptr);
  s.world.pass(10);
  s.world.engine().disconnected(*s.holder);
  s.world.pass(10);  // it may have to be read from the disk
  ASSERT_TRUE(waiting.done());
  EXPECT_EQ(World::bodies(*waiting.take()), "job");
}

TEST(leases, strict_spares_what_was_settled_or_given_to_others) {
  Story s("strict");
  auto got = s.receive();
  EXPECT_TRUE(s.world.change(*s.queue, got[0].receipt, 0));
  auto other = s.world.engine().connected("bob@10.0.0.2", true);
  EXPECT_EQ(s.world.receive(*s.queue, ReceiveRequest{.holder = other}).size(), 1u);
  s.world.engine().disconnected(*s.holder);
  s.world.pass(100);
  EXPECT_FALSE(s.is_visible());
  EXPECT_EQ(s.holder->leases, 0u);
  EXPECT_EQ(other->leases, 1u);
}

TEST(leases, behind_a_proxy_only_requests_count) {
  Story s("connection", {}, /*is_direct=*/false);
  s.receive();
  for (int i = 0; i < 10; ++i) {
    s.world.pass(8'000);
    EXPECT_FALSE(s.is_visible());
    auto another = s.world.engine().connected("ann@10.0.0.1", false);
    s.world.engine().seen(*another);
  }
  s.world.pass(9'900);
  EXPECT_FALSE(s.is_visible());
  s.world.pass(200);
  EXPECT_TRUE(s.is_visible());
}

TEST(leases, a_hung_consumer_does_not_have_it_for_ever) {
  Story s("connection", {{"naru:lease-max", "60"}});
  s.receive();
  s.world.pass(59'000);
  EXPECT_FALSE(s.is_visible());
  s.world.pass(2'000);
  EXPECT_TRUE(s.is_visible());
}

TEST(leases, without_the_tag_it_is_plain_sqs) {
  Story s("off");
  s.receive();
  s.world.pass(10'100);
  EXPECT_TRUE(s.is_visible());
  EXPECT_TRUE(s.world.wait(s.queue->tag({{"naru:lease", "connection"}})));
  s.receive();
  s.world.pass(60'000);
  EXPECT_FALSE(s.is_visible());
  EXPECT_TRUE(s.world.wait(s.queue->untag({"naru:lease"})));
  s.world.pass(10'100);
  EXPECT_TRUE(s.is_visible());
}

TEST(leases, lapse_to_the_plain_timeout_at_a_restart) {
  Story s("connection");
  s.receive();
  s.world.pass(61'000);
  s.holder = nullptr;
  s.world.crash(false);
  s.queue = s.world.engine().find("q");
  EXPECT_FALSE(s.is_visible());
  s.world.pass(10'100);
  EXPECT_TRUE(s.is_visible());
}

TEST(leases, an_explicit_change_is_the_timeout_from_then_on) {
  Story s("connection");
  auto got = s.receive();
  EXPECT_TRUE(s.world.change(*s.queue, got[0].receipt, 100));
  s.world.engine().disconnected(*s.holder);
  s.world.pass(99'000);
  EXPECT_FALSE(s.is_visible());
  s.world.pass(2'000);
  EXPECT_TRUE(s.is_visible());
}

}  // namespace
}  // namespace naru::sqs
