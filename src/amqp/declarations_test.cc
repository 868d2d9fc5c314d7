// What is declared, bound and sent while something of that name is being declared or deleted: whoever was told that it
// is done finds it done, at once and after a crash.
#include "amqp/sim_world_testing.h"

namespace naru::amqp {
namespace {

/// Two queues and an exchange, and changes that are under way.
class World : public SimWorld {
 public:
  explicit World(uint64_t seed = 1) : SimWorld(seed) {
    declare("q");
    declare("other");
    say(ExchangeDeclare{.exchange = "x", .type = "fanout", .durable = true});
    say(QueueBind{.queue = "other", .exchange = "x"});
    settle();
    heard.clear();
  }

  /// Begun, not durable: that takes turns of the loop.
  struct Change {
    bool done = false;
  };
  using Deletion = Change;
  void delete_queue(const char* name, Deletion& deletion) {
    finish(hosts().delete_queue(host(), name), deletion).detach();
  }
  void delete_exchange(const char* name, Deletion& deletion) {
    finish(hosts().delete_exchange(host(), name), deletion).detach();
  }
  void declare_queue(const char* name, Change& change) {
    finish(hosts().declare_queue(host(), {.name = name, .durable = true}), change).detach();
  }
  void declare_exchange(const char* name, Change& change) {
    finish(hosts().declare_exchange(host(), {.name = name, .durable = true}), change).detach();
  }
  void bind(const char* from, const char* to, Change& change) {
    finish(hosts().bind(host(), {.source = from, .to_queue = true, .destination = to, .key = "", .arguments = {}}),
           change)
        .detach();
  }
  void unbind(const char* from, const char* to, Change& change) {
    finish(hosts().unbind(host(), {.source = from, .to_queue = true, .destination = to, .key = "", .arguments = {}}),
           change)
        .detach();
  }
  /// Goes on until it is durable, and no client hears of it before.
  void wait_for(const Change& change, Method answer) {
    while (!change.done) {
      hear();
      EXPECT_FALSE(!change.done && heard_of(answer));
      broker().loop().turn();
    }
    settle();
    EXPECT_TRUE(heard_of(answer));
  }

 private:
  template <class T>
  static io::Task<> finish(io::Task<Result<T>> changing, Change& change) {
    auto changed = co_await changing;
    EXPECT_TRUE(changed);
    change.done = true;
  }
};

TEST(declarations, a_queue_declared_while_it_is_deleted_is_a_new_one) {
  World world;
  World::Deletion deletion;
  world.delete_queue("q", deletion);
  ASSERT_FALSE(deletion.done);
  world.declare("q");
  world.send("", "q");
  world.settle();
  EXPECT_TRUE(deletion.done);
  EXPECT_TRUE(world.heard_of(Method::queue_declare_ok));
  EXPECT_TRUE(world.heard_of(Method::basic_ack));
  EXPECT_EQ(world.ready("q"), 1);
  world.crash();
  EXPECT_EQ(world.ready("q"), 1);
}

TEST(declarations, an_auto_delete_queue_declared_when_its_last_consumer_left_keeps_what_it_gets) {
  World world;
  world.say(QueueDeclare{.queue = "auto", .durable = true, .auto_delete = true});
  world.say(BasicConsume{.queue = "auto", .consumer_tag = "c"});
  world.settle();
  world.say(BasicCancel{.consumer_tag = "c"});
  world.say(QueueDeclare{.queue = "auto", .durable = true, .auto_delete = true});
  world.send("", "auto");
  world.settle();
  EXPECT_TRUE(world.heard_of(Method::basic_ack));
  EXPECT_EQ(world.ready("auto"), 1);
}

TEST(declarations, an_exchange_declared_while_it_is_deleted_is_a_new_one) {
  World world;
  World::Deletion deletion;
  world.delete_exchange("x", deletion);
  world.say(ExchangeDeclare{.exchange = "x", .type = "direct", .durable = true});
  world.settle();
  EXPECT_TRUE(deletion.done);
  EXPECT_TRUE(world.heard_of(Method::exchange_declare_ok));
  ASSERT_TRUE(world.host().find_exchange("x"));
  EXPECT_EQ(world.host().find_exchange("x")->definition.type, ExchangeType::direct);
  EXPECT_TRUE(world.host().bindings().empty());
  world.crash();
  ASSERT_TRUE(world.host().find_exchange("x"));
  EXPECT_EQ(world.host().find_exchange("x")->definition.type, ExchangeType::direct);
}

TEST(declarations, nothing_is_bound_to_what_is_being_deleted) {
  World world;
  World::Deletion of_queue, of_exchange;
  world.delete_queue("q", of_queue);
  world.say(QueueBind{.queue = "q", .exchange = "amq.fanout"});
  world.settle();
  EXPECT_TRUE(world.heard_of(Method::channel_close));
  world.say(ChannelOpen{}, 2);
  world.delete_exchange("x", of_exchange);
  world.say(QueueBind{.queue = "other", .exchange = "x", .routing_key = "k"}, 2);
  world.settle();
  EXPECT_EQ(world.count_of(Method::channel_close), 2);
  EXPECT_TRUE(world.host().bindings().empty());
}

TEST(declarations, who_deletes_again_waits_until_it_is_deleted_for_good) {
  World world;
  World::Deletion first, second, of_exchange, again;
  world.delete_queue("q", first);
  world.delete_queue("q", second);
  world.delete_exchange("x", of_exchange);
  world.delete_exchange("x", again);
  EXPECT_FALSE(second.done);
  EXPECT_FALSE(again.done);
  world.say(QueueDelete{.queue = "q"});
  world.say(ExchangeDelete{.exchange = "x"});
  while (!first.done || !of_exchange.done) {
    world.hear();
    EXPECT_FALSE(!first.done && (second.done || world.heard_of(Method::queue_delete_ok)));
    EXPECT_FALSE(!of_exchange.done && (again.done || world.heard_of(Method::exchange_delete_ok)));
    world.broker().loop().turn();
  }
  world.settle();
  EXPECT_TRUE(first.done && second.done && of_exchange.done && again.done);
  EXPECT_TRUE(world.heard_of(Method::queue_delete_ok) && world.heard_of(Method::exchange_delete_ok));
  world.crash();
  EXPECT_EQ(world.ready("q"), -1);
  EXPECT_FALSE(world.host().find_exchange("x"));
}

TEST(declarations, who_unbinds_from_what_is_being_deleted_waits_as_well) {
  World world;
  World::Deletion deletion;
  world.delete_exchange("x", deletion);
  bool unbound = false;
  [](World& all, bool& done) -> io::Task<> {
    Binding binding{.source = "x", .destination = "other", .key = "", .arguments = {}};
    auto unbinding = all.hosts().unbind(all.host(), std::move(binding));
    auto result = co_await unbinding;
    EXPECT_TRUE(result);
    done = true;
  }(world, unbound)
                                    .detach();
  EXPECT_FALSE(unbound);
  world.settle();
  EXPECT_TRUE(unbound);
}

TEST(declarations, what_is_being_deleted_gets_no_messages) {
  World world;
  FieldTable arguments;
  arguments.add("alternate-exchange", "x");
  world.say(ExchangeDeclare{.exchange = "y", .type = "fanout", .durable = true, .arguments = arguments.view()});
  world.say(QueueBind{.queue = "q", .exchange = "y"});
  world.settle();
  World::Deletion deletion;
  world.delete_queue("q", deletion);
  world.send("", "q", {}, /*mandatory=*/true);
  world.send("y", "");
  world.settle();
  EXPECT_TRUE(world.heard_of(Method::basic_return));
  EXPECT_EQ(world.ready("other"), 1);
}

TEST(declarations, who_declares_again_waits_until_it_is_there_for_good) {
  World world;
  World::Change of_queue, of_exchange, of_binding;
  world.declare_queue("new", of_queue);
  while (!world.host().find_queue("new")) world.broker().loop().turn();
  world.declare("new");
  world.wait_for(of_queue, Method::queue_declare_ok);
  world.declare_exchange("y", of_exchange);
  world.say(ExchangeDeclare{.exchange = "y", .type = "direct", .durable = true});
  world.wait_for(of_exchange, Method::exchange_declare_ok);
  world.bind("y", "new", of_binding);
  world.say(QueueBind{.queue = "new", .exchange = "y"});
  world.wait_for(of_binding, Method::queue_bind_ok);
  world.crash();
  EXPECT_TRUE(world.host().find_queue("new") && world.host().find_exchange("y"));
  EXPECT_EQ(world.host().bindings().size(), 2u);
}

TEST(declarations, a_channel_that_a_timer_closes_meanwhile_is_not_closed_again) {
  World world;
  FieldTable arguments;
  arguments.add("x-consumer-timeout", 3'600'000);
  world.say(BasicConsume{.queue = "q", .consumer_tag = "slow", .arguments = arguments.view()});
  world.send("", "q");
  world.settle();
  ASSERT_TRUE(world.heard_of(Method::basic_deliver));
  // What it declares is there when its turn comes, and is something else.
  World::Deletion deletion;
  World::Change other;
  world.delete_exchange("x", deletion);
  world.declare_exchange("x", other);
  uint64_t before = world.broker().core().counters.requests;
  world.say(ExchangeDeclare{.exchange = "x", .type = "topic", .durable = true});
  while (world.broker().core().counters.requests == before) world.broker().loop().turn();
  ASSERT_FALSE(other.done);
  Channel& channel = *(*world.broker().door().sessions.begin())->channels().at(1);
  channel.timed_out(*channel.consumers().at("slow"));
  world.settle();
  EXPECT_TRUE(other.done);
  EXPECT_EQ(world.count_of(Method::channel_close), 1);
  EXPECT_FALSE(world.heard_of(Method::exchange_declare_ok));
  EXPECT_EQ(world.ready("q"), 1);
}

TEST(declarations, what_is_bound_between_two_that_unbind_it_is_bound_now_and_after_a_crash) {
  for_each_seed(20, [](uint64_t seed) {
    World world(seed);
    World::Change first, second, bound;
    auto written = [&] { return world.broker().loop().jobs(io::Lane::journal); };
    uint64_t before = written();
    world.unbind("x", "other", first);
    while (written() == before) world.broker().loop().turn();
    world.unbind("x", "other", second);  // too late for the write of the first one
    while (!first.done) world.broker().loop().turn();
    world.bind("x", "other", bound);
    world.settle();
    ASSERT_TRUE(second.done && bound.done);
    EXPECT_EQ(world.host().bindings().size(), 1u);
    world.crash();
    EXPECT_EQ(world.host().bindings().size(), 1u);
  });
}

TEST(declarations, a_queue_that_expires_stays_if_a_consumer_comes_at_that_moment) {
  World world;
  world.declare("brief", FieldTable().add("x-expires", int32_t{1000}));
  world.settle();
  DeclaredQueue* queue = world.host().find_queue("brief");
  ASSERT_TRUE(queue);
  io::Millis due = queue->expiry->deadline();
  io::Timer first(world.broker().loop(), [&] { world.host().find_queue("brief")->queue->last_used_ms = due; });
  first.arm(due);  // it is used in the turn in which its time is over
  world.settle(1500);
  EXPECT_TRUE(world.host().find_queue("brief"));
  world.settle(1500);
  EXPECT_FALSE(world.host().find_queue("brief"));
}

}  // namespace
}  // namespace naru::amqp
