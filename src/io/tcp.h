#pragma once
// TCP on an EpollLoop.
#include <functional>

#include "io/epoll_loop.h"
#include "io/net.h"

namespace naru::io {

/// An open socket that is not yet on any loop; moves between cores.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Socket();
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// Puts an accepted socket on `loop`; from that loop's thread.
std::unique_ptr<Stream> adopt(EpollLoop& loop, Socket socket);

/// Accepts connections until it is destroyed. When the process has no descriptor left, it pauses and tries again.
class TcpListener {
 public:
  virtual ~TcpListener() = default;
  /// As bound: the port is the one chosen when 0 was asked for.
  virtual const Endpoint& endpoint() const = 0;
};
Result<std::unique_ptr<TcpListener>> listen(EpollLoop& loop, const Endpoint& at,
                                            std::move_only_function<void(Socket)> on_accept);

/// Calls back on the loop for SIGTERM and SIGINT, which are blocked in all threads from now on.
Result<std::unique_ptr<Pollable>> on_signals(EpollLoop& loop, std::move_only_function<void(int)> call);

}  // namespace naru::io
