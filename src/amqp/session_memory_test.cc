// AMQP sessions with little memory.
#include <gtest/gtest.h>

#include "amqp/sim_broker_testing.h"
#include "amqp/sim_client_testing.h"

namespace naru::amqp {
namespace {

/// A message's beginning: the body comes later.
void announce(sim::SimConnection& on, uint16_t channel, uint64_t body_bytes) {
  Bytes bytes;
  append_method(bytes, channel, BasicPublish{.routing_key = "nowhere"});
  append_header(bytes, channel, body_bytes, Properties{});
  on.send(bytes);
}

TEST(session_memory, who_has_bodies_under_way_does_not_wait_in_line_behind_who_waits_for_them) {
  SimBroker broker(1, 8 * MiB);  // a budget of 2 MiB
  ASSERT_TRUE(broker.start());
  auto &first = broker.connect(), &second = broker.connect();
  SimClient one(first), other(second);
  std::map<uint16_t, uint64_t> bodies{{1, 1'000'000}, {2, 700'000}, {3, 70'000}};
  for (auto* client : {&one, &other}) client->log_in();
  for (const auto& [channel, bytes] : bodies) one.send(channel, ChannelOpen{});
  other.send(1, ChannelOpen{});
  auto run = [&] { broker.loop().run_for(1000); };
  run();
  announce(first, 1, bodies[1]);
  announce(first, 2, bodies[2]);
  run();
  announce(second, 1, 600'000);  // waits for one of the two
  run();
  EXPECT_TRUE(broker.core().budget.is_short());
  announce(first, 3, bodies[3]);  // there would be room for it
  for (const auto& [channel, bytes] : bodies) {
    Bytes rest;
    append_body(rest, channel, Bytes(bytes), 131072);
    first.send(rest);
  }
  Bytes rest;
  append_body(rest, 1, Bytes(600'000), 131072);
  second.send(rest);
  broker.loop().run_for(10'000);
  EXPECT_FALSE(first.is_closed());
  EXPECT_FALSE(second.is_closed());
  EXPECT_EQ(broker.core().budget.used(), 0u);
  EXPECT_EQ(broker.core().messages.received, 4u);
}

}  // namespace
}  // namespace naru::amqp
