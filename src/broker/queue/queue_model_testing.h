#pragma once
// What a queue should do, as a child could check it: a list of messages, each ready, with a consumer, or gone. Included
// by tests only.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/queue/queue_settings.h"

namespace naru::queue_orders {

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

class Model {
 public:
  struct Message {
    std::string text;
    std::string key;        // where at most one of a key may be with a consumer
    bool expires = false;   // when time passes, unless it is held
    bool overdue = false;   // time has passed
    uint32_t attempts = 0;  // how often it was handed out
    bool after_kill = false;
    /// With whether it counts as redelivered.
    std::string told() const { return text + (attempts > 0 || after_kill ? " again" : ""); }
  };
  using Placed = std::pair<Place, Message>;
  struct Consumer {
    int64_t priority = 0;
    bool paused = false;
    std::vector<Placed> held{};  // in the order it got them
  };

  explicit Model(Shape shape = {}) : shape_(std::move(shape)) {}

  std::map<Place, Message> ready;
  std::map<size_t, Consumer> consumers;  // those that are there
  std::vector<size_t> line;              // the same, in the order they came
  std::vector<std::string> buried;
  std::vector<std::string> given;  // to whom, and what

  // --- what happens
  void come(size_t who) {
    consumers[who] = {.priority = shape_.consumers[who]};
    line.push_back(who);
    choose_active();
  }
  void leave(size_t who) {
    auto held = std::move(consumers[who].held);
    consumers.erase(who);
    waiting_.erase(who);
    std::erase(line, who);
    if (active_ == who) active_.reset();
    choose_active();
    for (auto at = held.rbegin(); at != held.rend(); ++at) give_back(*at);
  }
  void pause(size_t who) {
    consumers[who].paused = true;
    waiting_.erase(who);
  }
  /// Its oldest message is not with the consumer any more.
  Placed let_go(size_t who) {
    auto& held = consumers[who].held;
    Placed message = held.front();
    held.erase(held.begin());
    return message;
  }
  void give_back(Placed message) {
    if (shape_.settings.delivery_limit && message.second.attempts > *shape_.settings.delivery_limit) {
      buried.push_back(message.second.text + " delivery_limit");
    } else {
      ready.insert(std::move(message));
    }
  }
  /// What is with consumers is back, and they are gone.
  void restart(bool killed) {
    for (auto& [who, consumer] : consumers) ready.insert(consumer.held.begin(), consumer.held.end());
    consumers.clear();
    line.clear();
    waiting_.clear();
    active_.reset();
    for (auto& [place, message] : ready) message.after_kill |= killed;
  }
  void let_time_pass() {
    for (auto& [place, message] : ready) message.overdue |= message.expires;
    for (auto& [who, consumer] : consumers)
      for (auto& [place, message] : consumer.held) message.overdue |= message.expires;
  }

  // --- what follows from it
  /// The first whose key nobody has, where that matters.
  std::map<Place, Message>::iterator next_ready() {
    auto is_busy = [&](const std::string& key) {
      return std::ranges::any_of(consumers, [&](const auto& one) {
        return std::ranges::any_of(one.second.held, [&](const auto& held) { return held.second.key == key; });
      });
    };
    return std::ranges::find_if(
        ready, [&](const auto& one) { return !shape_.settings.order_key || !is_busy(one.second.key); });
  }
  /// Consumers get what they have room for, oldest first; what is overdue is on its way out instead. `seen`: what they
  /// got indeed, for what is the queue's to decide.
  void hand_out(const std::vector<std::string>& seen) {
    for (;;) {
      auto among = takers();
      auto next = next_ready();
      if (among.empty() || next == ready.end()) break;
      if (next->second.overdue) {
        buried.push_back(next->second.text + " expired");
        ready.erase(next);
        continue;
      }
      size_t who = whose_turn(among, given.size() < seen.size() ? seen[given.size()] : "");
      given.push_back(std::to_string(who) + ": " + next->second.told());
      ++next->second.attempts;
      if (!shape_.no_ack) consumers[who].held.push_back(*next);
      ready.erase(next);
    }
    const auto& limit = shape_.settings.max_length;
    while (limit && static_cast<int64_t>(ready.size()) > *limit) bury_first("maxlen");
    while (!ready.empty() && ready.begin()->second.overdue) bury_first("expired");
  }

 private:
  /// Where one is served: the first to come of the highest priority when there is none; it stays until it goes.
  void choose_active() {
    if (!shape_.settings.single_active_consumer || active_ || line.empty()) return;
    active_ = *std::ranges::max_element(line, {}, [&](size_t who) { return consumers[who].priority; });
  }
  bool could_take(size_t who) const {
    const Consumer& consumer = consumers.at(who);
    if (shape_.settings.single_active_consumer && active_ != who) return false;
    return !consumer.paused && consumer.held.size() < shape_.prefetch;
  }
  /// Those of the highest priority at which somebody takes messages.
  std::vector<size_t> takers() const {
    std::vector<size_t> found;
    for (size_t who : line) {
      if (!could_take(who)) continue;
      int64_t mine = consumers.at(who).priority;
      if (!found.empty() && consumers.at(found.front()).priority > mine) continue;
      if (!found.empty() && consumers.at(found.front()).priority < mine) found.clear();
      found.push_back(who);
    }
    return found;
  }
  /// Whose turn it is among equals is the queue's to say, if nobody is passed over who has waited since others were
  /// served.
  size_t whose_turn(const std::vector<size_t>& among, const std::string& seen) {
    std::erase_if(waiting_, [&](size_t who) { return std::ranges::count(among, who) == 0; });
    size_t chosen = waiting_.empty() ? among.front() : *waiting_.begin();
    if (!seen.empty()) {
      size_t who = std::stoul(seen);
      if (waiting_.contains(who) || (waiting_.empty() && std::ranges::count(among, who) > 0)) chosen = who;
    }
    waiting_.insert(among.begin(), among.end());
    waiting_.erase(chosen);
    return chosen;
  }
  /// Messages leave from the head: the overdue ones there, and what is too much. (Where they have priorities, a queue
  /// that is too long begins with the lowest; no shape has both.)
  void bury_first(const char* why) {
    buried.push_back(ready.begin()->second.text + " " + why);
    ready.erase(ready.begin());
  }

  Shape shape_;
  std::optional<size_t> active_;  // where only one is served
  std::set<size_t> waiting_;      // who could have had a message that another got, and would have taken one ever since
};

}  // namespace naru::queue_orders
