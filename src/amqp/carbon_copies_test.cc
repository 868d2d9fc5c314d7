// More routing keys of one message: in its headers CC and BCC.
#include "amqp/carbon_copies.h"

#include "amqp/sim_world_testing.h"

namespace naru::amqp {
namespace {

FieldArray keys_of(size_t count, const char* last, const char* prefix = "k") {
  FieldArray keys;
  for (size_t i = 1; i < count; ++i) keys.add(prefix + std::to_string(i));
  keys.add(last);
  return keys;
}

TEST(carbon_copies, as_many_keys_are_followed_as_anybody_needs_and_more_are_refused) {
  SimWorld world;
  world.declare("q");
  world.settle();
  for (const char* exchange : {"", "amq.direct", "amq.topic"}) {
    SCOPED_TRACE(exchange);
    int64_t before = world.ready("q");
    if (*exchange != 0) world.say(QueueBind{.queue = "q", .exchange = exchange, .routing_key = "q"});
    FieldArray keys = keys_of(more_keys_max, "q");
    FieldTable headers = FieldTable().add("CC", keys.view());
    world.send(exchange, "nowhere", {.headers = headers.view()});
    world.settle();
    EXPECT_EQ(world.ready("q"), before + 1);
  }
  FieldArray copies = keys_of(more_keys_max / 2, "q"), blind = keys_of(more_keys_max / 2 + 2, "q", "b");
  FieldTable headers = FieldTable().add("CC", copies.view()).add("BCC", blind.view());
  world.send("", "q", {.headers = headers.view()});
  world.settle();
  auto close = world.last(Method::channel_close).as<ChannelClose>();
  EXPECT_EQ(close.reply_code, 406);
  EXPECT_NE(close.reply_text.find("1001 routing keys in CC and BCC"), std::string_view::npos) << close.reply_text;
  EXPECT_EQ(world.ready("q"), 3);
}

TEST(carbon_copies, of_answers_wait_for_the_commit) {
  SimWorld world;
  world.say(BasicConsume{.queue = "amq.rabbitmq.reply-to", .consumer_tag = "answers", .no_ack = true});
  world.declare("requests");
  world.send("", "requests", {.reply_to = "amq.rabbitmq.reply-to"});
  world.say(BasicConsume{.queue = "requests", .consumer_tag = "answers", .no_ack = true});
  world.settle();
  EXPECT_EQ(world.last(Method::connection_close).as<ConnectionClose>().reply_code, 530) << "the tag is taken";
  world.crash();
  world.say(BasicConsume{.queue = "amq.rabbitmq.reply-to", .consumer_tag = "answers", .no_ack = true});
  world.say(BasicGet{.queue = "requests", .no_ack = true});
  world.send("", "requests", {.reply_to = "amq.rabbitmq.reply-to"});
  world.say(BasicGet{.queue = "requests", .no_ack = true});
  world.settle();
  std::string asker(*world.last(Method::basic_get_ok).properties().reply_to);
  FieldArray copies;
  copies.add(asker);
  FieldTable headers = FieldTable().add("CC", copies.view());
  world.say(ChannelOpen{}, 2);
  world.say(TxSelect{}, 2);
  auto answer = [&] {
    world.client().publish(2, {.routing_key = "nowhere"}, {.headers = headers.view()}, view("answer"));
    world.settle();
  };
  int64_t before = world.count_of(Method::basic_deliver);
  answer();
  world.say(TxRollback{}, 2);
  world.settle();
  EXPECT_EQ(world.count_of(Method::basic_deliver), before);
  answer();
  EXPECT_EQ(world.count_of(Method::basic_deliver), before);
  world.say(TxCommit{}, 2);
  world.settle();
  EXPECT_EQ(world.count_of(Method::basic_deliver), before + 1);
}

}  // namespace
}  // namespace naru::amqp
