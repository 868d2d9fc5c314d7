// Messages that wait: for their next try, or for space on the disk.
#include "base/testing.h"
#include "broker/queue/sim_queues_testing.h"

namespace naru {
namespace {

/// Takes one message after the other, and keeps it.
class Taker final : public QueueConsumer {
 public:
  bool can_take() const override { return held.size() < prefetch; }
  void take(Queue&, const Delivery& delivery) override {
    held.push_back(delivery.id);
    got.emplace_back(text(delivery.record.body()));
  }
  void queue_gone(Queue&) override {}
  size_t prefetch = 1;
  std::vector<MessageId> held;
  std::vector<std::string> got;
};

/// A queue with a consumer.
struct Served {
  Served(QueueHost& host, uint64_t stream, QueueSettings settings)
      : queue(std::make_shared<Queue>(host, "q" + std::to_string(stream),
                                      std::vector<LevelIds>{{StreamId(stream), CursorId(stream)}},
                                      std::move(settings))) {
    EXPECT_TRUE(queue->add(taker));
  }
  ~Served() { queue->remove(taker); }
  void publish(std::string_view body, std::string_view key = "") {
    NewMessage message{.key = view(key), .body = view(body)};
    EXPECT_TRUE(queue->publish(message));
  }
  MessageId take_first() {
    MessageId first = taker.held.at(0);
    taker.held.erase(taker.held.begin());
    queue->wake(taker);
    return first;
  }
  void ack() { queue->settle(take_first()); }
  void fail() { queue->requeue(take_first(), Return::failed); }
  int64_t left() { return queue->counts().ready + queue->counts().unacked; }

  std::shared_ptr<Queue> queue;
  Taker taker;
};

constexpr int64_t retry_ms = 5000;
QueueSettings with_retries() {
  QueueSettings settings;
  settings.retry_delay = {.of_failed = true, .step_ms = retry_ms};
  return settings;
}

TEST(queue_waits, a_purge_takes_what_waits_for_its_next_try) {
  SimQueues world;
  QueueSettings settings = with_retries();
  settings.max_bytes = 10;
  Served work(*world.host, 1, settings);
  work.publish("8 bytes.");
  world.settle();
  work.fail();
  world.settle();
  EXPECT_EQ(work.queue->counts().ready, 1);
  EXPECT_EQ(work.queue->purge(), 1);
  EXPECT_EQ(work.queue->counts().ready, 0);
  world.loop->run_for(2 * retry_ms);
  EXPECT_EQ(work.taker.got.size(), 1u);
  // Nor does the limit by bytes remember it.
  work.taker.prefetch = 0;
  for (int i = 0; i < 3; ++i) work.publish("8 bytes.");
  world.settle();
  EXPECT_EQ(work.queue->counts().ready, 1);
}

TEST(queue_waits, what_waits_for_its_next_try_counts_for_the_limits) {
  SimQueues world;
  QueueSettings settings = with_retries();
  settings.max_length = 1;
  settings.overflow = Overflow::reject_publish;
  Served work(*world.host, 1, settings);
  work.publish("first");
  world.settle();
  work.fail();
  world.settle();
  NewMessage second{.body = view("second")};
  EXPECT_FALSE(work.queue->publish(second));
}

TEST(queue_waits, after_a_crash_others_of_a_key_still_wait_behind_its_next_try) {
  SimQueues world;
  QueueSettings settings = with_retries();
  settings.order_key = QueueSettings::Key{};
  {
    Served work(*world.host, 1, settings);
    work.taker.prefetch = 10;
    work.publish("a0", "a");
    world.settle();
    work.publish("a1", "a");
    work.publish("b0", "b");
    work.taker.prefetch = 1;
    work.fail();
    world.settle();
    world.disk->kill();
  }
  world.start_again();
  Served work(*world.host, 1, settings);
  work.taker.prefetch = 10;
  work.queue->wake(work.taker);
  world.settle();
  EXPECT_EQ(work.taker.got, std::vector<std::string>{"b0"});
  world.loop->run_for(2 * retry_ms);
  EXPECT_EQ(work.taker.got, (std::vector<std::string>{"b0", "a0"}));
  work.ack();
  work.ack();
  world.settle();
  EXPECT_EQ(work.taker.got, (std::vector<std::string>{"b0", "a0", "a1"}));
}

/// To a queue whose log is written at once: it does not fit before anybody knows that the disk is full.
class Burial final : public DeadLetters {
 public:
  explicit Burial(Queue& grave) : grave_(grave) {}
  bool bury(Queue&, const StoredRecord& record, Death, std::vector<uint64_t>&) override {
    return grave_.publish({.body = record.body()});
  }

 private:
  Queue& grave_;
};

TEST(queue_waits, a_dead_letter_that_has_no_space_holds_up_nobody_else) {
  SimQueues world;
  QueueSettings dying, unsynced;
  dying.dead_letter_exchange = "dlx";
  unsynced.durability = Durability::os;
  Served work(*world.host, 1, dying), other(*world.host, 2, {}), grave(*world.host, 3, unsynced);
  grave.taker.prefetch = 0;
  Burial burial(*grave.queue);
  world.host->dead_letters = &burial;
  for (const char* body : {"0", "1", "2"}) {
    work.publish(body);
    other.publish(body);
  }
  world.settle();
  uint64_t used = world.disk->used();
  world.disk->set_space(used);
  work.queue->reject(work.take_first());
  constexpr io::Millis a_while_ms = 50;
  world.loop->run_for(a_while_ms);
  ASSERT_TRUE(world.host->is_blocked());
  other.ack();
  work.ack();
  world.loop->run_for(a_while_ms);
  EXPECT_EQ(other.taker.got.size(), 2u);
  EXPECT_EQ(work.taker.got.size(), 3u);
  EXPECT_EQ(other.left(), 2);
  EXPECT_EQ(work.left(), 2) << "the dead letter is nowhere else";
  EXPECT_EQ(grave.left(), 1);  // in memory
  work.queue->reject(work.take_first());
  world.loop->run_for(a_while_ms);
  EXPECT_EQ(grave.left(), 1) << "more are not put into memory";
  world.disk->set_space(UINT64_MAX);
  world.loop->run_for(5000);
  EXPECT_FALSE(world.host->is_blocked());
  EXPECT_EQ(work.left(), 0);
  EXPECT_EQ(grave.left(), 2);
  world.host->dead_letters = nullptr;
}

}  // namespace
}  // namespace naru
