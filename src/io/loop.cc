#include "io/loop.h"

namespace naru::io {

void Timer::arm(Millis deadline) {
  cancel();
  if (deadline == never) return;
  deadline_ = deadline;
  place_ = loop_.timers_.emplace(deadline, this);
}

void Timer::cancel() {
  if (deadline_ == never) return;
  loop_.timers_.erase(place_);
  deadline_ = never;
}

bool Loop::run_ready() {
  if (ready_.empty()) return false;
  auto calls = std::exchange(ready_, {});
  for (auto& call : calls) call();
  return true;
}

bool Loop::run_turn_end() {
  if (turn_end_.empty()) return false;
  auto calls = std::exchange(turn_end_, {});
  for (auto& call : calls) call();
  return true;
}

bool Loop::run_timers() {
  bool any = false;
  // Timers armed by these callbacks for "now" wait for the next turn: a timer cannot starve the sockets.
  Millis until = now();
  for (int i = 0; i < 64 && !timers_.empty() && timers_.begin()->first <= until; ++i) {
    Timer* timer = timers_.begin()->second;
    timer->cancel();
    timer->call_();
    any = true;
  }
  return any;
}

}  // namespace naru::io
