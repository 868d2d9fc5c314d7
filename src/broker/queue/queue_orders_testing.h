#pragma once
// A queue beside a model that a child could check: a list of messages, each ready, held or gone. The store, the journal
// and the disk are the real ones on a simulated loop and disk; a restart recovers them. Included by tests only.
#include <algorithm>
#include <set>

#include "base/testing.h"
#include "broker/queue/sim_queues_testing.h"

namespace naru::queue_orders {

// All the other steps of an order together take less than the time to live.
inline constexpr int64_t ttl_ms = 1000, a_while_ms = 2000;

enum class Op : uint8_t {
  publish,
  publish_ttl,
  publish_urgent,  // with a priority of 1
  ack,
  requeue,
  reject,
  get,
  die,    // a consumer, and another comes in its place
  leave,  // for good
  come,
  expire,
  purge,
  restart,
  kill,
  pause,
  resume
};

/// What happens; and which consumer does it, where one does.
struct Step {
  Step(Op what, size_t which = 0) : op(what), who(which) {}  // most orders have one consumer
  Op op;
  size_t who;
  auto operator<=>(const Step&) const = default;
};

inline std::string name(const Step& step) {
  constexpr const char* names[] = {"publish", "publish_ttl", "publish_urgent", "ack",   "requeue", "reject",
                                   "get",     "die",         "leave",          "come",  "expire",  "purge",
                                   "restart", "kill",        "pause",          "resume"};
  return names[static_cast<size_t>(step.op)] + (step.who > 0 ? "@" + std::to_string(step.who) : "");
}

struct Shape {
  QueueSettings settings{};
  size_t prefetch = 2;
  bool no_ack = false;
  std::vector<int64_t> consumers{0};  // their priorities; all are there from the start
  std::vector<Op> first{Op::publish, Op::publish_ttl, Op::publish};
};

/// Where a message stands: those of a higher priority before the others, then by when they came.
struct Place {
  int behind = 0;  // less its priority
  int number = 0;
  auto operator<=>(const Place&) const = default;
};

/// What should be.
struct Model {
  struct Message {
    std::string text;
    std::string key;        // where at most one of a key may be with a consumer
    bool expires = false;   // when time passes, unless it is held
    bool overdue = false;   // time has passed
    uint32_t attempts = 0;  // how often it was handed out
    bool after_kill = false;
  };
  struct Consumer {
    int64_t priority = 0;
    bool paused = false;
    std::vector<std::pair<Place, Message>> held{};  // in the order it got them
  };
  std::map<Place, Message> ready;
  std::map<size_t, Consumer> consumers;  // those that are there
  std::vector<size_t> line;              // the same, in the order they came
  std::optional<size_t> active;          // where only one is served
  std::vector<std::string> buried;
  std::vector<std::string> given;  // to consumers: to whom, text and whether it counted as redelivered
};

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
    model_ = {};
    seen_.clear();
    burial_.buried.clear();
    waiting_.clear();
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
          give_back(message.first, message.second);
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
        if (there) takers_[who]->paused = model_.consumers[who].paused = true;
        waiting_.erase(who);
        break;
      case Op::resume:
        if (!there) break;
        takers_[who]->paused = model_.consumers[who].paused = false;
        queue_->wake(*takers_[who]);
        break;
    }
    settle();
    go_on();
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
    model_.consumers[who] = {.priority = shape_.consumers[who]};
    model_.line.push_back(who);
    choose_active();
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
    for (auto& [who, consumer] : model_.consumers)
      for (auto& [place, message] : consumer.held) model_.ready[place] = message;
    model_.consumers.clear();
    model_.line.clear();
    waiting_.clear();
    model_.active.reset();
    for (auto& [place, message] : model_.ready) message.after_kill |= killed;
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
    auto& held = model_.consumers[who].held;
    auto message = held.front();
    held.erase(held.begin());
    how(taker.held.front(), message);
    taker.held.erase(taker.held.begin());
    queue_->wake(taker);
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
    auto first = next_ready();
    ASSERT_EQ(found, first != model_.ready.end());
    if (!found) return;
    EXPECT_EQ(*got, told(first->second));
    model_.ready.erase(first);
  }
  void leave(size_t who) {
    detach(who);
    auto held = std::move(model_.consumers[who].held);
    model_.consumers.erase(who);
    waiting_.erase(who);
    std::erase(model_.line, who);
    if (model_.active == who) model_.active.reset();
    choose_active();
    for (auto at = held.rbegin(); at != held.rend(); ++at) give_back(at->first, at->second);
    settle();
    go_on();
  }
  void expire() {
    loop->run_for(a_while_ms);
    auto pass = [](Model::Message& message) { message.overdue |= message.expires; };
    for (auto& [place, message] : model_.ready) pass(message);
    for (auto& [who, consumer] : model_.consumers)
      for (auto& [place, message] : consumer.held) pass(message);
  }
  void purge() {
    EXPECT_EQ(queue_->purge(), static_cast<int64_t>(model_.ready.size()));
    model_.ready.clear();
  }
  void give_back(Place place, Model::Message message) {
    if (shape_.settings.delivery_limit && message.attempts > *shape_.settings.delivery_limit) {
      model_.buried.push_back(message.text + " delivery_limit");
    } else {
      model_.ready[place] = std::move(message);
    }
  }

  // --- what follows from it
  static std::string told(const Model::Message& message) {
    return message.text + (message.attempts > 0 || message.after_kill ? " again" : "");
  }
  /// Where one is served: the first to come of the highest priority when there is none; it stays until it goes.
  void choose_active() {
    if (!shape_.settings.single_active_consumer || model_.active || model_.line.empty()) return;
    model_.active =
        *std::ranges::max_element(model_.line, {}, [&](size_t who) { return model_.consumers[who].priority; });
  }
  /// The first whose key nobody has, where that matters.
  std::map<Place, Model::Message>::iterator next_ready() {
    auto is_busy = [&](const std::string& key) {
      return std::ranges::any_of(model_.consumers, [&](const auto& one) {
        return std::ranges::any_of(one.second.held, [&](const auto& held) { return held.second.key == key; });
      });
    };
    return std::ranges::find_if(
        model_.ready, [&](const auto& one) { return !shape_.settings.order_key || !is_busy(one.second.key); });
  }
  bool could_take(size_t who) const {
    const Model::Consumer& consumer = model_.consumers.at(who);
    if (shape_.settings.single_active_consumer && model_.active != who) return false;
    return !consumer.paused && consumer.held.size() < shape_.prefetch;
  }
  /// Those of the highest priority at which somebody takes messages.
  std::vector<size_t> takers() const {
    std::vector<size_t> found;
    for (size_t who : model_.line) {
      if (!could_take(who)) continue;
      int64_t mine = model_.consumers.at(who).priority;
      if (!found.empty() && model_.consumers.at(found.front()).priority > mine) continue;
      if (!found.empty() && model_.consumers.at(found.front()).priority < mine) found.clear();
      found.push_back(who);
    }
    return found;
  }
  /// Whose turn it is among equals is the queue's to say, if nobody is passed over who has waited since others were
  /// served.
  size_t whose_turn(const std::vector<size_t>& among) {
    std::erase_if(waiting_, [&](size_t who) { return std::ranges::count(among, who) == 0; });
    size_t chosen = waiting_.empty() ? among.front() : *waiting_.begin();
    if (model_.given.size() < seen_.size()) {
      size_t who = std::stoul(seen_[model_.given.size()]);
      if (waiting_.contains(who) || (waiting_.empty() && std::ranges::count(among, who) > 0)) chosen = who;
    }
    waiting_.insert(among.begin(), among.end());
    waiting_.erase(chosen);
    return chosen;
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
  /// Consumers get what they have room for, oldest first; what is overdue is on its way out instead.
  void go_on() {
    for (;;) {
      auto among = takers();
      auto next = next_ready();
      if (among.empty() || next == model_.ready.end()) break;
      if (next->second.overdue) {
        model_.buried.push_back(next->second.text + " expired");
        model_.ready.erase(next);
        continue;
      }
      size_t who = whose_turn(among);
      model_.given.push_back(std::to_string(who) + ": " + told(next->second));
      ++next->second.attempts;
      if (!shape_.no_ack) model_.consumers[who].held.push_back(*next);
      model_.ready.erase(next);
    }
    after_turn();
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
  std::set<size_t> waiting_;  // who could have had a message that another got, and would have taken one ever since
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
