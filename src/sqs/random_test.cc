// Any history of a standard queue, with crashes: what was acknowledged is never lost, what was deleted never comes
// back, nobody has a message that another one has, and the counts are right.
#include "sqs/engine_testing.h"

namespace naru::sqs {
namespace {

constexpr int32_t visibility_s = 5;

struct History {
  World world;
  QueuePtr queue;
  struct Message {
    io::Millis hidden_until = 0;  // wall clock
    uint32_t received = 0;
    std::string receipt;     // the latest
    bool is_unsure = false;  // the answer to its sending or deletion was never heard
  };
  std::map<std::string, Message> there;
  std::set<std::string> deleted;
  int last = 0;

  explicit History(uint64_t seed) : world(seed) { queue = world.make("q", {.visibility = visibility_s}); }
  int64_t now() { return world.loop().wall(); }

  void send() {
    auto count = 1 + world.random.below(3);
    for (uint64_t i = 0; i < count; ++i) {
      std::string body = "m" + std::to_string(++last);
      auto delay = static_cast<int32_t>(world.random.chance(0.3) ? 1 + world.random.below(10) : 0);
      int64_t began = now();
      world.send(*queue, {.body = body, .delay = delay});
      there[body].hidden_until = delay > 0 ? began + delay * 1000L : 0;
    }
  }
  void receive() {
    int64_t began = now();
    for (const Incoming& got : world.receive(*queue, static_cast<int32_t>(1 + world.random.below(10)))) {
      ASSERT_FALSE(deleted.contains(got.body)) << got.body << " was deleted";
      auto found = there.find(got.body);
      ASSERT_NE(found, there.end());
      Message& message = found->second;
      ASSERT_LE(message.hidden_until, now()) << got.body;
      ASSERT_EQ(got.receive_count, ++message.received) << got.body;
      message.hidden_until = began + visibility_s * 1000;
      message.receipt = got.receipt;
    }
  }
  Message* any_received() {
    if (there.empty()) return nullptr;
    auto one = std::next(there.begin(), static_cast<long>(world.random.below(there.size())));
    return one->second.receipt.empty() ? nullptr : &one->second;
  }
  void remove() {
    for (auto& [body, message] : there) {
      if (message.receipt.empty() || world.random.chance(0.5)) continue;
      ASSERT_TRUE(world.remove(*queue, message.receipt));
      deleted.insert(body);
      there.erase(body);
      return;
    }
  }
  void change() {
    Message* message = any_received();
    if (!message || message->hidden_until <= now() + 1) return;
    auto seconds = static_cast<int32_t>(world.random.below(8));
    ASSERT_TRUE(world.change(*queue, message->receipt, seconds));
    message->hidden_until = now() + seconds * 1000L;
    world.pass(5);
  }
  void crash() {
    world.pass(20);  // notes of receives need no answer, and so nobody waits for them
    if (world.random.chance(0.3)) {
      world.restart();
    } else {
      world.crash(world.random.chance(0.5));
    }
    queue = world.engine().find("q");
    ASSERT_TRUE(queue);
  }
  void count() {
    auto counts = queue->counts();
    int64_t hidden = 0;
    for (auto& [body, message] : there) hidden += message.hidden_until > now() + 1;
    ASSERT_EQ(counts.visible + counts.in_flight + counts.delayed, static_cast<int64_t>(there.size()));
    ASSERT_NEAR(static_cast<double>(counts.in_flight + counts.delayed), static_cast<double>(hidden), 1);
  }
};

TEST(random_history, loses_nothing_and_repeats_nothing) {
  for_each_seed(400, [](uint64_t seed) {
    History h(seed);
    for (int step = 0; step < 120 && !testing::Test::HasFatalFailure(); ++step) {
      switch (h.world.random.below(10)) {
        case 0:
        case 1: h.send(); break;
        case 2:
        case 3: h.receive(); break;
        case 4: h.remove(); break;
        case 5: h.change(); break;
        case 6:
        case 7: h.world.pass(static_cast<io::Millis>(h.world.random.below(3'000))); break;
        case 8: h.count(); break;
        case 9:
          if (h.world.random.chance(0.25)) h.crash();
          break;
      }
    }
    h.world.pass(20'000);
    for (int round = 0; round < 100; ++round) {
      auto got = h.world.receive(*h.queue);
      if (got.empty()) break;
      for (const Incoming& one : got) {
        ASSERT_EQ(h.there.erase(one.body), 1u) << one.body;
        ASSERT_TRUE(h.world.remove(*h.queue, one.receipt));
      }
    }
    EXPECT_TRUE(h.there.empty()) << "lost: " << h.there.begin()->first;
  });
}

/// Power goes in the middle of anything: what was answered holds.
void power_goes(uint64_t seed, bool lying = false) {
  World world(seed);
  auto queue = world.make("q", {.visibility = 1});
  std::set<std::string> sent, deleted, unsure;
  std::vector<std::string> bodies;
  for (int i = 0; i < 40; ++i) bodies.push_back("m" + std::to_string(i));
  world.send(*queue, "first");  // the log has its files
  world.disk().set_lying(lying);
  world.disk().lose_power_in(static_cast<int>(1 + world.random.below(60)));
  struct Sending {
    std::string body;
    io::Task<std::vector<Outcome<Sent>>> task;
  };
  struct Removing {
    std::string body, receipt;
    std::string_view view;
    std::optional<io::Task<std::vector<Outcome<void>>>> task;
  };
  std::vector<Outgoing> messages;
  messages.reserve(bodies.size());
  std::deque<Sending> sending;
  std::deque<Removing> removing;
  for (const std::string& body : bodies) {
    if (world.disk().is_dead()) break;
    messages.push_back({.body = body});
    sending.push_back({body, queue->send(std::span(&messages.back(), 1))});
    world.pass(static_cast<io::Millis>(world.random.below(3)));
    if (!world.random.chance(0.5)) continue;
    auto got = queue->receive({.max = 2}, nullptr);
    world.pass(1);
    if (!got.done()) world.pass(2'000);
    if (!got.done()) break;
    for (const Incoming& one : *got.take()) {
      auto& it = removing.emplace_back(Removing{one.body, one.receipt, {}, {}});
      it.view = it.receipt;
      it.task.emplace(queue->remove(std::span(&it.view, 1)));
    }
  }
  world.pass(100);
  world.disk().lose_power();
  world.pass(1'000);  // whoever still waits is told
  for (auto& one : sending) ASSERT_TRUE(one.task.done());
  for (auto& one : removing) ASSERT_TRUE(one.task->done());
  for (auto& one : sending)
    if (one.task.take()[0]) sent.insert(one.body);
  for (auto& one : removing) {
    if (one.task->take()[0]) {
      deleted.insert(one.body);
    } else {
      unsure.insert(one.body);
    }
  }
  world.crash(true);
  world.pass(2'000);
  queue = world.engine().find("q");
  ASSERT_TRUE(queue);
  std::set<std::string> found;
  for (int round = 0; round < 20; ++round)
    for (const Incoming& one : world.receive(*queue, ReceiveRequest{.max = 10, .visibility = 1000}))
      ASSERT_TRUE(found.insert(one.body).second);
  for (const std::string& body : sent)
    EXPECT_TRUE(found.contains(body) || deleted.contains(body) || unsure.contains(body)) << "lost " << body;
  for (const std::string& body : deleted) EXPECT_FALSE(found.contains(body)) << "came back " << body;
}

TEST(random_history, what_was_answered_holds) {
  for_each_seed(1000, [](uint64_t seed) { power_goes(seed); });
}

TEST(random_history, a_disk_that_lies_about_syncs_is_noticed) {
  EXPECT_TRUE(fails_for_a_seed([](uint64_t seed) { power_goes(seed, /*lying=*/true); }));
}

}  // namespace
}  // namespace naru::sqs
