#pragma once
// A queue beside its model (queue_model_testing.h), step by step. The store, the journal and the disk are the real ones
// on a simulated loop and disk; a restart recovers them. Included by tests only.
#include "base/testing.h"
#include "broker/queue/queue_model_testing.h"
#include "broker/queue/sim_queues_testing.h"

namespace naru::queue_orders {

// All the other steps of an order together take less than the time to live.
inline constexpr int64_t ttl_ms = 1000, a_while_ms = 2000;

struct Held {
  MessageId id;
  std::string text;
};

/// A consumer with a prefetch, as a channel has them.
class Taker final : public QueueConsumer {
 public:
  Taker(const Shape& shape, size_t which, std::vector<std::string>& log)
      : prefetch_(shape.prefetch), name_(std::to_string(which) + ": "), log_(log) {
    no_ack = shape.no_ack;
    priority = shape.consumers[which];
  }
  bool can_take() const override { return !paused && held.size() < prefetch_; }
  void take(Queue&, const Delivery& delivery) override {
    std::string body(text(delivery.record.body()));
    log_.push_back(name_ + body + (delivery.redelivered ? " again" : ""));
    if (!no_ack) held.push_back({delivery.id, body});
  }
  void queue_gone(Queue&) override { ADD_FAILURE() << "nobody deletes the queue"; }
  std::vector<Held> held;
  bool paused = false;  // its client does not read

 private:
  size_t prefetch_;
  std::string name_;
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
    ++queues_;
    model_ = Model(shape);
    seen_.clear();
    burial_.buried.clear();
    next_ = 0;
    open();
    for (size_t who = 0; who < shape.consumers.size(); ++who) attach(who);
    for (Op op : shape.first) step(op);
  }
  void end() {
    while (!takers_.empty()) detach(takers_.begin()->first);
    queue_->erase();
    queue_.reset();
    settle();
  }

  void step(Step step) {
    size_t who = step.who;
    bool there = takers_.contains(who);
    switch (step.op) {
      case Op::publish: publish(0, false); break;
      case Op::publish_ttl: publish(0, true); break;
      case Op::publish_urgent: publish(1, false); break;
      case Op::ack: answer(who, [&](const Held& held, auto&) { queue_->settle(held.id); }); break;
      case Op::requeue:
        answer(who, [&](const Held& held, auto& message) {
          queue_->requeue(held.id, Return::returned);
          model_.give_back(message);
        });
        break;
      case Op::reject:
        answer(who, [&](const Held& held, auto& message) {
          queue_->reject(held.id);
          model_.buried.push_back(message.second.text + " rejected");
        });
        break;
      case Op::get: get(); break;
      case Op::die:
        if (!there) break;
        leave(who);
        attach(who);
        break;
      case Op::leave:
        if (there) leave(who);
        break;
      case Op::come:
        if (!there) attach(who);
        break;
      case Op::expire: expire(); break;
      case Op::purge: purge(); break;
      case Op::restart: restart(false); break;
      case Op::kill: restart(true); break;
      case Op::pause:
        if (!there) break;
        takers_[who]->paused = true;
        model_.pause(who);
        break;
      case Op::resume:
        if (!there) break;
        takers_[who]->paused = model_.consumers[who].paused = false;
        queue_->wake(*takers_[who]);
        break;
    }
    settle();
    model_.hand_out(seen_);
    compare();
  }

 private:
  // --- the life of the broker
  void open() {
    std::vector<LevelIds> levels;
    for (uint64_t level = 0; level <= shape_.settings.max_priority; ++level)
      levels.push_back({StreamId(queues_ * 10 + level), CursorId(queues_ * 10 + level)});
    queue_ = std::make_shared<Queue>(*host, "q", levels, shape_.settings);
  }
  void attach(size_t who) {
    takers_[who] = std::make_unique<Taker>(shape_, who, seen_);
    ASSERT_TRUE(queue_->add(*takers_[who]));
    model_.come(who);
  }
  void detach(size_t who) {
    std::vector<Held> held = std::move(takers_[who]->held);
    queue_->remove(*takers_[who]);
    takers_.erase(who);
    for (auto at = held.rbegin(); at != held.rend(); ++at) queue_->requeue(at->id, Return::failed);
  }
  void restart(bool killed) {
    std::vector<size_t> there = model_.line;
    if (!killed) {  // connections end first, then everything is written down
      for (size_t who : there) leave(who);
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
    for (auto& [who, taker] : takers_) queue_->remove(*taker);
    takers_.clear();
    queue_.reset();
    start_again();
    host->dead_letters = &burial_;
    open();
    model_.restart(killed);
    for (size_t who : there) attach(who);
  }

  // --- what happens, to the queue and to the model
  void publish(uint8_t priority, bool expires) {
    int number = next_++;
    std::string body = "m" + std::to_string(number), key = number % 2 > 0 ? "odd" : "even";
    NewMessage message{.key = view(key), .body = view(body), .priority = priority};
    if (expires) message.ttl_ms = ttl_ms;
    EXPECT_TRUE(queue_->publish(message));
    model_.ready[{-priority, number}] = {.text = body, .key = key, .expires = expires};
  }
  /// The consumer answers for the first of its messages.
  void answer(size_t who, const auto& how) {
    if (!takers_.contains(who) || takers_[who]->held.empty()) return;
    Taker& taker = *takers_[who];
    auto message = model_.let_go(who);
    how(taker.held.front(), message);
    taker.held.erase(taker.held.begin());
    queue_->wake(taker);
  }
  void get() {
    std::optional<std::string> got;
    Queue::Taker take = [&](const Delivery& delivery, int64_t) {
      got = std::string(text(delivery.record.body())) + (delivery.redelivered ? " again" : "");
      return true;
    };
    bool found = false;
    [](Queue& queue, Queue::Taker taker, bool& result) -> io::Task<> {
      result = co_await queue.get(/*no_ack=*/true, std::move(taker));
    }(*queue_, take, found)
                                                              .detach();
    settle();
    auto first = model_.next_ready();
    ASSERT_EQ(found, first != model_.ready.end());
    if (!found) return;
    EXPECT_EQ(*got, first->second.told());
    model_.ready.erase(first);
  }
  void leave(size_t who) {
    detach(who);
    model_.leave(who);
    settle();
    model_.hand_out(seen_);
  }
  void expire() {
    loop->run_for(a_while_ms);
    model_.let_time_pass();
  }
  void purge() {
    EXPECT_EQ(queue_->purge(), static_cast<int64_t>(model_.ready.size()));
    model_.ready.clear();
  }

  void compare() {
    EXPECT_EQ(seen_, model_.given);
    EXPECT_EQ(burial_.buried, model_.buried);
    auto counts = queue_->counts();
    EXPECT_EQ(counts.ready, static_cast<int64_t>(model_.ready.size()));
    int64_t unacked = 0;
    for (const auto& [who, consumer] : model_.consumers) {
      unacked += static_cast<int64_t>(consumer.held.size());
      std::vector<std::string> held, expected;
      for (const Held& one : takers_[who]->held) held.push_back(one.text);
      for (const auto& [place, message] : consumer.held) expected.push_back(message.text);
      EXPECT_EQ(held, expected);
    }
    EXPECT_EQ(counts.unacked, unacked);
  }

  Burial burial_;
  std::shared_ptr<Queue> queue_;
  std::map<size_t, std::unique_ptr<Taker>> takers_;
  Shape shape_;
  Model model_;
  std::vector<std::string> seen_;
  uint64_t queues_ = 0;
  int next_ = 0;
};

/// Runs every order of these steps, each on a queue of its own.
inline void try_every_order(const Shape& shape, std::vector<Step> steps) {
  World world;
  std::ranges::sort(steps);
  do {
    std::string order;
    for (const Step& step : steps) order += " " + name(step);
    SCOPED_TRACE("order:" + order);
    world.begin(shape);
    for (const Step& step : steps) {
      world.step(step);
      if (::testing::Test::HasFailure()) return;
    }
    world.end();
  } while (std::ranges::next_permutation(steps).found);
}

inline Shape with_dead_letters() {
  Shape shape;
  shape.settings.dead_letter_exchange = "dlx";
  return shape;
}

}  // namespace naru::queue_orders
