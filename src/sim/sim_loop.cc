#include "sim/sim_loop.h"

#include <cstdlib>

#include "io/logger.h"

namespace naru::sim {

/// Power losses and full disks are what most simulations are about: thousands of lines that nobody reads, unless
/// NARU_LOG is set.
SimLoop::SimLoop(uint64_t seed) : random_(seed) {
  if (!std::getenv("NARU_LOG")) io::set_log(io::LogFormat::text, io::Level::none);
}

void SimLoop::work(io::Lane lane, Call job, Call done) {
  ++given_[number(lane)];
  int64_t ready = std::max(now_us_, stalled_until_us_[number(lane)]) + static_cast<int64_t>(random_.between(50, 3000));
  for (const Job& other : jobs_)
    if (other.lane == lane) ready = std::max(ready, other.ready_us + 1);  // a lane works in order
  jobs_.push_back({lane, ready, std::move(job), std::move(done)});
}

int64_t SimLoop::next_event_us() const {
  int64_t next = next_deadline() == io::never ? INT64_MAX : next_deadline() * 1000;
  for (const Job& job : jobs_) next = std::min(next, job.ready_us);
  return next;
}

bool SimLoop::turn() {
  if (run_ready()) {
    if (is_busy_ && random_.chance(0.3)) {
      now_us_ += static_cast<int64_t>(random_.below(2000));
      run_timers();
    }
    return true;
  }
  if (run_turn_end()) return true;
  int64_t next = next_event_us();
  if (next == INT64_MAX) return false;
  now_us_ = std::max(now_us_, next);
  auto due = std::ranges::find_if(jobs_, [&](const Job& job) { return job.ready_us <= now_us_; });
  if (due != jobs_.end()) {
    Job job = std::move(*due);
    jobs_.erase(due);
    job.job();
    job.done();
    return true;
  }
  run_timers();
  return true;
}

void SimLoop::run(const std::function<bool()>& until) {
  while (!until() && turn()) {
  }
}

void SimLoop::run_for(io::Millis ms) {
  int64_t end = now_us_ + ms * 1000;
  while (has_ready() || next_event_us() <= end) turn();
  now_us_ = end;
}

}  // namespace naru::sim
