// Where messages go that a queue gives up.
#include "amqp/sim_world_testing.h"

namespace naru::amqp {
namespace {

FieldTable dying(const char* exchange) { return FieldTable().add("x-dead-letter-exchange", exchange); }

/// Gets the message and rejects it.
void reject_one(SimWorld& world, const char* queue, io::Millis read_back_ms = 100) {
  world.say(BasicGet{.queue = queue});
  world.settle(read_back_ms);
  world.say(
      BasicReject{.delivery_tag = world.last(Method::basic_get_ok).as<BasicGetOk>().delivery_tag, .requeue = false});
  world.settle();
}

TEST(dead_letters, go_to_the_keys_of_blind_copies_too_and_do_not_tell_them) {
  SimWorld world;
  for (const char* queue : {"main", "copy", "blind"}) world.declare(queue);
  world.say(ExchangeDeclare{.exchange = "dlx", .type = "direct", .durable = true});
  for (const char* queue : {"main", "copy", "blind"})
    world.say(QueueBind{.queue = queue, .exchange = "dlx", .routing_key = queue});
  world.declare("q", dying("dlx"));
  world.say(QueueBind{.queue = "q", .exchange = "amq.fanout"});
  FieldArray copies, blind;
  copies.add("copy");
  blind.add("blind");
  FieldTable headers = FieldTable().add("CC", copies.view()).add("BCC", blind.view());
  world.send("amq.fanout", "main", {.headers = headers.view()});
  world.settle();
  world.crash();
  reject_one(world, "q");
  EXPECT_FALSE(world.last(Method::basic_get_ok).properties().headers->has("BCC"));
  for (const char* queue : {"main", "copy", "blind"}) {
    SCOPED_TRACE(queue);
    EXPECT_EQ(world.ready(queue), 1);
    world.say(BasicGet{.queue = queue, .no_ack = true});
    world.settle();
    FieldTableView table = *world.last(Method::basic_get_ok).properties().headers;
    EXPECT_FALSE(table.has("BCC"));
    FieldValue deaths = *table.find("x-death");
    FieldValue told = *(*deaths.array()->begin()).table()->find("routing-keys");
    std::vector<std::string_view> keys;
    FieldArrayView all = *told.array();
    for (const FieldValue& key : all) keys.push_back(*key.text());
    EXPECT_EQ(keys, (std::vector<std::string_view>{"main", "copy"}));
  }
}

TEST(dead_letters, that_are_kept_go_once_to_each_queue_that_takes_them) {
  SimWorld world;
  world.say(ExchangeDeclare{.exchange = "dlx", .type = "fanout", .durable = true});
  world.declare("open");
  world.declare("full", FieldTable().add("x-max-length", int32_t{1}).add("x-overflow", "reject-publish"));
  for (const char* queue : {"open", "full"}) world.say(QueueBind{.queue = queue, .exchange = "dlx"});
  world.declare("q", dying("dlx")
                         .add("x-queue-type", "quorum")
                         .add("x-dead-letter-strategy", "at-least-once")
                         .add("x-overflow", "reject-publish"));
  world.send("", "full");
  world.send("", "q");
  world.settle();
  reject_one(world, "q");
  constexpr io::Millis some_tries_ms = 5000;
  world.settle(some_tries_ms);
  EXPECT_EQ(world.ready("open"), 1);
  EXPECT_EQ(world.ready("full"), 1);
  const uint64_t& buried = world.broker().queues().dead_letters->buried[static_cast<size_t>(Death::rejected)];
  EXPECT_EQ(buried, 0u);
  world.say(QueuePurge{.queue = "full"});
  world.settle(some_tries_ms);
  EXPECT_EQ(world.ready("open"), 1);
  EXPECT_EQ(world.ready("full"), 1);
  auto counts = world.host().find_queue("q")->queue->counts();
  EXPECT_EQ(counts.ready + counts.unacked, 0);
  EXPECT_EQ(buried, 1u);
}

TEST(dead_letters, that_full_queues_give_up_come_to_each_queue_once) {
  SimWorld world;
  world.say(ExchangeDeclare{.exchange = "dlx", .type = "fanout", .durable = true});
  constexpr int queues = 60;  // 60! ways through all of them
  FieldTable full = dying("dlx").add("x-max-length", int32_t{1}).add("x-overflow", "reject-publish-dlx");
  for (int i = 0; i < queues; ++i) {
    std::string name = "full" + std::to_string(i);
    world.declare(name.c_str(), full);
    world.send("", name);
    world.settle(20);
    world.say(QueueBind{.queue = name, .exchange = "dlx"});
  }
  world.declare("last");
  world.say(QueueBind{.queue = "last", .exchange = "dlx"});
  world.send("", "full0");
  world.settle();
  EXPECT_TRUE(world.heard_of(Method::basic_nack));
  for (int i = 0; i < queues; ++i) EXPECT_EQ(world.ready(("full" + std::to_string(i)).c_str()), 1);
  EXPECT_GE(world.ready("last"), 1);
  EXPECT_LE(world.ready("last"), 2) << "from the first that refused it, and from another";
  world.send("", "last");
  world.settle();
  EXPECT_TRUE(world.heard_of(Method::basic_ack)) << "others are served";
}

TEST(dead_letters, pass_a_long_row_of_full_queues) {
  SimWorld world;
  for (int i = 0; i <= 20; ++i) {
    std::string name = "q" + std::to_string(i), next = "q" + std::to_string(i + 1);
    world.declare(name.c_str(), i == 20 ? FieldTable()
                                        : dying("")
                                              .add("x-dead-letter-routing-key", next)
                                              .add("x-max-length", int32_t{1})
                                              .add("x-overflow", "reject-publish-dlx"));
    if (i < 20) world.send("", name, {}, false, "first");
    world.settle(20);
  }
  FieldTable headers = FieldTable().add("h", std::string(3000, 'h'));
  world.send("", "q0", {.headers = headers.view()}, false, "passes");
  world.settle();
  ASSERT_EQ(world.ready("q20"), 1);
  world.say(BasicGet{.queue = "q20", .no_ack = true});
  world.settle();
  const Received& got = world.last(Method::basic_get_ok);
  EXPECT_EQ(text(got.body), "passes");
  FieldTableView table = *got.properties().headers;
  EXPECT_EQ(table.find("h")->text()->size(), 3000u);
  int deaths = 0;
  FieldArrayView all = *table.find("x-death")->array();
  for ([[maybe_unused]] const FieldValue& death : all) ++deaths;
  EXPECT_EQ(deaths, 20);
}

TEST(dead_letters, are_whole_also_behind_the_queue_that_they_come_from) {
  SimWorld world;
  const char* queues[] = {"x1", "x2", "x3", "q", "y1", "y2"};
  for (const char* queue : queues) {
    world.declare(queue, queue == std::string_view("q") ? dying("amq.fanout") : FieldTable());
    world.say(QueueBind{.queue = queue, .exchange = "amq.fanout"});
  }
  std::string body(10 * MiB, 'x');  // three make the queues keep no more
  for (size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>('a' + i / 1000 % 26);
  world.send("", "q", {}, false, body);
  world.settle(2000);
  ASSERT_EQ(world.ready("q"), 1);
  reject_one(world, "q", 2000);
  world.settle(5000);
  for (const char* queue : queues) {
    SCOPED_TRACE(queue);
    ASSERT_EQ(world.ready(queue), 1);
    world.say(BasicGet{.queue = queue, .no_ack = true});
    world.settle(2000);
    EXPECT_TRUE(text(world.last(Method::basic_get_ok).body) == body);
  }
}

TEST(dead_letters, that_are_thousands_at_once_come_in_their_order_and_do_not_stop_the_queue) {
  SimWorld world;
  world.declare("dead");
  world.declare("q", dying("").add("x-dead-letter-routing-key", "dead"));
  constexpr int count = 3000;
  std::string body(1000, 'x');
  for (int i = 0; i < count; ++i) world.send("", "q", {}, false, body + std::to_string(i));
  world.settle(1000);
  world.crash(/*power=*/false);  // nothing of it is in memory
  world.say(BasicConsume{.queue = "q"});
  world.settle(5000);
  ASSERT_EQ(world.count_of(Method::basic_deliver), count);
  world.say(BasicNack{.delivery_tag = 0, .multiple = true, .requeue = false});
  world.settle(2);
  EXPECT_LT(world.ready("dead"), count);
  world.send("", "q", {}, false, "served meanwhile");
  world.settle(20);
  EXPECT_LT(world.ready("dead"), count) << "or this says nothing";
  EXPECT_EQ(text(world.last(Method::basic_deliver).body), "served meanwhile");
  world.settle(5000);
  EXPECT_EQ(world.ready("dead"), count);
  world.heard.clear();
  world.say(BasicConsume{.queue = "dead", .no_ack = true});
  world.settle(5000);
  int next = 0;
  for (const Received& one : world.heard)
    if (one.method == Method::basic_deliver) EXPECT_EQ(text(one.body).substr(1000), std::to_string(next++));
  EXPECT_EQ(next, count);
}

TEST(dead_letters, what_is_purged_while_somebody_has_it_is_none_and_takes_no_room) {
  for (bool requeue : {true, false}) {
    SCOPED_TRACE(requeue);
    SimWorld world;
    world.declare("dead");
    world.declare("q", dying("")
                           .add("x-dead-letter-routing-key", "dead")
                           .add("x-max-length-bytes", int32_t{1500})
                           .add("x-overflow", "reject-publish"));
    std::string body(1000, 'x');
    world.send("", "q", {}, false, body);
    world.settle();
    world.say(BasicGet{.queue = "q"});
    world.settle();
    world.host().find_queue("q")->queue->clear();  // as SQS' PurgeQueue
    world.say(BasicNack{.delivery_tag = 1, .requeue = requeue});
    world.settle();
    EXPECT_EQ(world.ready("q"), 0);
    EXPECT_EQ(world.ready("dead"), 0);
    world.heard.clear();
    world.send("", "q", {}, false, body);
    world.settle();
    EXPECT_TRUE(world.heard_of(Method::basic_ack));
    EXPECT_EQ(world.ready("q"), 1);
  }
}

}  // namespace
}  // namespace naru::amqp
