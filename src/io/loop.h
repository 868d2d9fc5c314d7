#pragma once
// One core's event loop as the layers above see it: time, timers, what to do next, and a way to have a blocking call
// made elsewhere. EpollLoop is the real one, sim::SimLoop the one that tests drive from a seed.
#include <coroutine>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "io/task.h"

namespace naru::io {

/// Milliseconds; deadlines are absolute on the loop's monotonic clock.
using Millis = int64_t;
inline constexpr Millis never = INT64_MAX;

/// Who makes a blocking call; each lane is a thread that works in order. Journal writes and the segments' share of them
/// have their own, and so have reads for those who wait and checkpoints (bulk): a compaction (rewrite), which may take
/// minutes, delays no confirm, no reader, and no checkpoint, without which the journal would grow. What clients have
/// compressed (codec) takes a processor, not a disk.
enum class Lane : uint8_t { journal, segment, bulk, reads, rewrite, codec };
inline constexpr int lane_count = 6;

class Loop;

/// Calls back once after its deadline, unless armed anew or cancelled. Costs nothing while not armed.
class Timer {
 public:
  Timer(Loop& loop, std::move_only_function<void()> call) : loop_(loop), call_(std::move(call)) {}
  Timer(const Timer&) = delete;
  ~Timer() { cancel(); }
  void arm(Millis deadline);
  void cancel();
  Millis deadline() const { return deadline_; }

 private:
  friend class Loop;
  Loop& loop_;
  std::move_only_function<void()> call_;
  Millis deadline_ = never;
  std::multimap<Millis, Timer*>::iterator place_;
};

class Loop {
 public:
  using Call = std::move_only_function<void()>;
  virtual ~Loop() = default;

  /// Monotonic, as of the start of this turn.
  virtual Millis now() const = 0;
  /// Milliseconds since 1970, for timestamps that leave the process; deadlines never use it.
  virtual Millis wall() const = 0;
  /// Runs `job` where blocking is allowed, then `done` on this loop.
  virtual void work(Lane lane, Call job, Call done) = 0;
  /// Runs `call` on this loop; may be called from any thread. This is how cores talk to each other.
  virtual void send(Call call) = 0;

  /// Runs `call` later in this turn, after what is running now.
  void post(Call call) { ready_.push_back(std::move(call)); }
  /// Runs `call` at the end of this turn, when all input has been parsed: the place for one write that serves many.
  void at_turn_end(Call call) { turn_end_.push_back(std::move(call)); }
  /// co_await loop.sleep_until(t)
  auto sleep_until(Millis deadline) { return Sleep{*this, deadline, {}}; }

 protected:
  /// What all loops share; each returns whether there was anything to do.
  bool run_ready();
  bool run_turn_end();
  bool run_timers();
  bool has_ready() const { return !ready_.empty() || !turn_end_.empty(); }
  Millis next_deadline() const { return timers_.empty() ? never : timers_.begin()->first; }

 private:
  friend class Timer;
  struct Sleep {
    Loop& loop;
    Millis deadline;
    std::unique_ptr<Timer> timer;
    bool await_ready() const { return loop.now() >= deadline; }
    void await_suspend(std::coroutine_handle<> waiter) {
      timer = std::make_unique<Timer>(loop, [waiter] { waiter.resume(); });
      timer->arm(deadline);
    }
    void await_resume() {}
  };

  std::vector<Call> ready_, turn_end_;
  std::multimap<Millis, Timer*> timers_;
};

/// auto result = co_await work(loop, Lane::bulk, [&] { return file.sync(); });
template <class Job>
auto work(Loop& loop, Lane lane, Job job) -> Task<decltype(job())> {
  using T = decltype(job());
  Once<bool> finished;
  std::optional<T> result;
  loop.work(lane, [&] { result.emplace(job()); }, [&] { finished.set(true); });
  co_await finished;
  co_return std::move(*result);
}

}  // namespace naru::io
