#pragma once
// How fast counters change, per second: between one look at them and the next, so that nothing ticks when nobody looks.
#include <array>
#include <unordered_map>

#include "base/json.h"
#include "broker/queue/queue.h"
#include "io/loop.h"

namespace naru::management {

/// What a queue, or all of them, has and has had.
struct Traffic {
  Queue::Counters counters;
  uint64_t confirmed = 0;  // of all only
  int64_t ready = 0, unacked = 0;
};

class Rates {
 public:
  /// Adds messages, messages_ready, messages_unacknowledged and message_stats to `out`, each with its `_details`.
  /// `what` names whose they are. The first look tells no rate; one that comes within a second tells the last one.
  void add(Json& out, const std::string& what, const Traffic& traffic, io::Millis now);

 private:
  static constexpr size_t count = 10;
  struct Look {
    io::Millis at = 0, last_asked = 0;
    std::array<int64_t, count> values{};
    std::array<double, count> rates{};
  };
  void forget_old(io::Millis now);
  std::unordered_map<std::string, Look> looks_;
  io::Millis swept_ = 0;
};

}  // namespace naru::management
