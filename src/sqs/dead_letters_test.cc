// Dead letters and their way back.
#include "sqs/engine_testing.h"

namespace naru::sqs {
namespace {

struct Pair {
  World world;
  QueuePtr dead, queue;
  explicit Pair(uint32_t receives_max = 2, std::string suffix = "") {
    dead = world.make("dead" + suffix);
    queue = world.make("q" + suffix, {.visibility = 5, .redrive = Redrive{"dead" + suffix, receives_max}});
  }
  /// Receives and lets the time run out.
  std::string try_once(MessageQueue& from) {
    auto got = world.receive(from);
    world.pass(5'100);
    return World::bodies(got);
  }
};

TEST(dead_letters, move_at_the_receive_that_would_be_one_too_many) {
  Pair p;
  Sent sent = p.world.send(*p.queue, "poison");
  int64_t sent_ms = p.world.loop().wall();
  EXPECT_EQ(p.try_once(*p.queue), "poison");
  EXPECT_EQ(p.try_once(*p.queue), "poison");
  EXPECT_EQ(p.queue->counts().visible, 1);
  EXPECT_EQ(World::bodies(p.world.receive(*p.queue)), "");
  EXPECT_EQ(p.queue->counts().visible + p.queue->counts().in_flight, 0);
  EXPECT_EQ(p.dead->counts().visible, 1);
  auto got = p.world.receive(*p.dead);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].message_id, sent.message_id);
  EXPECT_NEAR(static_cast<double>(got[0].sent_ms), static_cast<double>(sent_ms), 50);
  EXPECT_EQ(got[0].receive_count, 3u);
  EXPECT_EQ(got[0].dead_letter_source, "q");
}

TEST(dead_letters, chain_and_count_on) {
  Pair p(1);
  auto last = p.world.make("last");
  Attributes attributes = p.dead->attributes();
  attributes.redrive = Redrive{"last", 1};
  EXPECT_TRUE(p.world.wait(p.dead->set_attributes(attributes)));
  p.world.send(*p.queue, "poison");
  for (auto& queue : {p.queue, p.queue, p.dead, p.dead}) {
    p.world.receive(*queue, ReceiveRequest{.visibility = 0});
    p.world.pass(10);
  }
  auto got = p.world.receive(*last);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].receive_count, 3u);
  EXPECT_EQ(got[0].dead_letter_source, "dead");
}

TEST(dead_letters, others_are_not_held_up_by_them) {
  Pair p(1);
  p.world.send(*p.queue, "poison");
  EXPECT_EQ(p.try_once(*p.queue), "poison");
  p.world.send(*p.queue, "good");
  EXPECT_EQ(World::bodies(p.world.receive(*p.queue)), "good");
  EXPECT_EQ(World::bodies(p.world.receive(*p.dead)), "poison");
}

TEST(dead_letters, without_a_target_they_stay) {
  Pair p(1);
  p.world.send(*p.queue, "poison");
  EXPECT_TRUE(p.world.wait(p.world.engine().remove("dead")));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(p.try_once(*p.queue), "poison");
}

TEST(dead_letters, a_group_goes_on_behind_one) {
  Pair p(1, ".fifo");
  for (const char* body : {"poison", "next"}) p.world.send(*p.queue, body, "g", body);
  auto got = p.world.receive(*p.queue, 1);
  EXPECT_EQ(World::bodies(got), "poison");
  p.world.pass(5'100);
  EXPECT_EQ(World::bodies(p.world.receive(*p.queue)), "next");
  p.world.pass(20);  // until it is durable there
  got = p.world.receive(*p.dead);
  EXPECT_EQ(World::bodies(got), "poison");
  EXPECT_EQ(got[0].group, "g");
}

TEST(dead_letters, count_for_a_limit_by_bytes_as_often_as_they_are_ready) {
  World world;
  auto queue = world.make("q", {.visibility = 5});
  naru::Queue& broker = *world.hosts().find("/")->find_queue("q")->queue;
  QueueSettings settings = broker.settings();
  settings.max_bytes = 10;
  settings.overflow = Overflow::reject_publish;
  broker.set_settings(settings);
  auto is_full = [&] {
    Outgoing message{.body = "x"};
    auto sent = world.wait(queue->send(std::span(&message, 1)));
    return !sent[0].has_value();
  };
  world.send(*queue, "1234567890");
  EXPECT_TRUE(is_full());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(World::bodies(world.receive(*queue)), "1234567890");
    world.pass(5'100);
    EXPECT_TRUE(is_full()) << "it is there again";
  }
  auto got = world.receive(*queue);
  EXPECT_TRUE(world.change(*queue, got[0].receipt, 0));
  EXPECT_TRUE(is_full());
  EXPECT_TRUE(world.remove(*queue, got[0].receipt)) << "while it is visible";
  EXPECT_FALSE(is_full());
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(is_full()) << i;
  EXPECT_TRUE(is_full()) << "nothing is counted twice";
}

TEST(dead_letters, are_somewhere_whenever_power_goes) {
  for_each_seed(300, [](uint64_t seed) {
    World world(seed);
    auto dead = world.make("dead");
    world.send(*dead, "first");  // its log has its files
    ASSERT_TRUE(world.remove(*dead, world.receive(*dead)[0].receipt));
    auto queue = world.make("q", {.visibility = 1, .redrive = Redrive{"dead", 1}});
    std::set<std::string> sent;
    for (int i = 0; i < 5; ++i) world.send(*queue, *sent.insert("m" + std::to_string(i)).first);
    world.receive(*queue);
    world.pass(1'100);
    world.disk().lose_power_in(static_cast<int>(1 + world.random.below(6)));
    auto poll = std::make_shared<Poll>();
    auto moving = queue->receive({.max = 10}, poll);
    world.pass(static_cast<io::Millis>(world.random.below(20)));
    poll->cancel();
    world.pass(500);
    ASSERT_TRUE(moving.done());
    world.crash(true);
    world.pass(2'000);
    std::set<std::string> found;
    for (const char* name : {"q", "dead"})
      for (const Incoming& one : world.receive(*world.engine().find(name))) found.insert(one.body);
    for (const Incoming& one : world.receive(*world.engine().find("dead"))) found.insert(one.body);
    EXPECT_EQ(found, sent);
  });
}

TEST(move_tasks, bring_messages_back_where_they_came_from) {
  Pair p(1);
  Sent sent = p.world.send(*p.queue, "poison");
  p.try_once(*p.queue);
  p.try_once(*p.queue);
  ASSERT_EQ(p.dead->counts().visible, 1);
  auto id = p.world.wait(p.world.engine().start_move("dead", std::nullopt, std::nullopt));
  ASSERT_TRUE(id);
  p.world.pass(1'000);
  auto tasks = p.world.engine().moves("dead", 10);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].status, MoveTask::Status::completed);
  EXPECT_EQ(tasks[0].moved, 1);
  EXPECT_EQ(tasks[0].to_move, 1);
  EXPECT_EQ(p.dead->counts().visible, 0);
  auto got = p.world.receive(*p.queue);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].body, "poison");
  EXPECT_EQ(got[0].receive_count, 1u) << "a new message";
  EXPECT_NE(got[0].message_id, sent.message_id);
  EXPECT_EQ(got[0].dead_letter_source, std::nullopt);
  EXPECT_EQ(p.world.wait(p.world.engine().cancel_move(*id)).error(), Problem::no_such_task);
}

TEST(move_tasks, keep_their_pace_and_can_be_cancelled) {
  Pair p;
  auto other = p.world.make("other");
  for (int i = 0; i < 100; ++i) p.world.send(*p.dead, "m" + std::to_string(i));
  auto id = p.world.wait(p.world.engine().start_move("dead", "other", 10));
  ASSERT_TRUE(id);
  p.world.pass(3'000);
  EXPECT_NEAR(static_cast<double>(other->counts().visible), 30, 2);
  EXPECT_EQ(p.world.wait(p.world.engine().start_move("dead", "other", 10)).error(), Problem::task_running);
  auto moved = p.world.wait(p.world.engine().cancel_move(*id));
  ASSERT_TRUE(moved);
  EXPECT_NEAR(static_cast<double>(*moved), 30, 2);
  p.world.pass(1'000);
  EXPECT_EQ(p.world.engine().moves("dead", 1)[0].status, MoveTask::Status::cancelled);
  EXPECT_EQ(other->counts().visible + p.dead->counts().visible, 100);
}

TEST(move_tasks, go_on_after_a_crash) {
  Pair p;
  p.world.make("other");
  for (int i = 0; i < 60; ++i) p.world.send(*p.dead, "m" + std::to_string(i));
  ASSERT_TRUE(p.world.wait(p.world.engine().start_move("dead", "other", 10)));
  p.world.pass(2'500);
  p.world.crash(true);
  auto tasks = p.world.engine().moves("dead", 1);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].status, MoveTask::Status::running);
  p.world.pass(10'000);
  EXPECT_EQ(p.world.engine().moves("dead", 1)[0].status, MoveTask::Status::completed);
  EXPECT_EQ(p.world.engine().find("dead")->counts().visible, 0);
  EXPECT_GE(p.world.engine().find("other")->counts().visible, 60);
  p.world.crash(true);
  EXPECT_TRUE(p.world.engine().moves("dead", 1).empty()) << "it has ended";
}

TEST(move_tasks, say_what_is_wrong) {
  Pair p;
  auto lone = p.world.make("lone");
  EXPECT_EQ(p.world.wait(p.world.engine().start_move("none", std::nullopt, std::nullopt)).error(),
            Problem::no_such_queue);
  EXPECT_EQ(p.world.wait(p.world.engine().start_move("dead", "none", std::nullopt)).error(), Problem::no_such_queue);
  EXPECT_EQ(p.world.wait(p.world.engine().start_move("lone", std::nullopt, std::nullopt)).error(),
            Problem::not_a_dead_letter_queue);
  EXPECT_EQ(p.world.wait(p.world.engine().cancel_move("none")).error(), Problem::no_such_task);
  p.world.send(*p.dead, "sent here by hand");
  ASSERT_TRUE(p.world.wait(p.world.engine().start_move("dead", std::nullopt, std::nullopt)));
  p.world.pass(1'000);
  EXPECT_EQ(p.world.engine().moves("dead", 1)[0].status, MoveTask::Status::failed);
  EXPECT_EQ(p.dead->counts().visible, 1) << "it stays";
}

}  // namespace
}  // namespace naru::sqs
