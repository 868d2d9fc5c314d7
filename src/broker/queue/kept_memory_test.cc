// What queues keep in memory of their messages stays below a limit, whatever is published while backlogs are read back.
#include "base/testing.h"
#include "broker/queue/sim_queues_testing.h"

namespace naru {
namespace {

constexpr size_t body_bytes = 16 * KiB;

/// Takes messages one after the other, in the order in which they were published.
class Reader final : public QueueConsumer {
 public:
  bool can_take() const override { return held.size() < 8; }
  void take(Queue&, const Delivery& delivery) override {
    auto number = load_le<uint32_t>(delivery.record.body().data());
    EXPECT_EQ(number, taken++);
    held.push_back(delivery.id);
  }
  void queue_gone(Queue&) override {}
  std::vector<MessageId> held;
  uint32_t taken = 0;
};

struct Busy {
  std::shared_ptr<Queue> queue;
  Reader reader;
  uint32_t published = 0;
};

void publish(Busy& busy) {
  Bytes body(body_bytes);
  store_le(body.data(), busy.published++);
  EXPECT_TRUE(busy.queue->publish({.body = body}));
}

void acknowledge(Busy& busy) {
  for (const MessageId& id : std::exchange(busy.reader.held, {})) busy.queue->settle(id);
  busy.queue->wake(busy.reader);
}

TEST(kept_memory, is_limited_while_backlogs_are_read_back) {
  SimQueues world;
  std::vector<Busy> all(4);
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].queue = std::make_shared<Queue>(*world.host, "q", std::vector<LevelIds>{{StreamId(i + 1), CursorId(i + 1)}},
                                           QueueSettings{});
    ASSERT_TRUE(all[i].queue->add(all[i].reader));
  }
  // More comes than is taken: 64 MiB in the end, a good part of which has to be read back meanwhile.
  constexpr uint32_t each = 1024;
  int64_t most = 0;
  for (uint32_t n = 0; n < each; ++n) {
    for (Busy& busy : all) publish(busy);
    if (n % 16 == 0)  // eight of sixteen
      for (Busy& busy : all) acknowledge(busy);
    world.loop->run_for(1);
    most = std::max(most, world.host->kept_bytes());
  }
  EXPECT_GT(most, 8 * MiB);  // it is used
  EXPECT_LT(most, 13 * MiB);
  for (int round = 0;
       round < 100'000 && !std::ranges::all_of(all, [](auto& busy) { return busy.reader.taken == each; }); ++round) {
    for (Busy& busy : all) acknowledge(busy);
    world.loop->run_for(1);
    EXPECT_LT(world.host->kept_bytes(), 13 * MiB);
  }
  for (Busy& busy : all) {
    acknowledge(busy);
    EXPECT_EQ(busy.reader.taken, each);
  }
  world.settle();
  // What was counted is what there is: at most the last run that each has read.
  EXPECT_GE(world.host->kept_bytes(), 0);
  EXPECT_LT(world.host->kept_bytes(), 2 * MiB);
  for (Busy& busy : all) busy.queue->erase();
  EXPECT_EQ(world.host->kept_bytes(), 0);
  world.settle();
}

}  // namespace
}  // namespace naru
