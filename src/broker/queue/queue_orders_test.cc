// Every order of what can happen to a queue, against a model that a child could check: a list of messages, each ready,
// held or gone. The store, the journal and the disk are the real ones on a simulated loop and disk; a restart recovers
// them.
#include <algorithm>

#include "base/testing.h"
#include "broker/queue/sim_queues_testing.h"

namespace naru {
namespace {

// All the other steps of an order together take less than the time to live.
constexpr int64_t ttl_ms = 1000, a_while_ms = 2000;

enum class Op : uint8_t {
  publish,
  publish_ttl,
  ack,
  requeue,
  reject,
  get,
  die,
  expire,
  purge,
  restart,
  kill,
  pause,
  resume
};

const char* name(Op op) {
  constexpr const char* names[] = {"publish", "publish_ttl", "ack",     "requeue", "reject", "get",   "die",
                                   "expire",  "purge",       "restart", "kill",    "pause",  "resume"};
  return names[static_cast<size_t>(op)];
}

struct Shape {
  QueueSettings settings{};
  size_t prefetch = 2;
  bool no_ack = false;
};

/// What should be.
struct Model {
  struct Message {
    std::string text;
    bool expires = false;   // when time passes, unless it is held
    bool overdue = false;   // time has passed
    uint32_t attempts = 0;  // how often it was handed out
    bool after_kill = false;
  };
  std::map<int, Message> ready;               // by number: the order of publishing
  std::vector<std::pair<int, Message>> held;  // by the consumer, in the order it got them
  std::vector<std::string> buried;
  std::vector<std::string> given;  // to consumer or getter: text and whether it counted as redelivered
};

struct Held {
  MessageId id;
  std::string text;
};

/// A consumer with a prefetch, as a channel has them.
class Taker final : public QueueConsumer {
 public:
  Taker(const Shape& shape, std::vector<std::string>& log) : prefetch_(shape.prefetch), log_(log) {
    no_ack = shape.no_ack;
  }
  bool can_take() const override { return !paused && held.size() < prefetch_; }
  void take(Queue&, const Delivery& delivery) override {
    std::string body(text(delivery.record.body()));
    log_.push_back(body + (delivery.redelivered ? " again" : ""));
    if (!no_ack) held.push_back({delivery.id, body});
  }
  void queue_gone(Queue&) override { ADD_FAILURE() << "nobody deletes the queue"; }
  std::vector<Held> held;
  bool paused = false;  // its client does not read

 private:
  size_t prefetch_;
  std::vector<std::string>& log_;
};

class Burial final : public DeadLetters {
 public:
  bool bury(Queue&, const StoredRecord& record, Death why, std::vector<uint64_t>&) override {
    constexpr const char* reasons[] = {"rejected", "expired", "maxlen", "delivery_limit"};
    buried.push_back(std::string(text(record.body())) + " " + reasons[static_cast<size_t>(why)]);
    return true;
  }
  std::vector<std::string> buried;
};

/// One broker's life after the other on one disk; each order gets a queue of its own.
class World : SimQueues {
 public:
  World() { host->dead_letters = &burial_; }
  ~World() { queue_.reset(); }

  void begin(const Shape& shape) {
    shape_ = shape;
    ++stream_;
    model_ = {};
    seen_.clear();
    burial_.buried.clear();
    next_ = 0;
    open();
    for (Op op : {Op::publish, Op::publish_ttl, Op::publish}) step(op);
  }
  void end() {
    detach();
    queue_->erase();
    queue_.reset();
    settle();
  }

  void step(Op op) {
    switch (op) {
      case Op::publish: publish(false); break;
      case Op::publish_ttl: publish(true); break;
      case Op::ack: ack(); break;
      case Op::requeue: requeue(); break;
      case Op::reject: reject(); break;
      case Op::get: get(); break;
      case Op::die: die(); break;
      case Op::expire: expire(); break;
      case Op::purge: purge(); break;
      case Op::restart: restart(false); break;
      case Op::kill: restart(true); break;
      case Op::pause: taker_->paused = true; break;
      case Op::resume:
        taker_->paused = false;
        queue_->wake(*taker_);
        break;
    }
    settle();
    go_on();
    compare();
  }

 private:
  // --- the life of the broker
  void open() {
    queue_ = std::make_shared<Queue>(*host, "q", std::vector<LevelIds>{{StreamId(stream_), CursorId(stream_)}},
                                     shape_.settings);
    attach();
  }
  void attach() {
    taker_ = std::make_unique<Taker>(shape_, seen_);
    ASSERT_TRUE(queue_->add(*taker_));
  }
  void detach() {
    std::vector<Held> held = std::move(taker_->held);
    queue_->remove(*taker_);
    taker_.reset();
    for (auto at = held.rbegin(); at != held.rend(); ++at) queue_->requeue(at->id, Return::failed);
  }
  void restart(bool killed) {
    if (!killed) {  // connections end first, then everything is written down
      die_without_successor();
      bool done = false;
      [](Store& store, bool& finished) -> io::Task<> {
        auto stored = co_await store.checkpoint();
        EXPECT_TRUE(stored);
        finished = true;
      }(host->store, done)
                                              .detach();
      loop->run([&] { return done; });
      manifest.clean = true;
      ASSERT_TRUE(write_manifest(*disk, manifest));
    }
    disk->kill();
    host->dead_letters = nullptr;  // of what the dead broker still does nobody hears
    if (taker_) queue_->remove(*taker_);
    taker_.reset();
    queue_.reset();
    start_again();
    host->dead_letters = &burial_;
    open();
    for (auto& [number, message] : model_.held) model_.ready[number] = message;
    model_.held.clear();
    for (auto& [number, message] : model_.ready) message.after_kill |= killed;
  }

  // --- what happens, to the queue and to the model
  void publish(bool expires) {
    int number = next_++;
    std::string body = "m" + std::to_string(number);
    NewMessage message{.body = view(body)};
    if (expires) message.ttl_ms = ttl_ms;
    EXPECT_TRUE(queue_->publish(message));
    model_.ready[number] = {.text = body, .expires = expires};
  }
  void ack() {
    if (taker_->held.empty()) return;
    queue_->settle(taker_->held.front().id);
    taker_->held.erase(taker_->held.begin());
    queue_->wake(*taker_);
    model_.held.erase(model_.held.begin());
  }
  void requeue() {
    if (taker_->held.empty()) return;
    queue_->requeue(taker_->held.front().id, Return::returned);
    taker_->held.erase(taker_->held.begin());
    queue_->wake(*taker_);
    auto [number, message] = model_.held.front();
    model_.held.erase(model_.held.begin());
    give_back(number, message);
  }
  void reject() {
    if (taker_->held.empty()) return;
    queue_->reject(taker_->held.front().id);
    taker_->held.erase(taker_->held.begin());
    queue_->wake(*taker_);
    model_.buried.push_back(model_.held.front().second.text + " rejected");
    model_.held.erase(model_.held.begin());
  }
  void get() {
    std::optional<std::string> got;
    std::function<void(const Delivery&, int64_t)> take = [&](const Delivery& delivery, int64_t) {
      got = std::string(text(delivery.record.body())) + (delivery.redelivered ? " again" : "");
    };
    bool found = false;
    [](Queue& queue, std::function<void(const Delivery&, int64_t)> taker, bool& result) -> io::Task<> {
      result = co_await queue.get(/*no_ack=*/true, std::move(taker));
    }(*queue_, take, found)
                                                                                               .detach();
    settle();
    auto first = model_.ready.begin();
    ASSERT_EQ(found, first != model_.ready.end());
    if (!found) return;
    EXPECT_EQ(*got, told(first->second));
    model_.ready.erase(first);
  }
  void die() {
    die_without_successor();
    attach();
  }
  void die_without_successor() {
    detach();
    settle();
    auto held = std::exchange(model_.held, {});
    for (auto at = held.rbegin(); at != held.rend(); ++at) give_back(at->first, at->second);
    after_turn();
  }
  void expire() {
    loop->run_for(a_while_ms);
    for (auto* messages : {&model_.ready})
      for (auto& [number, message] : *messages) message.overdue |= message.expires;
    for (auto& [number, message] : model_.held) message.overdue |= message.expires;
  }
  void purge() {
    EXPECT_EQ(queue_->purge(), static_cast<int64_t>(model_.ready.size()));
    model_.ready.clear();
  }
  void give_back(int number, Model::Message message) {
    if (shape_.settings.delivery_limit && message.attempts > *shape_.settings.delivery_limit) {
      model_.buried.push_back(message.text + " delivery_limit");
    } else {
      model_.ready[number] = std::move(message);
    }
  }

  // --- what follows from it
  static std::string told(const Model::Message& message) {
    return message.text + (message.attempts > 0 || message.after_kill ? " again" : "");
  }
  /// Messages leave from the head: the overdue ones there, and what is too much.
  void after_turn() {
    const auto& limit = shape_.settings.max_length;
    while (limit && static_cast<int64_t>(model_.ready.size()) > *limit) bury_first("maxlen");
    while (!model_.ready.empty() && model_.ready.begin()->second.overdue) bury_first("expired");
  }
  void bury_first(const char* why) {
    model_.buried.push_back(model_.ready.begin()->second.text + " " + why);
    model_.ready.erase(model_.ready.begin());
  }
  /// The consumer gets what it has room for, oldest first; what is overdue is on its way out instead.
  void go_on() {
    while (!model_.ready.empty() && !taker_->paused && model_.held.size() < shape_.prefetch) {
      auto first = model_.ready.begin();
      if (first->second.overdue) {
        bury_first("expired");
        continue;
      }
      model_.given.push_back(told(first->second));
      ++first->second.attempts;
      if (!shape_.no_ack) model_.held.push_back(*first);
      model_.ready.erase(first);
    }
    after_turn();
  }

  void compare() {
    EXPECT_EQ(seen_, model_.given);
    EXPECT_EQ(burial_.buried, model_.buried);
    auto counts = queue_->counts();
    EXPECT_EQ(counts.ready, static_cast<int64_t>(model_.ready.size()));
    EXPECT_EQ(counts.unacked, static_cast<int64_t>(model_.held.size()));
    std::vector<std::string> held, expected;
    for (const Held& one : taker_->held) held.push_back(one.text);
    for (const auto& [number, message] : model_.held) expected.push_back(message.text);
    EXPECT_EQ(held, expected);
  }

  Burial burial_;
  std::shared_ptr<Queue> queue_;
  std::unique_ptr<Taker> taker_;
  Shape shape_;
  Model model_;
  std::vector<std::string> seen_;
  uint64_t stream_ = 0;
  int next_ = 0;
};

/// Runs every order of these steps, each on a queue of its own.
void try_every_order(const Shape& shape, std::vector<Op> ops) {
  World world;
  std::ranges::sort(ops);
  do {
    std::string order;
    for (Op op : ops) order += std::string(" ") + name(op);
    SCOPED_TRACE("order:" + order);
    world.begin(shape);
    for (Op op : ops) {
      world.step(op);
      if (::testing::Test::HasFailure()) return;
    }
    world.end();
  } while (std::ranges::next_permutation(ops).found);
}

Shape with_dead_letters() {
  Shape shape;
  shape.settings.dead_letter_exchange = "dlx";
  return shape;
}

TEST(queue_orders, answers_deaths_and_kills) {
  try_every_order(with_dead_letters(), {Op::publish, Op::ack, Op::requeue, Op::reject, Op::die, Op::kill, Op::publish});
}

TEST(queue_orders, expiry_among_answers_and_restarts) {
  try_every_order(with_dead_letters(), {Op::publish_ttl, Op::ack, Op::requeue, Op::expire, Op::die, Op::restart});
}

TEST(queue_orders, gets_and_purges_beside_a_consumer) {
  Shape shape = with_dead_letters();
  shape.prefetch = 1;
  try_every_order(shape, {Op::publish, Op::get, Op::requeue, Op::purge, Op::ack, Op::restart, Op::kill});
}

TEST(queue_orders, expiry_beside_gets) {
  Shape shape = with_dead_letters();
  shape.prefetch = 1;
  try_every_order(shape, {Op::publish_ttl, Op::publish, Op::get, Op::expire, Op::die, Op::kill});
}

TEST(queue_orders, a_consumer_that_acknowledges_nothing) {
  Shape shape = with_dead_letters();
  shape.no_ack = true;
  try_every_order(shape, {Op::publish, Op::publish_ttl, Op::pause, Op::publish, Op::resume, Op::get, Op::kill});
}

TEST(queue_orders, expiry_beside_a_consumer_that_acknowledges_nothing) {
  Shape shape = with_dead_letters();
  shape.no_ack = true;
  try_every_order(shape, {Op::publish_ttl, Op::pause, Op::publish, Op::expire, Op::resume, Op::die, Op::restart});
}

TEST(queue_orders, a_limit_of_length) {
  Shape shape = with_dead_letters();
  shape.prefetch = 1;
  shape.settings.max_length = 1;
  try_every_order(shape, {Op::publish, Op::publish, Op::ack, Op::requeue, Op::die, Op::reject, Op::kill});
}

TEST(queue_orders, a_limit_of_deliveries) {
  Shape shape = with_dead_letters();
  shape.settings.delivery_limit = 1;
  try_every_order(shape, {Op::publish, Op::ack, Op::requeue, Op::die, Op::requeue, Op::reject});
}

}  // namespace
}  // namespace naru
