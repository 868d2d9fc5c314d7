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

}  // namespace
}  // namespace naru::amqp
