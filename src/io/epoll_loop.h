#pragma once
// The real loop: edge-triggered epoll, one thread. Sockets are registered once for both directions; a call from
// another thread costs an eventfd write only if the loop sleeps. With nothing to do it has no timeout.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "io/loop.h"

namespace naru::io {

/// Told by the loop what epoll says about its descriptor.
class Pollable {
 public:
  virtual ~Pollable() = default;
  virtual void on_events(uint32_t events) = 0;
};

class EpollLoop final : public Loop {
 public:
  EpollLoop();
  ~EpollLoop() override;

  /// Runs turns until stop(). The thread that calls it is the loop's thread.
  void run();
  /// Ends run() after this turn; from the loop's own thread.
  void stop() { stopping_ = true; }

  Millis now() const override { return now_; }
  Millis wall() const override;
  void work(Lane lane, Call job, Call done) override;
  void send(Call call) override;

  /// `what` must outlive its registration; closing the descriptor ends it.
  Result<void> watch(int fd, Pollable* what);
  /// Destroys `what` after this turn: epoll may have reported it already.
  void retire(std::unique_ptr<Pollable> what) { retired_.push_back(std::move(what)); }

 private:
  class Worker;
  void refresh_clock();
  bool run_sent();

  int epoll_ = -1, wake_ = -1;
  Millis now_ = 0;
  bool stopping_ = false;
  std::mutex mutex_;
  std::vector<Call> sent_;
  bool asleep_ = false;  // guarded by mutex_
  std::unique_ptr<Worker> workers_[lane_count];
  std::vector<std::unique_ptr<Pollable>> retired_;
};

}  // namespace naru::io
