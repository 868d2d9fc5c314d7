#include "io/epoll_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace naru::io {

/// One thread that makes blocking calls in order. Started by its first job.
class EpollLoop::Worker {
 public:
  explicit Worker(EpollLoop& loop) : loop_(loop) {}
  ~Worker() {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }
  void add(Call job, Call done) {
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    {
      std::lock_guard lock(mutex_);
      jobs_.emplace_back(std::move(job), std::move(done));
    }
    changed_.notify_one();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      auto [job, done] = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      loop_.send(std::move(done));
      lock.lock();
    }
  }

  EpollLoop& loop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<Call, Call>> jobs_;
  bool ending_ = false;
  std::thread thread_;
};

EpollLoop::EpollLoop() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CHECK(epoll_ >= 0 && wake_ >= 0);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0);
  for (auto& worker : workers_) worker = std::make_unique<Worker>(*this);
  refresh_clock();
}

EpollLoop::~EpollLoop() {
  for (auto& worker : workers_) worker.reset();  // joins: no job outlives the loop
  ::close(wake_);
  ::close(epoll_);
}

void EpollLoop::refresh_clock() {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  now_ = t.tv_sec * 1000 + t.tv_nsec / 1'000'000;
}

Millis EpollLoop::wall() const {
  timespec t;
  ::clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1'000'000;
}

void EpollLoop::work(Lane lane, Call job, Call done) {
  workers_[static_cast<int>(lane)]->add(std::move(job), std::move(done));
}

void EpollLoop::send(Call call) {
  bool wake;
  {
    std::lock_guard lock(mutex_);
    sent_.push_back(std::move(call));
    wake = std::exchange(asleep_, false);
  }
  if (wake) {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t n = ::write(wake_, &one, sizeof one);
  }
}

bool EpollLoop::run_sent() {
  std::vector<Call> calls;
  {
    std::lock_guard lock(mutex_);
    calls.swap(sent_);
  }
  for (auto& call : calls) call();
  return !calls.empty();
}

Result<void> EpollLoop::watch(int fd, Pollable* what) {
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = what}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return fail(Code::io, "epoll_ctl", errno);
  return {};
}

void EpollLoop::run() {
  constexpr int batch = 256;
  epoll_event events[batch];
  while (!stopping_) {
    retired_.clear();
    run_sent();
    while (run_ready()) {
    }
    run_turn_end();
    Millis next = next_deadline();
    int timeout = has_ready() ? 0 : next == never ? -1 : static_cast<int>(std::clamp<Millis>(next - now_, 0, 1 << 30));
    {
      std::lock_guard lock(mutex_);
      if (!sent_.empty()) timeout = 0;
      asleep_ = timeout != 0;
    }
    if (stopping_) break;
    int n = ::epoll_wait(epoll_, events, batch, timeout);
    {
      std::lock_guard lock(mutex_);
      asleep_ = false;
    }
    refresh_clock();
    for (int i = 0; i < n; ++i) {
      if (auto* what = static_cast<Pollable*>(events[i].data.ptr)) {
        what->on_events(events[i].events);
      } else {
        uint64_t count;
        [[maybe_unused]] ssize_t r = ::read(wake_, &count, sizeof count);
      }
    }
    run_timers();
  }
}

}  // namespace naru::io
