// A standard queue from end to end, on a simulated disk and clock.
#include "sqs/engine_testing.h"

namespace naru::sqs {
namespace {

TEST(standard, a_message_is_received_and_deleted) {
  World world;
  auto queue = world.make("q");
  AttributeView attributes[] = {{"kind", "String", "order"}, {"n", "Number.int", "7"}, {"raw", "Binary", "\xff\x01"}};
  Outgoing message{.body = "hello", .attributes = attributes, .trace = "Root=1", .sender = "ann"};
  Sent sent = world.send(*queue, message);
  EXPECT_EQ(sent.message_id.size(), 36u);
  EXPECT_EQ(queue->counts().visible, 1);
  auto got = world.receive(*queue);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].body, "hello");
  EXPECT_EQ(got[0].message_id, sent.message_id);
  EXPECT_EQ(got[0].trace, "Root=1");
  EXPECT_EQ(got[0].sender, "ann");
  EXPECT_EQ(got[0].group, std::nullopt);
  EXPECT_EQ(got[0].receive_count, 1u);
  EXPECT_EQ(got[0].first_received_ms, world.loop().wall());
  ASSERT_EQ(got[0].attributes.size(), 3u);
  EXPECT_EQ(got[0].attributes[1].name + got[0].attributes[1].type + got[0].attributes[1].value, "nNumber.int7");
  EXPECT_EQ(got[0].attributes[2].type + got[0].attributes[2].value, "Binary\xff\x01");
  EXPECT_EQ(queue->counts().in_flight, 1);
  EXPECT_TRUE(world.receive(*queue).empty());
  EXPECT_TRUE(world.remove(*queue, got[0].receipt));
  EXPECT_TRUE(world.remove(*queue, got[0].receipt)) << "repeating it succeeds";
  EXPECT_EQ(queue->counts().in_flight + queue->counts().visible, 0);
  world.pass(60'000);
  EXPECT_TRUE(world.receive(*queue).empty());
}

TEST(standard, visibility_ends_is_extended_and_cut_short) {
  World world;
  auto queue = world.make("q", {.visibility = 10});
  world.send(*queue, "a");
  auto first = world.receive(*queue);
  world.pass(9'000);
  EXPECT_TRUE(world.receive(*queue).empty());
  EXPECT_TRUE(world.change(*queue, first[0].receipt, 20));
  world.pass(19'000);
  EXPECT_TRUE(world.receive(*queue).empty());
  world.pass(2'000);
  EXPECT_EQ(queue->counts().visible, 1);
  auto second = world.receive(*queue);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].receive_count, 2u);
  EXPECT_EQ(second[0].first_received_ms, first[0].first_received_ms);
  EXPECT_NE(second[0].receipt, first[0].receipt);
  EXPECT_TRUE(world.change(*queue, first[0].receipt, 0)) << "an old receipt changes nothing";
  EXPECT_TRUE(world.receive(*queue).empty());
  EXPECT_TRUE(world.change(*queue, second[0].receipt, 0));
  EXPECT_EQ(world.receive(*queue)[0].receive_count, 3u);
  EXPECT_TRUE(world.remove(*queue, first[0].receipt)) << "an old receipt deletes";
  world.pass(60'000);
  EXPECT_TRUE(world.receive(*queue).empty());
  EXPECT_EQ(world.change(*queue, second[0].receipt, 5).error(), Problem::not_available);
}

TEST(standard, a_change_after_the_end_holds_it_again) {
  World world;
  auto queue = world.make("q", {.visibility = 2});
  world.send(*queue, "a");
  auto got = world.receive(*queue);
  world.pass(3'000);
  EXPECT_EQ(queue->counts().visible, 1);
  EXPECT_TRUE(world.change(*queue, got[0].receipt, 30));
  EXPECT_EQ(queue->counts().in_flight, 1);
  EXPECT_TRUE(world.receive(*queue).empty());
  world.pass(31'000);
  EXPECT_EQ(world.receive(*queue)[0].receive_count, 2u);
}

TEST(standard, twelve_hours_in_all) {
  World world;
  auto queue = world.make("q");
  world.send(*queue, "a");
  auto got = world.receive(*queue, ReceiveRequest{.visibility = 43'200});
  EXPECT_TRUE(world.change(*queue, got[0].receipt, 43'200));
  world.pass(3'600'000);
  EXPECT_TRUE(world.change(*queue, got[0].receipt, 39'600));
  EXPECT_EQ(world.change(*queue, got[0].receipt, 39'601).error(), Problem::visibility_too_long);
}

TEST(standard, a_receive_for_no_time_leaves_it_there_and_counts) {
  World world;
  auto queue = world.make("q");
  world.send(*queue, "a");
  for (uint32_t n = 1; n <= 3; ++n) {
    auto got = world.receive(*queue, ReceiveRequest{.max = 10, .visibility = 0});
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].receive_count, n);
  }
  world.pass(20);  // nobody waits for what is noted of a receive
  world.crash(false);
  EXPECT_EQ(world.receive(*world.engine().find("q"))[0].receive_count, 4u) << "counts survive";
}

TEST(standard, delays_of_queue_and_message) {
  World world;
  auto queue = world.make("q", {.delay = 5});
  world.send(*queue, "late");
  world.send(*queue, {.body = "now", .delay = 0});
  world.send(*queue, {.body = "later", .delay = 900});
  EXPECT_EQ(queue->counts().delayed, 2);
  EXPECT_EQ(World::bodies(world.receive(*queue)), "now");
  world.pass(5'100);
  EXPECT_EQ(queue->counts().visible, 1);
  EXPECT_EQ(World::bodies(world.receive(*queue)), "late");
  world.pass(20);
  world.crash(true);
  queue = world.engine().find("q");
  EXPECT_EQ(queue->counts().delayed, 1) << "a delay survives a crash";
  EXPECT_EQ(World::bodies(world.receive(*queue)), "") << "and so does the time of those in flight";
  EXPECT_EQ(queue->counts().in_flight, 2);
  world.pass(900'000);
  EXPECT_EQ(World::bodies(world.receive(*queue)), "late now later");
}

TEST(standard, a_long_poll_gets_the_message_when_it_comes) {
  World world;
  auto queue = world.make("q");
  auto first = queue->receive({.wait = 20}, nullptr);
  auto second = queue->receive({.wait = 20}, nullptr);
  world.pass(5'000);
  EXPECT_FALSE(first.done() || second.done());
  auto at = world.loop().now();
  world.send(*queue, "a");
  world.pass(20);
  ASSERT_TRUE(first.done());
  EXPECT_FALSE(second.done()) << "one message wakes one";
  EXPECT_LE(world.loop().now() - at, 40);
  auto got = first.take();
  EXPECT_EQ(World::bodies(*got), "a");
  EXPECT_TRUE(world.change(*queue, (*got)[0].receipt, 0));
  world.pass(5);
  ASSERT_TRUE(second.done()) << "what is given back wakes, too";
  EXPECT_EQ(World::bodies(*second.take()), "a");
  auto third = queue->receive({.wait = 3}, nullptr);
  world.pass(2'990);
  EXPECT_FALSE(third.done());
  world.pass(20);
  ASSERT_TRUE(third.done());
  EXPECT_TRUE(third.take()->empty());
}

TEST(standard, who_hung_up_gets_nothing) {
  World world;
  auto queue = world.make("q");
  auto poll = std::make_shared<Poll>();
  auto gone = queue->receive({.wait = 20}, poll);
  world.pass(100);
  poll->cancel();
  world.pass(1);
  ASSERT_TRUE(gone.done());
  EXPECT_TRUE(gone.take()->empty());
  world.send(*queue, "a");
  auto got = world.receive(*queue);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].receive_count, 1u);
  queue->give_back(got);
  got = world.receive(*queue);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].receive_count, 1u) << "as if nobody had had it";
}

TEST(standard, many_delayed_messages_hold_up_no_other_of_a_fair_queue) {
  World world;
  auto queue = world.make("q");
  world.send(*queue, {.body = "first", .group = "g"});
  for (int i = 0; i < 4200; ++i) world.send(*queue, {.body = "later", .delay = 900, .group = "g"});
  world.send(*queue, {.body = "now", .group = "h"});
  EXPECT_EQ(World::bodies(world.receive(*queue)), "first now");
  world.pass(901'000);
  EXPECT_EQ(world.receive(*queue).size(), 10u);
}

TEST(standard, a_purge_forgets_who_had_much) {
  World world;
  auto queue = world.make("q");
  for (int i = 0; i < 40; ++i) world.send(*queue, {.body = "old", .group = "noisy"});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(world.receive(*queue).size(), 10u);
  EXPECT_TRUE(world.wait(queue->purge()));
  world.send(*queue, {.body = "noisy", .group = "noisy"});
  world.send(*queue, {.body = "other", .group = "other"});
  EXPECT_EQ(World::bodies(world.receive(*queue, 1)), "noisy") << "nothing of it is in flight";
}

TEST(standard, a_fair_queue_counts_what_was_deleted_while_it_waited) {
  World world;
  auto queue = world.make("q", {.visibility = 1});
  for (const char* body : {"a", "b"}) world.send(*queue, {.body = body, .group = "g"});
  auto got = world.receive(*queue);
  ASSERT_EQ(got.size(), 2u);
  world.pass(2000);
  auto again = world.receive(*queue, 1);
  ASSERT_EQ(World::bodies(again), "a");
  EXPECT_TRUE(world.remove(*queue, got[1].receipt));
  EXPECT_EQ(queue->counts().visible, 0);
  EXPECT_EQ(queue->counts().in_flight, 1);
  EXPECT_TRUE(world.remove(*queue, again[0].receipt));
  EXPECT_EQ(queue->counts().visible, 0);
  EXPECT_EQ(queue->counts().in_flight, 0);
  EXPECT_TRUE(world.receive(*queue).empty());
}

TEST(standard, receipts_are_of_one_queue_and_cannot_be_made) {
  World world;
  auto queue = world.make("q"), other = world.make("other");
  world.send(*queue, "a");
  auto got = world.receive(*queue);
  EXPECT_EQ(world.remove(*other, got[0].receipt).error(), Problem::receipt_invalid);
  EXPECT_EQ(world.remove(*queue, "garbage").error(), Problem::receipt_invalid);
  for (size_t i = 0; i < got[0].receipt.size() - 2; ++i) {
    std::string forged = got[0].receipt;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(world.remove(*queue, forged).error(), Problem::receipt_invalid) << i;
  }
  world.restart();
  queue = world.engine().find("q");
  EXPECT_EQ(queue->counts().in_flight, 1);
  EXPECT_TRUE(world.change(*queue, got[0].receipt, 100)) << "good after a restart";
  world.pass(60'000);
  EXPECT_TRUE(world.receive(*queue).empty());
  EXPECT_TRUE(world.remove(*queue, got[0].receipt));
  EXPECT_EQ(queue->counts().in_flight, 0);
}

TEST(standard, a_purge_takes_all) {
  World world;
  auto queue = world.make("q");
  for (const char* body : {"a", "b", "c"}) world.send(*queue, body);
  world.send(*queue, {.body = "d", .delay = 1});
  world.receive(*queue, 1);
  EXPECT_TRUE(world.wait(queue->purge()));
  EXPECT_EQ(world.wait(queue->purge()).error(), Problem::purged_recently);
  world.crash(true);
  queue = world.engine().find("q");
  world.pass(60'000);
  EXPECT_TRUE(world.receive(*queue).empty());
  auto counts = queue->counts();
  EXPECT_EQ(counts.visible + counts.in_flight + counts.delayed, 0);
}

TEST(standard, messages_get_too_old) {
  World world;
  auto queue = world.make("q", {.retention = 3600});
  world.send(*queue, "a");
  world.pass(3'590'000);
  EXPECT_EQ(queue->counts().visible, 1);
  world.pass(20'000);
  EXPECT_EQ(queue->counts().visible, 0);
  EXPECT_TRUE(world.receive(*queue).empty());
  world.send(*queue, "b");
  Attributes changed = queue->attributes();
  changed.retention = 60;
  EXPECT_TRUE(world.wait(queue->set_attributes(changed)));
  world.pass(61'000);
  EXPECT_TRUE(world.receive(*queue).empty()) << "also those that were there before";
}

TEST(standard, attributes_and_tags_survive_and_go_with_the_queue) {
  World world;
  Attributes attributes{.delay = 7, .visibility = 11, .redrive = Redrive{"dead", 3}};
  attributes.texts["Policy"] = "{}";
  auto queue = world.make("q", attributes, {{"team", "a"}});
  EXPECT_TRUE(world.wait(queue->tag({{"cost", "b"}})));
  EXPECT_TRUE(world.wait(queue->untag({"team"})));
  world.crash(true);
  queue = world.engine().find("q");
  ASSERT_TRUE(queue);
  EXPECT_EQ(queue->attributes(), attributes);
  EXPECT_EQ(queue->tags(), (Tags{{"cost", "b"}}));
  EXPECT_EQ(world.engine().dead_letter_sources("dead", "", 10), std::vector<std::string>{"q"});
  auto waiting = queue->receive({.wait = 20}, nullptr);
  world.pass(10);
  EXPECT_TRUE(world.wait(world.engine().remove("q")));
  world.pass(10);
  ASSERT_TRUE(waiting.done()) << "who waits is told";
  EXPECT_EQ(waiting.take().error(), Problem::no_such_queue);
  EXPECT_TRUE(queue->is_gone());
  EXPECT_EQ(world.engine().find("q"), nullptr);
  EXPECT_EQ(world.wait(queue->receive({}, nullptr)).error(), Problem::no_such_queue);
  Outgoing message{.body = "x"};
  EXPECT_EQ(world.wait(queue->send(std::span(&message, 1)))[0].error(), Problem::no_such_queue);
  queue = world.make("q");
  EXPECT_EQ(queue->attributes(), Attributes());
  EXPECT_TRUE(queue->tags().empty());
}

TEST(standard, twenty_make_one_queue) {
  World world;
  std::vector<io::Task<Outcome<Queues::Created>>> making;
  for (int i = 0; i < 20; ++i) making.push_back(world.engine().create("q", {}, {}));
  int fresh = 0;
  for (auto& one : making) {
    auto made = world.wait(std::move(one));
    ASSERT_TRUE(made);
    fresh += made->is_new;
  }
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(world.engine().list("", "", 100), std::vector<std::string>{"q"});
}

TEST(standard, lists_page_by_page) {
  World world;
  for (const char* name : {"b1", "a1", "b2", "b3", "c"}) world.make(name);
  using Names = std::vector<std::string>;
  EXPECT_EQ(world.engine().list("b", "", 2), (Names{"b1", "b2"}));
  EXPECT_EQ(world.engine().list("b", "b2", 2), (Names{"b3"}));
  EXPECT_EQ(world.engine().list("", "", 100), (Names{"a1", "b1", "b2", "b3", "c"}));
}

TEST(standard, a_queue_of_another_protocol_is_there_with_defaults) {
  World world;
  QueueDefinition wanted{.name = "theirs", .durable = true};
  ASSERT_TRUE(world.wait(world.hosts().declare_queue(*world.hosts().find("/"), std::move(wanted))));
  auto queue = world.engine().find("theirs");
  ASSERT_TRUE(queue);
  EXPECT_EQ(queue->attributes(), Attributes());
  Bytes types;
  Header headers[] = {{"amqp.mode", view("2")}, {"amqp.types", view("SI")}, {"name", view("ann")}, {"n", view("5")}};
  std::string body = "from afar", binary("\x00\xff", 2);
  world.hosts().find("/")->find_queue("theirs")->queue->publish({.body = view(body), .headers = headers});
  world.hosts().find("/")->find_queue("theirs")->queue->publish({.body = view(binary)});
  world.pass(10);
  auto got = world.receive(*queue);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].body, "from afar");
  EXPECT_EQ(got[0].message_id.size(), 36u);
  ASSERT_EQ(got[0].attributes.size(), 2u);
  EXPECT_EQ(got[0].attributes[0].type, "Number");
  EXPECT_EQ(got[0].attributes[1].value, "ann");
  EXPECT_EQ(got[1].attributes[0].name + got[1].attributes[0].value, "naru.encodingbase64");
  EXPECT_TRUE(world.wait(queue->set_attributes({.visibility = 77})));
  world.restart();
  EXPECT_EQ(world.engine().find("theirs")->attributes().visibility, 77);
}

}  // namespace
}  // namespace naru::sqs
