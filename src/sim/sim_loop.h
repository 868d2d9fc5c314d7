#pragma once
// A loop whose time stands still until there is nothing left to do, then jumps. Blocking jobs take a random time, so
// that everything else happens while they are on their way. One seed, one order of events.
#include <array>
#include <deque>
#include <functional>

#include "base/prng.h"
#include "io/loop.h"

namespace naru::sim {

class SimLoop final : public io::Loop {
 public:
  explicit SimLoop(uint64_t seed);

  io::Millis now() const override { return now_us_ / 1000; }
  io::Millis wall() const override { return 1'700'000'000'000 + now_us_ / 1000; }
  void work(io::Lane lane, Call job, Call done) override;
  void send(Call call) override { post(std::move(call)); }

  /// One turn: what is ready, the turn's end, a timer or a job. False when there is nothing at all to do.
  bool turn();
  /// Turns until nothing is left to do, timers included, or `until` holds.
  void run(const std::function<bool()>& until = [] { return false; });
  /// Turns until nothing is left but timers further away than `ms`.
  void run_for(io::Millis ms);
  Prng& random() { return random_; }
  /// No blocking job comes to its end for so long: a disk that stalls.
  void stall_work(io::Millis ms) { stalled_until_us_.fill(now_us_ + ms * 1000); }
  /// The same for one lane.
  void stall_work(io::Lane lane, io::Millis ms) { stalled_until_us_[number(lane)] = now_us_ + ms * 1000; }
  /// How many blocking jobs a lane has been given so far.
  uint64_t jobs(io::Lane lane) const { return given_[number(lane)]; }
  /// From now on work takes time, too: a timer may be due before the turn ends, as on a real loop.
  void set_busy() { is_busy_ = true; }

 private:
  struct Job {
    io::Lane lane;
    int64_t ready_us;
    Call job, done;
  };
  int64_t next_event_us() const;
  static size_t number(io::Lane lane) { return std::to_underlying(lane); }

  Prng random_;
  int64_t now_us_ = 0;
  std::array<int64_t, io::lane_count> stalled_until_us_{};
  std::array<uint64_t, io::lane_count> given_{};
  bool is_busy_ = false;
  std::deque<Job> jobs_;
};

}  // namespace naru::sim
