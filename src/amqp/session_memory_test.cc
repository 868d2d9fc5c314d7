// AMQP sessions with little memory.
#include <deque>

#include "amqp/sim_broker_testing.h"
#include "amqp/sim_client_testing.h"
#include "base/testing.h"

namespace naru::amqp {
namespace {

void log_in(SimClient& client, std::initializer_list<uint16_t> channels) {
  client.log_in();
  for (uint16_t channel : channels) client.send(channel, ChannelOpen{});
}

/// A broker with a budget of 2 MiB, and a client that fills queues.
struct Fed {
  SimBroker broker{1, 8 * MiB};
  sim::SimConnection& feeder = started().connect();
  SimClient feeding{feeder};
  Fed() { log_in(feeding, {1}); }

 private:
  SimBroker& started() {
    CHECK(broker.start());
    return broker;
  }
};

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
  log_in(one, {1, 2, 3});
  log_in(other, {1});
  auto run = [&] { broker.loop().run_for(500); };
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

/// The first bytes of a body that is announced.
void begin_body(sim::SimConnection& on, uint16_t channel, size_t bytes) {
  Bytes begun;
  append_body(begun, channel, Bytes(bytes), 131072);
  on.send(begun);
}

TEST(session_memory, messages_without_an_end_on_many_channels_are_counted_and_limited) {
  SimBroker broker(1, 8 * MiB);  // a budget of 2 MiB
  ASSERT_TRUE(broker.start());
  auto &greedy = broker.connect(), &second = broker.connect();
  SimClient one(greedy), other(second);
  log_in(one, {});
  log_in(other, {1});
  uint64_t counted = 0;
  for (uint16_t channel = 1; channel <= 100; ++channel) {
    one.send(channel, ChannelOpen{});
    announce(greedy, channel, 60'000);
    begin_body(greedy, channel, 1);
    broker.loop().run_for(1);
    counted = std::max(counted, broker.core().budget.used());
  }
  EXPECT_GT(counted, 1'000'000u);
  EXPECT_LT(counted, 2 * MiB);
  auto heard = one.take();
  auto close = std::ranges::find(heard, Method::connection_close, &Received::method);
  ASSERT_NE(close, heard.end());
  EXPECT_EQ(close->as<ConnectionClose>().reply_code, 506);
  EXPECT_EQ(broker.core().budget.used(), 0u);
  other.publish(1, {.routing_key = "nowhere"}, {}, view("m"));
  broker.loop().run_for(100);
  EXPECT_FALSE(second.is_closed());
  EXPECT_EQ(broker.core().messages.received, 1u);
}

TEST(session_memory, who_does_not_go_on_gives_way_when_others_need_its_memory) {
  SimBroker broker(1, 8 * MiB);  // a budget of 2 MiB
  ASSERT_TRUE(broker.start());
  auto &large = broker.connect(), &half = broker.connect(), &quiet = broker.connect(), &needy = broker.connect();
  SimClient clients[] = {SimClient(large), SimClient(half), SimClient(quiet), SimClient(needy)};
  for (auto& client : clients) log_in(client, {1});
  announce(large, 1, 1'000'000);
  announce(half, 1, 1'000'000);
  begin_body(half, 1, 1);
  broker.loop().run_for(10'000);
  EXPECT_FALSE(large.is_closed() || half.is_closed()) << "nobody needs it";
  announce(needy, 1, 600'000);
  broker.loop().run_for(5'000);
  EXPECT_NE(large.is_closed(), half.is_closed()) << "one of them is enough";
  EXPECT_FALSE(quiet.is_closed()) << "it holds nothing";
  begin_body(needy, 1, 600'000);
  broker.loop().run_for(100);
  EXPECT_FALSE(needy.is_closed());
  EXPECT_EQ(broker.core().messages.received, 1u);
}

TEST(session_memory, who_waits_for_memory_may_end_while_others_are_closed) {
  for_each_seed(10, [](uint64_t seed) {
    SimBroker broker(seed, 8 * MiB);  // a budget of 2 MiB
    ASSERT_TRUE(broker.start());
    std::deque<SimClient> clients;
    std::vector<sim::SimConnection*> connections;
    for (int i = 0; i < 8; ++i) {
      connections.push_back(&broker.connect());
      log_in(clients.emplace_back(*connections.back()), {1});
      announce(*connections.back(), 1, 1'000'000);  // two have it
      broker.loop().run_for(10);
    }
    for (int i = 2; i < 8; ++i) connections[i]->hang_up();
    broker.loop().run_for(10);
    EXPECT_TRUE(broker.core().budget.is_short());
    [](SimBroker& it) -> io::Task<> {
      auto removed = co_await it.hosts().remove("/");
      EXPECT_TRUE(removed);
    }(broker)
                             .detach();
    broker.loop().run_for(10'000);
    EXPECT_EQ(broker.core().counters.connections, 0u);
    EXPECT_EQ(broker.core().budget.used(), 0u);
  });
}

TEST(session_memory, who_sends_a_byte_a_second_gives_way_when_others_need_its_memory) {
  SimBroker broker(1, 8 * MiB);  // a budget of 2 MiB
  ASSERT_TRUE(broker.start());
  auto &one = broker.connect(), &two = broker.connect(), &needy = broker.connect();
  SimClient clients[] = {SimClient(one), SimClient(two), SimClient(needy)};
  for (auto& client : clients) log_in(client, {1});
  for (auto* slow : {&one, &two}) announce(*slow, 1, 1'000'000);
  auto trickle = [&](int seconds) {
    for (int i = 0; i < seconds; ++i) {
      for (auto* slow : {&one, &two}) begin_body(*slow, 1, 1);
      broker.loop().run_for(1000);
    }
  };
  trickle(20);
  EXPECT_FALSE(one.is_closed() || two.is_closed()) << "nobody needs it";
  announce(needy, 1, 600'000);
  begin_body(needy, 1, 100'000);
  trickle(10);
  EXPECT_TRUE(one.is_closed() || two.is_closed());
  begin_body(needy, 1, 500'000);
  broker.loop().run_for(1000);
  EXPECT_EQ(broker.core().messages.received, 1u);
}

TEST(session_memory, who_reads_nothing_of_what_it_asked_for_is_counted_and_gives_way) {
  for (bool consumes : {false, true}) {
    Fed fed;
    auto& [broker, feeder, feeding] = fed;
    feeding.send(1, QueueDeclare{.queue = "q"});
    constexpr int messages = 20;
    for (int i = 0; i < messages; ++i) feeding.publish(1, {.routing_key = "q"}, {}, Bytes(900'000));
    broker.loop().run_for(5000);
    std::deque<SimClient> deaf;
    std::vector<sim::SimConnection*> connections;
    uint64_t most = 0;
    for (int i = 0; i < 10; ++i) {
      connections.push_back(&broker.connect());
      log_in(deaf.emplace_back(*connections.back()), {1});
      broker.loop().run_for(100);
      (void)deaf.back().take();
      connections.back()->set_window(100);
      if (consumes) {
        deaf.back().send(1, BasicConsume{.queue = "q"});
      } else {
        deaf.back().send(1, BasicGet{.queue = "q"});
      }
      broker.loop().run_for(100);
      most = std::max(most, broker.core().budget.used());
    }
    EXPECT_GT(most, 2 * MiB);
    EXPECT_LT(most, 6 * MiB) << "as much as there is, and what was found to be too much";
    for (int seconds = 0; seconds < 60; ++seconds) {
      broker.loop().run_for(1000);
      EXPECT_LT(broker.core().budget.used(), 6 * MiB);
    }
    EXPECT_TRUE(std::ranges::any_of(connections, &sim::SimConnection::is_closed));
    for (auto* connection : connections) connection->hang_up();
    broker.loop().run_for(1000);
    EXPECT_EQ(broker.core().budget.used(), 0u);
    feeding.send(1, BasicConsume{.queue = "q", .no_ack = true});
    broker.loop().run_for(5000);
    auto heard = feeding.take();
    EXPECT_EQ(std::ranges::count(heard, Method::basic_deliver, &Received::method), messages);
  }
}

TEST(session_memory, a_get_that_waits_for_memory_loses_nothing_when_its_client_or_its_channel_goes) {
  for (bool client_goes : {true, false}) {
    SCOPED_TRACE(client_goes);
    Fed fed;
    auto& [broker, feeder, feeding] = fed;
    feeding.send(1, QueueDeclare{.queue = "q"});
    FieldTable impatient = FieldTable().add("x-consumer-timeout", int32_t{2000});
    feeding.send(1, QueueDeclare{.queue = "brief", .arguments = impatient.view()});
    constexpr int messages = 4;
    for (int i = 0; i < messages; ++i) feeding.publish(1, {.routing_key = "q"}, {}, Bytes(900'000));
    feeding.publish(1, {.routing_key = "brief"}, {}, view("m"));
    broker.loop().run_for(5000);
    auto& waiting = broker.connect();
    SimClient getter(waiting);
    log_in(getter, {1, 2});
    getter.send(1, BasicConsume{.queue = "brief"});
    broker.loop().run_for(100);
    std::vector<sim::SimConnection*> deaf;
    for (int i = 0; i < messages - 1; ++i) {
      deaf.push_back(&broker.connect());
      SimClient client(*deaf.back());
      log_in(client, {1});
      broker.loop().run_for(100);
      (void)client.take();
      deaf.back()->set_window(100);
      client.send(1, BasicGet{.queue = "q"});
      broker.loop().run_for(100);
    }
    ASSERT_TRUE(broker.core().budget.is_overdrawn());
    auto ready = [&] { return broker.host().find_queue("q")->queue->counts().ready; };
    getter.send(1, BasicGet{.queue = "q"});
    broker.loop().run_for(100);
    EXPECT_EQ(ready(), 1) << "it waits";
    if (client_goes) {
      waiting.hang_up();
      broker.loop().run_for(100);
      EXPECT_TRUE(waiting.is_closed());
    } else {
      broker.loop().run_for(4000);  // the consumer on its channel has kept its message for too long
    }
    for (auto* connection : deaf) connection->hang_up();
    broker.loop().run_for(5000);
    EXPECT_EQ(ready(), messages);
    EXPECT_EQ(broker.core().budget.used(), 0u);
    if (client_goes) continue;
    getter.send(2, BasicGet{.queue = "q"});
    broker.loop().run_for(5000);
    auto heard = getter.take();
    EXPECT_EQ(std::ranges::count(heard, Method::channel_close, &Received::method), 1);
    auto got = std::ranges::find(heard, Method::basic_get_ok, &Received::method);
    ASSERT_NE(got, heard.end()) << "another channel goes on";
    EXPECT_EQ(got->channel, 2);
    EXPECT_EQ(std::ranges::count(heard, Method::basic_get_ok, &Received::method), 1);
  }
}

TEST(session_memory, who_has_a_body_under_way_that_has_no_reservation_does_not_wait_in_line_either) {
  SimBroker broker(1, 8 * MiB);  // a budget of 2 MiB
  ASSERT_TRUE(broker.start());
  auto &one = broker.connect(), &two = broker.connect(), &third = broker.connect();
  SimClient clients[] = {SimClient(one), SimClient(two), SimClient(third)};
  log_in(clients[0], {1, 2, 3});
  log_in(clients[1], {1, 2, 3});
  log_in(clients[2], {1});
  sim::SimConnection* both[] = {&one, &two};
  auto all = [&](auto&& does) {
    for (auto* connection : both) does(*connection);
    broker.loop().run_for(100);
  };
  all([](auto& on) { announce(on, 1, 1'000'000); });
  all([](auto& on) { announce(on, 2, 900'000); });      // there is none left for it
  all([](auto& on) { begin_body(on, 1, 1'000'000); });  // it has its end
  EXPECT_EQ(broker.core().messages.received, 2u);
  all([](auto& on) { begin_body(on, 2, 850'000); });
  all([](auto& on) { announce(on, 3, 300'000); });
  all([](auto& on) { begin_body(on, 2, 50'000), begin_body(on, 3, 300'000); });
  announce(third, 1, 500'000);
  begin_body(third, 1, 500'000);
  broker.loop().run_for(1000);
  EXPECT_FALSE(one.is_closed() || two.is_closed() || third.is_closed());
  EXPECT_EQ(broker.core().messages.received, 7u);
  EXPECT_EQ(broker.core().budget.used(), 0u);
}

TEST(session_memory, who_trickles_gives_way_soon_however_long_it_waited_for_its_turn) {
  SimBroker broker(1, 8 * MiB);  // a budget of 2 MiB
  ASSERT_TRUE(broker.start());
  std::deque<SimClient> clients;
  std::vector<sim::SimConnection*> slow;
  for (int i = 0; i < 10; ++i) {
    slow.push_back(&broker.connect());
    log_in(clients.emplace_back(*slow.back()), {1});
    announce(*slow.back(), 1, 1'000'000);  // two at a time
  }
  auto& needy = broker.connect();
  log_in(clients.emplace_back(needy), {1});
  broker.loop().run_for(100);
  announce(needy, 1, 600'000);
  begin_body(needy, 1, 600'000);
  int seconds = 0;
  while (broker.core().messages.received == 0 && seconds < 300) {
    for (auto* connection : slow) begin_body(*connection, 1, 1);
    broker.loop().run_for(1000);
    ++seconds;
  }
  EXPECT_LT(seconds, 60);
}

TEST(session_memory, a_get_without_memory_is_refused_in_the_end_and_a_message_begun_is_no_way_around) {
  for (bool begins : {false, true}) {
    SCOPED_TRACE(begins);
    Fed fed;
    auto& [broker, feeder, feeding] = fed;
    for (const char* queue : {"q", "empty"}) feeding.send(1, QueueDeclare{.queue = queue});
    constexpr int messages = 12;
    for (int i = 0; i < messages; ++i) feeding.publish(1, {.routing_key = "q"}, {}, Bytes(900'000));
    feeding.publish(1, {.routing_key = "empty"}, {}, Bytes(900'000));
    broker.loop().run_for(5000);
    feeding.send(1, BasicGet{.queue = "empty", .no_ack = true});
    broker.loop().run_for(1000);
    (void)feeding.take();
    std::deque<SimClient> clients;
    std::vector<sim::SimConnection*> slow;
    constexpr uint64_t slowly = 20'000;  // bytes a second: slow, and not deaf
    uint64_t most = 0;
    auto run = [&](io::Millis ms) {
      broker.loop().run_for(ms);
      most = std::max(most, broker.core().budget.used());
    };
    for (int i = 0; i < messages; ++i) {
      slow.push_back(&broker.connect());
      log_in(clients.emplace_back(*slow.back()), {1, 2});
      run(100);
      (void)clients.back().take();
      slow.back()->set_window(slowly);
      if (begins) announce(*slow.back(), 2, 10);  // and never more
      clients.back().send(1, BasicGet{.queue = "q"});
      run(100);
    }
    ASSERT_TRUE(broker.core().budget.is_overdrawn());
    feeding.send(1, BasicGet{.queue = "empty"});
    broker.loop().run_for(100);
    auto answers = feeding.take();
    EXPECT_EQ(std::ranges::count(answers, Method::basic_get_empty, &Received::method), 1) << "that takes no memory";
    int refused = 0;
    for (int seconds = 0; seconds < 70; ++seconds) {
      run(1000);
      for (auto& client : clients) {
        for (const Received& one : client.take(slowly)) {
          if (one.method != Method::channel_close) continue;
          ++refused;
          EXPECT_EQ(one.as<ChannelClose>().reply_code, 311);
        }
      }
    }
    EXPECT_LT(most, 4 * MiB);
    auto closed = std::ranges::count_if(slow, &sim::SimConnection::is_closed);
    EXPECT_EQ(closed > 0, begins) << "only of those who do not go on";
    EXPECT_GT(refused + closed, 0);
    auto counts = broker.host().find_queue("q")->queue->counts();
    EXPECT_EQ(counts.ready + counts.unacked, messages);
  }
}

TEST(session_memory, who_reads_slowly_and_steadily_stays_and_lets_others_in) {
  Fed fed;
  auto& [broker, feeder, feeding] = fed;
  feeding.send(1, QueueDeclare{.queue = "q"});
  for (int i = 0; i < 600; ++i) feeding.publish(1, {.routing_key = "q"}, {}, Bytes(60'000));
  broker.loop().run_for(10'000);
  std::deque<SimClient> clients;
  std::vector<sim::SimConnection*> slow;
  for (int i = 0; i < 8; ++i) {
    slow.push_back(&broker.connect());
    log_in(clients.emplace_back(*slow.back()), {1});
    broker.loop().run_for(100);
    (void)clients.back().take();
    slow.back()->set_window(60'000);
    clients.back().send(1, BasicConsume{.queue = "q", .no_ack = true});
    broker.loop().run_for(100);
  }
  EXPECT_TRUE(broker.core().budget.is_overdrawn());
  uint64_t before = broker.core().messages.received;
  std::vector<int> got(clients.size());
  auto run = [&](int seconds) {
    for (int i = 0; i < 4 * seconds; ++i) {
      for (size_t c = 0; c < clients.size(); ++c)
        for (const Received& one : clients[c].take(15'000)) got[c] += one.method == Method::basic_deliver;
      broker.loop().run_for(250);
    }
  };
  for (int round = 0; round < 5; ++round) {
    announce(feeder, 1, 1'000'000);
    begin_body(feeder, 1, 1'000'000);
    run(15);
    EXPECT_EQ(broker.core().messages.received, before + 1 + static_cast<uint64_t>(round));
  }
  EXPECT_FALSE(std::ranges::any_of(slow, &sim::SimConnection::is_closed));
  EXPECT_TRUE(std::ranges::all_of(got, [](int count) { return count > 10; }));
}

}  // namespace
}  // namespace naru::amqp
