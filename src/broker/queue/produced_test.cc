// What Kafka's producers append to a queue, with their sequence numbers.
#include "base/testing.h"
#include "broker/queue/sim_queues_testing.h"
#include "log/batch_builder.h"

namespace naru {
namespace {

std::string produce(SimQueues& world, int32_t sequence) {
  BatchBuilder builder({.producer_id = 7, .producer_epoch = 0, .base_sequence = sequence});
  builder.add({.timestamp = 1000, .value = view("x")});
  Bytes batch = *builder.finish();
  auto appended = world.host->append_to_queue(StreamId(1), batch, *peek_header(batch), 1);
  world.settle();
  if (!appended) return appended.error().reason;
  return std::to_string(appended->base.value) + (appended->duplicate ? " again" : "");
}

TEST(produced, what_is_stored_is_told_its_offset_again_though_the_queue_is_full_by_now) {
  SimQueues world;
  QueueSettings settings;
  settings.max_length = 2;
  settings.overflow = Overflow::reject_publish;
  auto queue = std::make_shared<Queue>(*world.host, "q", std::vector<LevelIds>{{StreamId(1), CursorId(1)}}, settings);
  EXPECT_EQ(produce(world, 0), "0");
  EXPECT_EQ(produce(world, 1), "1");
  EXPECT_EQ(produce(world, 2), "the queue is full");
  EXPECT_EQ(produce(world, 1), "1 again");
  EXPECT_EQ(produce(world, 0), "0 again");
  EXPECT_EQ(produce(world, 2), "the queue is full");
}

}  // namespace
}  // namespace naru
