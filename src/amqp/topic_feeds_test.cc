// Queues that feed topics of Kafka's (x-naru-to-topic).
#include "amqp/sim_world_testing.h"
#include "log/record.h"

namespace naru::amqp {
namespace {

struct Stored {
  std::string key, body;
  Codec codec;
};

class World : public SimWorld {
 public:
  using SimWorld::SimWorld;

  void create_topic(int32_t partitions, const TopicConfig& config = {}) {
    bool done = false;
    [](Topics& topics, NewTopic wanted, bool& finished) -> io::Task<> {
      auto creating = topics.create(std::move(wanted));
      auto created = co_await creating;
      EXPECT_TRUE(created);
      finished = true;
    }(*broker().core().broker.topics, {.name = "t", .partitions = partitions, .config = config}, done)
                                                               .detach();
    settle();
    ASSERT_TRUE(done);
  }
  void feed() {
    declare("q", FieldTable().add("x-naru-to-topic", "t"));
    say(QueueBind{.queue = "q", .exchange = "amq.fanout"});
    settle();
    ASSERT_TRUE(host().find_queue("q"));
  }
  std::vector<Stored> stored() {
    std::vector<Stored> all;
    TopicPtr topic = broker().core().catalog()->find("t");
    for (size_t i = 0; topic && i < topic->partitions.size(); ++i) {
      Log* log = broker().core().find_log(*topic, static_cast<int32_t>(i));
      for (Offset at = log->bounds().begin; at < log->bounds().high_watermark;) {
        auto slice = log->read(at, MiB);
        CHECK(slice && slice->range.length > 0);
        Bytes bytes(slice->range.length);
        CHECK(slice->range.file->read(slice->range.at, bytes));
        for (ByteView rest = bytes; !rest.empty();) {
          auto header = peek_header(rest);
          CHECK(header && header->size_bytes() <= rest.size());
          auto reader = RecordReader::open(rest.first(header->size_bytes()));
          CHECK(reader);
          Record record;
          while (*reader->next(&record))
            all.push_back({std::string(text(record.key.value_or(ByteView()))), std::string(text(*record.value)),
                           header->codec()});
          rest = rest.subspan(header->size_bytes());
          at = header->next_offset();
        }
      }
    }
    return all;
  }
  int64_t waiting() {
    auto counts = host().find_queue("q")->queue->counts();
    return counts.ready + counts.unacked;
  }
};

/// What a client published in one life of the broker, and how much of it was confirmed.
struct Life {
  std::vector<int> numbers;
  size_t confirmed = 0;

  void hear(std::vector<Received>& heard) {
    for (const Received& got : std::exchange(heard, {}))
      if (got.method == Method::basic_ack) confirmed = std::max<size_t>(confirmed, got.as<BasicAck>().delivery_tag);
  }
};

TEST(topic_feeds, what_was_confirmed_is_in_the_topic_once_and_in_order_whatever_happens) {
  for_each_seed(100, [](uint64_t seed) {
    Prng random(seed);
    World world(seed);
    bool is_lax = seed % 3 == 0;  // the topic's records are in the page cache, before the queue's are on the disk
    world.create_topic(3, is_lax ? TopicConfig{{"naru.durability", "os"}} : TopicConfig());
    world.feed();
    world.heard.clear();
    std::set<int> confirmed;
    int next = 0;
    for (int life = 0; life < 5; ++life) {
      Life now;
      for (uint64_t round = random.between(1, 6); round > 0; --round) {
        for (uint64_t more = random.between(1, 30); more > 0; --more) {
          std::string key = "k" + std::to_string(random.below(5));
          world.send("amq.fanout", key, {}, false, std::to_string(next));
          now.numbers.push_back(next++);
        }
        world.broker().loop().run_for(static_cast<io::Millis>(random.below(15)));
      }
      world.hear();
      now.hear(world.heard);
      for (size_t i = 0; i < now.confirmed; ++i) confirmed.insert(now.numbers[i]);
      world.crash(/*power=*/!is_lax);
    }
    world.settle(5'000);
    ASSERT_EQ(world.waiting(), 0);
    std::map<int, int> times;
    std::map<std::string, int> last;
    for (const Stored& record : world.stored()) {
      int number = std::stoi(record.body);
      ++times[number];
      EXPECT_LE(last[record.key], number + 1) << record.key;
      last[record.key] = number + 1;
    }
    for (int number : confirmed) EXPECT_EQ(times[number], 1) << number;
    for (auto [number, count] : times) EXPECT_LE(count, 1) << number;
    EXPECT_GT(confirmed.size(), 0u);
  });
}

TEST(topic_feeds, a_full_disk_makes_them_wait_and_nothing_comes_twice) {
  World world;
  world.create_topic(2);
  world.feed();
  for (int i = 0; i < 50; ++i) world.send("", "q", {}, false, std::string(1000, 'x') + std::to_string(i));
  world.broker().disk().set_space(world.broker().disk().used());
  world.settle(3'000);
  for (int i = 50; i < 400; ++i) world.send("", "q", {}, false, std::string(1000, 'x') + std::to_string(i));
  world.settle(3'000);
  EXPECT_LT(world.stored().size(), 400u);
  world.broker().disk().set_space(UINT64_MAX);
  world.settle(10'000);
  EXPECT_EQ(world.waiting(), 0);
  std::map<std::string, int> times;
  for (const Stored& record : world.stored()) ++times[record.body];
  EXPECT_EQ(times.size(), 400u);
  for (const auto& [body, count] : times) EXPECT_EQ(count, 1) << body;
}

TEST(topic_feeds, what_the_topic_refuses_holds_up_what_is_behind_it_until_it_has_a_place) {
  World world;
  world.create_topic(1, {{"max.message.bytes", "2000"}});
  world.declare("grave", FieldTable().add("x-max-length", int32_t{1}).add("x-overflow", "reject-publish"));
  world.send("", "grave", {}, false, "filler");
  FieldTable arguments;
  arguments.add("x-queue-type", "quorum").add("x-naru-to-topic", "t").add("x-overflow", "reject-publish");
  arguments.add("x-dead-letter-exchange", "").add("x-dead-letter-routing-key", "grave");
  arguments.add("x-dead-letter-strategy", "at-least-once");
  world.declare("q", arguments);
  for (std::string_view body : {"first", "large", "last"})
    world.send("", "q", {}, false, body == "large" ? std::string(5000, 'x') : std::string(body));
  world.settle(5'000);
  EXPECT_EQ(world.stored().size(), 1u);
  EXPECT_EQ(world.waiting(), 2);
  world.crash();
  world.settle(5'000);
  EXPECT_EQ(world.waiting(), 2) << "and so it is after a start";
  world.say(QueuePurge{.queue = "grave"});
  world.settle(5'000);
  EXPECT_EQ(world.waiting(), 0);
  EXPECT_EQ(world.ready("grave"), 1);
  EXPECT_EQ(world.stored().size(), 2u);
}

TEST(topic_feeds, a_queue_does_not_take_the_name_of_its_topic) {
  World world;
  world.create_topic(4);
  world.declare("t", FieldTable().add("x-naru-to-topic", "t"));
  world.settle();
  EXPECT_EQ(world.last(Method::channel_close).as<ChannelClose>().reply_code, 406);
  EXPECT_EQ(world.broker().core().catalog()->find("t")->partitions.size(), 4u);
}

TEST(topic_feeds, batches_have_the_codec_that_the_topic_wants) {
  for (std::string_view size : {"small", "large"}) {
    World world;
    world.create_topic(1, {{"compression.type", "zstd"}});
    world.feed();
    world.send("", "q", {}, false, std::string(size == "small" ? 100 : 100'000, 'x'));
    world.settle(1'000);
    auto stored = world.stored();
    ASSERT_EQ(stored.size(), 1u);
    EXPECT_EQ(stored[0].codec, Codec::zstd);
    EXPECT_EQ(world.broker().loop().jobs(io::Lane::codec), size == "small" ? 0u : 1u);
  }
}

}  // namespace
}  // namespace naru::amqp
