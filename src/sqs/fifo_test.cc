// FIFO queues: order within groups, deduplication, and both across crashes.
#include "sqs/engine_testing.h"

namespace naru::sqs {
namespace {

TEST(fifo, a_receive_drains_one_group_then_the_next) {
  World world;
  auto queue = world.make("q.fifo");
  for (auto [body, group] :
       {std::pair{"g1-m1", "g1"}, {"g2-m1", "g2"}, {"g1-m2", "g1"}, {"g1-m3", "g1"}, {"g2-m2", "g2"}})
    world.send(*queue, body, group, body);
  auto got = world.receive(*queue, 4);
  EXPECT_EQ(World::bodies(got), "g1-m1 g1-m2 g1-m3 g2-m1");
  EXPECT_EQ(got[0].group, "g1");
  EXPECT_EQ(got[0].deduplication, "g1-m1");
  EXPECT_GT(got[1].sequence, got[0].sequence);
  EXPECT_TRUE(world.receive(*queue).empty()) << "both groups are out";
  EXPECT_EQ(queue->counts().visible, 1);
  EXPECT_EQ(queue->counts().in_flight, 4);
  EXPECT_TRUE(world.remove(*queue, got[3].receipt));
  EXPECT_EQ(World::bodies(world.receive(*queue)), "g2-m2") << "deleting all that is out frees a group at once";
  EXPECT_TRUE(world.remove(*queue, got[0].receipt));
  EXPECT_TRUE(world.receive(*queue).empty());
}

TEST(fifo, visibility_of_the_first_and_of_later_ones) {
  World world;
  auto queue = world.make("q.fifo", {.visibility = 10});
  for (const char* body : {"a", "b", "c"}) world.send(*queue, body, "g", body);
  auto got = world.receive(*queue, 2);
  EXPECT_TRUE(world.change(*queue, got[0].receipt, 0));
  auto again = world.receive(*queue);
  EXPECT_EQ(World::bodies(again), "a") << "b is still out";
  EXPECT_TRUE(world.change(*queue, got[1].receipt, 30));
  EXPECT_TRUE(world.remove(*queue, again[0].receipt));
  EXPECT_TRUE(world.receive(*queue).empty()) << "c stands behind b";
  world.pass(31'000);
  again = world.receive(*queue);
  EXPECT_EQ(World::bodies(again), "b c");
  EXPECT_EQ(again[0].receive_count, 2u);
  EXPECT_EQ(again[1].receive_count, 1u);
}

TEST(fifo, what_is_given_back_after_a_restart_comes_again) {
  World world;
  auto queue = world.make("q.fifo", {.visibility = 100});
  for (const char* body : {"a", "b"}) world.send(*queue, body, "g", body);
  auto got = world.receive(*queue, 1);
  ASSERT_EQ(World::bodies(got), "a");
  world.pass(100);
  world.restart();
  queue = world.engine().find("q.fifo");
  EXPECT_TRUE(world.change(*queue, got[0].receipt, 0)) << "before anybody has looked at the groups";
  EXPECT_EQ(World::bodies(world.receive(*queue)), "a b");
}

TEST(fifo, what_waits_for_its_turn_gets_too_old) {
  World world;
  auto queue = world.make("q.fifo", {.retention = 60});
  world.send(*queue, "a", "g", "1");
  world.send(*queue, "b", "h", "2");
  auto got = world.receive(*queue, 1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_TRUE(world.remove(*queue, got[0].receipt));
  EXPECT_EQ(queue->counts().visible, 1);
  world.pass(120'000);
  EXPECT_EQ(queue->counts().visible, 0);
}

TEST(fifo, an_expired_receipt_deletes_nothing) {
  World world;
  auto queue = world.make("q.fifo", {.visibility = 5});
  world.send(*queue, "a", "g", "1");
  auto got = world.receive(*queue);
  world.pass(5'100);
  EXPECT_EQ(world.remove(*queue, got[0].receipt).error(), Problem::receipt_expired);
  EXPECT_EQ(world.change(*queue, got[0].receipt, 5).error(), Problem::receipt_expired);
  auto again = world.receive(*queue);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(world.remove(*queue, got[0].receipt).error(), Problem::receipt_expired);
  EXPECT_TRUE(world.remove(*queue, again[0].receipt));
  EXPECT_TRUE(world.remove(*queue, again[0].receipt));
}

TEST(fifo, sent_again_is_stored_once) {
  World world;
  auto queue = world.make("q.fifo");
  Sent first = world.send(*queue, "a", "g", "id");
  Sent second = world.send(*queue, "other body", "h", "id");
  EXPECT_EQ(second.message_id, first.message_id);
  EXPECT_EQ(second.sequence, first.sequence);
  auto got = world.receive(*queue);
  EXPECT_EQ(World::bodies(got), "a");
  EXPECT_TRUE(world.remove(*queue, got[0].receipt));
  EXPECT_EQ(world.send(*queue, "a", "g", "id").sequence, first.sequence) << "also after it was deleted";
  for (bool power : {false, true}) {
    world.crash(power);
    queue = world.engine().find("q.fifo");
    EXPECT_EQ(world.send(*queue, "a", "g", "id").message_id, first.message_id) << "and after a crash";
    EXPECT_TRUE(world.receive(*queue).empty());
  }
  world.restart();
  queue = world.engine().find("q.fifo");
  EXPECT_EQ(world.send(*queue, "a", "g", "id").message_id, first.message_id);
  world.pass(300'000);
  EXPECT_NE(world.send(*queue, "a", "g", "id").message_id, first.message_id) << "five minutes are over";
  EXPECT_EQ(world.receive(*queue).size(), 1u);
}

TEST(fifo, deduplication_within_groups_and_after_a_purge) {
  World world;
  auto queue = world.make("q.fifo", {.deduplicate_per_group = true});
  Sent first = world.send(*queue, "a", "g", "id");
  EXPECT_NE(world.send(*queue, "a", "h", "id").sequence, first.sequence);
  EXPECT_EQ(world.send(*queue, "a", "g", "id").sequence, first.sequence);
  EXPECT_TRUE(world.wait(queue->purge()));
  Sent after = world.send(*queue, "a", "g", "id");
  EXPECT_NE(after.sequence, first.sequence) << "a purge forgets";
  world.crash(true);
  queue = world.engine().find("q.fifo");
  EXPECT_EQ(world.send(*queue, "a", "g", "id").sequence, after.sequence);
  EXPECT_EQ(World::bodies(world.receive(*queue)), "a");
}

TEST(fifo, a_receive_that_asks_again_gets_the_same) {
  World world;
  auto queue = world.make("q.fifo", {.visibility = 10});
  for (const char* body : {"a", "b", "c"}) world.send(*queue, body, "g", body);
  ReceiveRequest request{.max = 2, .attempt_id = "try"};
  auto got = world.receive(*queue, request);
  EXPECT_EQ(World::bodies(got), "a b");
  world.pass(8'000);
  auto again = world.receive(*queue, request);
  EXPECT_EQ(World::bodies(again), "a b");
  EXPECT_EQ(again[0].receive_count, 1u);
  EXPECT_EQ(again[0].receipt, got[0].receipt);
  world.pass(8'000);
  EXPECT_EQ(queue->counts().in_flight, 2) << "and has them for as long as the first time";
  EXPECT_TRUE(world.remove(*queue, got[0].receipt));
  EXPECT_TRUE(world.receive(*queue, request).empty()) << "not when something has become of them";
}

TEST(fifo, a_poll_waits_for_a_group) {
  World world;
  auto queue = world.make("q.fifo");
  for (const char* body : {"a", "b"}) world.send(*queue, body, "g", body);
  auto got = world.receive(*queue, 1);
  auto waiting = queue->receive({.max = 10, .wait = 20}, nullptr);
  world.pass(1'000);
  EXPECT_FALSE(waiting.done());
  EXPECT_TRUE(world.remove(*queue, got[0].receipt));
  world.pass(20);
  ASSERT_TRUE(waiting.done());
  EXPECT_EQ(World::bodies(*waiting.take()), "b");
  waiting = queue->receive({.max = 10, .wait = 20}, nullptr);
  world.send(*queue, "c", "h", "c");
  world.pass(20);
  ASSERT_TRUE(waiting.done());
  EXPECT_EQ(World::bodies(*waiting.take()), "c");
}

TEST(fifo, what_was_out_blocks_its_group_after_a_crash) {
  World world;
  auto queue = world.make("q.fifo", {.visibility = 100});
  for (auto [body, group] : {std::pair{"a1", "a"}, {"a2", "a"}, {"b1", "b"}}) world.send(*queue, body, group, body);
  auto got = world.receive(*queue, 1);
  world.pass(10);
  world.crash(false);
  queue = world.engine().find("q.fifo");
  EXPECT_EQ(World::bodies(world.receive(*queue)), "b1");
  EXPECT_TRUE(world.remove(*queue, got[0].receipt));
  EXPECT_EQ(World::bodies(world.receive(*queue)), "a2");
}

TEST(fifo, a_delayed_message_holds_up_its_group) {
  World world;
  auto queue = world.make("q.fifo", {.delay = 5});
  world.send(*queue, "a1", "a", "1");
  Attributes now = queue->attributes();
  now.delay = 0;
  EXPECT_TRUE(world.wait(queue->set_attributes(now)));
  world.send(*queue, "a2", "a", "2");
  world.send(*queue, "b1", "b", "3");
  EXPECT_EQ(World::bodies(world.receive(*queue)), "b1");
  world.pass(5'100);
  EXPECT_EQ(World::bodies(world.receive(*queue)), "a1 a2");
}

/// Consumers that finish, forget, give back and are killed with the broker: per group, no message is ever received
/// before the ones in front of it are done, and each is done once.
TEST(fifo, order_and_once_whatever_happens) {
  for_each_seed(300, [](uint64_t seed) {
    World world(seed);
    auto queue = world.make("q.fifo", {.visibility = 5});
    auto& random = world.random;
    struct Message {
      std::string body;
      bool sent = false;
    };
    std::map<char, std::deque<std::string>> open;  // sent and not deleted, by group
    std::map<char, int> last;
    std::map<std::string, std::string> receipts;  // by body, as far as somebody still works on it
    std::map<std::string, Sent> first;
    for (int step = 0; step < 150; ++step) {
      switch (random.below(8)) {
        case 0:
        case 1: {
          char group = static_cast<char>('a' + random.below(4));
          std::string body = group + std::to_string(++last[group]), name(1, group);
          first[body] = world.send(*queue, body, name, body);
          open[group].push_back(body);
          break;
        }
        case 2: {  // a sender that did not hear the answer
          if (first.empty()) break;
          auto one = std::next(first.begin(), static_cast<long>(random.below(first.size())));
          Sent again = world.send(*queue, one->first, one->first.substr(0, 1), one->first);
          ASSERT_EQ(again.message_id, one->second.message_id);
          break;
        }
        case 3:
        case 4: {
          std::map<char, size_t> place;
          for (const Incoming& got : world.receive(*queue, static_cast<int32_t>(1 + random.below(10)))) {
            const auto& in_front = open[got.body[0]];
            size_t& at = place[got.body[0]];
            while (at < in_front.size() && in_front[at] != got.body) {
              ASSERT_FALSE(true) << got.body << " came before " << in_front[at];
            }
            ASSERT_LT(at, in_front.size()) << got.body << " was deleted";
            ++at;
            receipts[got.body] = got.receipt;
          }
          break;
        }
        case 5: {  // the first of a group is done
          for (auto& [group, bodies] : open) {
            if (bodies.empty() || !receipts.contains(bodies.front())) continue;
            if (world.remove(*queue, receipts[bodies.front()])) bodies.pop_front();
            break;
          }
          break;
        }
        case 6: world.pass(static_cast<io::Millis>(random.below(6'000))); break;
        case 7:
          if (!random.chance(0.2)) break;
          random.chance(0.5) ? world.crash(random.chance(0.5)) : world.restart();
          queue = world.engine().find("q.fifo");
          ASSERT_TRUE(queue);
          break;
      }
    }
    world.pass(10'000);
    for (int round = 0; round < 1000; ++round) {
      auto got = world.receive(*queue);
      if (got.empty()) break;
      for (const Incoming& one : got) {
        auto& bodies = open[one.body[0]];
        ASSERT_FALSE(bodies.empty());
        ASSERT_EQ(bodies.front(), one.body);
        ASSERT_TRUE(world.remove(*queue, one.receipt));
        bodies.pop_front();
      }
    }
    for (auto& [group, bodies] : open) EXPECT_TRUE(bodies.empty()) << "lost: " << bodies.front();
    EXPECT_EQ(queue->counts().visible + queue->counts().in_flight, 0);
  });
}

/// A backlog far larger than what is kept in memory: everybody is served, in order.
TEST(fifo, a_backlog_is_worked_off_in_order) {
  World world;
  auto queue = world.make("q.fifo");
  constexpr int groups = 50, each = 40;
  std::vector<std::string> names, bodies;
  for (int n = 0; n < each; ++n)
    for (int g = 0; g < groups; ++g) {
      names.push_back("g" + std::to_string(g));
      bodies.push_back(names.back() + "-" + std::to_string(n) + std::string(300, '.'));
    }
  for (size_t i = 0; i < bodies.size(); i += 10) {
    std::vector<Outgoing> ten;
    for (size_t k = i; k < i + 10; ++k)
      ten.push_back({.body = bodies[k], .group = names[k], .deduplication = bodies[k]});
    world.wait(queue->send(ten));
  }
  world.restart();
  queue = world.engine().find("q.fifo");
  std::map<std::string, int> next;
  int all = 0;
  for (;;) {
    auto got = world.receive(*queue);
    if (got.empty()) break;
    for (const Incoming& one : got) {
      std::string group = *one.group;
      ASSERT_EQ(one.body.substr(0, one.body.find('.')), group + "-" + std::to_string(next[group]++));
      ASSERT_TRUE(world.remove(*queue, one.receipt));
      ++all;
    }
  }
  EXPECT_EQ(all, groups * each);
}

}  // namespace
}  // namespace naru::sqs
