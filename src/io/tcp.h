#pragma once
// TCP on an EpollLoop.
#include <atomic>
#include <functional>

#include "io/epoll_loop.h"
#include "io/net.h"

namespace naru::io {

/// How many connections may be open at once, so that files find descriptors too. Shared by listeners; any thread.
class SocketLimit {
 public:
  explicit SocketLimit(uint64_t most) : most_(most) {}
  bool take() {
    if (open_.fetch_add(1) < most_) return true;
    give();
    return false;
  }
  void give() { open_.fetch_sub(1); }
  uint64_t most() const { return most_; }

 private:
  const uint64_t most_;
  std::atomic<uint64_t> open_ = 0;
};

/// An open socket, closed at the end; counts in a limit if there is one. Moves between cores.
class Socket {
 public:
  explicit Socket(int fd, std::shared_ptr<SocketLimit> limit = nullptr) : fd_(fd), limit_(std::move(limit)) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), limit_(std::move(other.limit_)) {}
  ~Socket() { close(); }
  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void close();
  /// A peer whose machine or network is gone, and who says nothing any more, counts as closed after half a minute.
  /// Costs a few probes a minute while nothing is said.
  void notice_dead_peer();

 private:
  int fd_;
  std::shared_ptr<SocketLimit> limit_;
};

/// Puts an accepted socket on `loop`; from that loop's thread.
std::unique_ptr<Stream> adopt(EpollLoop& loop, Socket socket);

/// Accepts connections until it is destroyed. When the limit is reached, or the process has no descriptor left, who
/// connects waits in the kernel's queue; the listener says so in the log and tries again.
class TcpListener {
 public:
  virtual ~TcpListener() = default;
  /// As bound: the port is the one chosen when 0 was asked for.
  virtual const Endpoint& endpoint() const = 0;
};
Result<std::unique_ptr<TcpListener>> listen(EpollLoop& loop, const Endpoint& at,
                                            std::move_only_function<void(Socket)> on_accept,
                                            std::shared_ptr<SocketLimit> limit = nullptr);

/// Calls back on the loop for SIGTERM and SIGINT, which are blocked in all threads from now on. SIGHUP is ignored.
Result<std::unique_ptr<Pollable>> on_signals(EpollLoop& loop, std::move_only_function<void(int)> call);

}  // namespace naru::io
