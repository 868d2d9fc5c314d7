#include "io/tcp.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "io/logger.h"

namespace naru::io {
namespace {

std::string text_of(const sockaddr_storage& address, bool with_port) {
  char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
  ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), sizeof address, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
  // A listener of both families has the peers of IPv4 as "::ffff:127.0.0.1": they are who they are anywhere else.
  constexpr std::string_view mapped = "::ffff:";
  std::string_view name(host);
  if (name.starts_with(mapped) && name.contains('.')) name.remove_prefix(mapped.size());
  if (!with_port) return std::string(name);
  return (name.contains(':') ? "[" + std::string(name) + "]" : std::string(name)) + ":" + port;
}

constexpr uint64_t send_bytes_max = MiB;     // at one go, so that a fast reader does not hog the loop
constexpr uint64_t receive_bytes_max = MiB;  // in one turn: nor does a fast writer
constexpr Millis cached_for_ms = 1'000;      // what was seen in the page cache is taken to be there for so long

/// The part of a stream that epoll knows; outlives the stream by the rest of the turn.
class TcpSocket final : public Pollable {
 public:
  TcpSocket(EpollLoop& loop, Socket socket) : loop_(loop), socket_(std::move(socket)) {}
  ~TcpSocket() override { shut(); }
  bool is_open() const { return socket_.is_open(); }
  int fd() const { return socket_.fd(); }

  void on_events(uint32_t events) override {
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
      ending_ = true;
      if (auto call = std::exchange(on_end_, nullptr)) call();
    }
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
      readable_ = true;
      received_ = 0;
      if (reader_) reader_->wake();
    }
    if (is_open() && events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
      writable_ = true;
      flush();
    }
  }

  Result<size_t> read_now(std::span<uint8_t> into) {
    if (!is_open()) return fail(Code::closed, "connection closed");
    ssize_t n = ::recv(fd(), into.data(), into.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      readable_ = errno == EINTR;
      return fail(Code::busy);
    }
    if (n < 0) return fail(Code::closed, "connection reset", errno);
    // Edge-triggered: a short read has drained the socket and new bytes raise a new event, unless the peer's end,
    // which raises no second one, comes next.
    if (static_cast<size_t>(n) < into.size() && !ending_) readable_ = false;
    received_ += static_cast<uint64_t>(n);
    return static_cast<size_t>(n);
  }

  void queue(Bytes bytes) {
    if (bytes.empty() || !is_open()) return;
    queued_ += bytes.size();
    pieces_.push_back({.bytes = std::move(bytes), .range = {}});
    flush_later();
  }
  void queue(FileRange range) {
    if (range.length == 0 || !is_open()) return;
    queued_ += range.length;
    uint64_t cached = range.just_written ? range.length : 0;
    pieces_.push_back(
        {.bytes = {}, .range = std::move(range), .cached = cached, .cached_until = loop_.now() + cached_for_ms});
    flush_later();
  }

  void shut() {
    if (!is_open()) return;
    socket_.close();
    pieces_.clear();
    queued_ = 0;
    if (reader_) std::exchange(reader_, nullptr)->wake();
    wake_drained();
  }

  void flush_later() {
    if (flush_planned_) return;
    flush_planned_ = true;
    loop_.at_turn_end([this, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.expired()) return;
      flush_planned_ = false;
      flush();
    });
  }

  void flush() {
    while (is_open() && writable_ && !loading_ && !pieces_.empty()) {
      if (pieces_.front().range.file && must_load()) break;
      ssize_t n = pieces_.front().range.file ? send_range() : send_bytes();
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) {
        writable_ = false;
        break;
      }
      if (n <= 0) return shut();
      if (static_cast<uint64_t>(n) == send_bytes_max) {  // more may fit, but let others have a turn
        flush_later();
        break;
      }
    }
    wake_drained();
  }

  /// Who waits until less is queued, or for the end. Whoever is woken may wait again, or end the stream.
  void wake_drained() {
    for (size_t i = 0; i < drainers_.size();) {
      if (is_open() && queued_ > drainers_[i].bytes) {
        ++i;
        continue;
      }
      Wakeup* next = drainers_[i].wakeup;
      drainers_.erase(drainers_.begin() + static_cast<long>(i));
      next->wake();
      i = 0;
    }
  }

  struct Piece {
    Bytes bytes;
    FileRange range;
    size_t sent = 0;
    // Of a range: how much of it is in the page cache, and until when that is believed.
    uint64_t cached = 0;
    Millis cached_until = 0;
  };

  /// Sending what is not in the page cache would make everybody on this loop wait for the disk: another thread has it
  /// read first. True while that goes on.
  bool must_load() {
    Piece& piece = pieces_.front();
    if (piece.sent < piece.cached && loop_.now() < piece.cached_until) return false;
    uint64_t at = piece.range.at + piece.sent;
    uint64_t length = std::min<uint64_t>(piece.range.length - piece.sent, send_bytes_max);
    piece.cached = piece.sent + length;
    piece.cached_until = loop_.now() + cached_for_ms;
    if (piece.range.file->is_cached(at, length)) return false;
    loading_ = true;
    loop_.work(
        Lane::reads, [file = piece.range.file, at, length] { file->load(at, length); },
        [this, alive = std::weak_ptr<bool>(alive_)] {
          if (alive.expired()) return;
          loading_ = false;
          if (!pieces_.empty()) pieces_.front().cached_until = loop_.now() + cached_for_ms;
          flush();
        });
    return true;
  }

  ssize_t send_bytes() {
    constexpr int batch = 64;
    iovec parts[batch];
    msghdr message{};
    message.msg_iov = parts;
    size_t total = 0;
    bool range_follows = false;
    for (const Piece& piece : pieces_) {
      if (piece.range.file) {
        range_follows = true;
        break;
      }
      if (message.msg_iovlen == batch || total >= send_bytes_max) break;
      size_t length = std::min<size_t>(piece.bytes.size() - piece.sent, send_bytes_max - total);
      parts[message.msg_iovlen++] = {const_cast<uint8_t*>(piece.bytes.data()) + piece.sent, length};
      total += length;
    }
    ssize_t n = ::sendmsg(fd(), &message, MSG_NOSIGNAL | (range_follows ? MSG_MORE : 0));
    if (n > 0) consumed(static_cast<size_t>(n));
    return n;
  }

  ssize_t send_range() {
    Piece& piece = pieces_.front();
    off_t at = static_cast<off_t>(piece.range.at + piece.sent);
    size_t length = std::min<uint64_t>(piece.range.length - piece.sent, send_bytes_max);
    ssize_t n = ::sendfile(fd(), piece.range.file->descriptor(), &at, length);
    if (n > 0) consumed(static_cast<size_t>(n));
    return n;
  }

  void consumed(size_t n) {
    queued_ -= n;
    while (n > 0) {
      Piece& piece = pieces_.front();
      size_t left = (piece.range.file ? piece.range.length : piece.bytes.size()) - piece.sent;
      if (n < left) {
        piece.sent += n;
        return;
      }
      n -= left;
      pieces_.pop_front();
    }
  }

  EpollLoop& loop_;
  Socket socket_;
  uint64_t received_ = 0;  // in this turn of the loop
  bool readable_ = true, writable_ = true, ending_ = false, flush_planned_ = false, loading_ = false;
  std::deque<Piece> pieces_;
  uint64_t queued_ = 0;
  struct Drainer {
    Wakeup* wakeup;
    uint64_t bytes;
  };
  Wakeup* reader_ = nullptr;
  std::vector<Drainer> drainers_;
  std::move_only_function<void()> on_end_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class TcpStream final : public Stream {
 public:
  TcpStream(EpollLoop& loop, Socket socket)
      : loop_(loop), socket_(std::make_unique<TcpSocket>(loop, std::move(socket))) {
    int fd = socket_->fd();
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0) peer_ = text_of(address, true);
    length = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0) local_ = text_of(address, false);
  }
  ~TcpStream() override {
    socket_->reader_ = nullptr;
    socket_->drainers_.clear();
    socket_->on_end_ = nullptr;
    socket_->shut();
    loop_.retire(std::move(socket_));
  }

  Result<void> start() { return loop_.watch(socket_->fd(), socket_.get()); }

  Task<Result<size_t>> read(std::span<uint8_t> into) override {
    if (socket_->received_ >= receive_bytes_max) co_await next_turn();
    while (true) {
      if (!socket_->readable_) co_await readable();
      auto n = socket_->read_now(into);
      if (n || n.error().code != Code::busy) co_return n;
    }
  }
  Task<> readable() override {
    while (!socket_->readable_ && socket_->is_open()) {
      Wakeup wakeup;
      socket_->reader_ = &wakeup;
      co_await wakeup;
      socket_->reader_ = nullptr;
    }
  }
  void on_end(std::move_only_function<void()> call) override {
    socket_->on_end_ = std::move(call);
    if (!socket_->ending_) return;
    // It came with the last data: no second event will tell.
    loop_.post([socket = socket_.get(), alive = std::weak_ptr<bool>(socket_->alive_)] {
      if (alive.expired()) return;
      if (auto told = std::exchange(socket->on_end_, nullptr)) told();
    });
  }
  void send(Bytes bytes) override { socket_->queue(std::move(bytes)); }
  void send(FileRange range) override { socket_->queue(std::move(range)); }
  uint64_t queued() const override { return socket_->queued_; }
  uint64_t untaken() const override {
    int sent = 0;
    bool known = socket_->is_open() && ::ioctl(socket_->fd(), SIOCOUTQ, &sent) == 0;
    return socket_->queued_ + (known ? static_cast<uint64_t>(sent) : 0);
  }
  Task<Result<void>> drained(uint64_t bytes) override {
    while (socket_->is_open() && socket_->queued_ > bytes) {
      Wakeup wakeup;
      socket_->drainers_.push_back({&wakeup, bytes});
      co_await wakeup;
    }
    if (!socket_->is_open()) co_return fail(Code::closed, "connection closed");
    co_return Result<void>();
  }
  void close() override { socket_->shut(); }
  std::string peer() const override { return peer_; }
  std::string local_host() const override { return local_; }

 private:
  /// Lets the others have a turn of the loop.
  Task<> next_turn() {
    socket_->received_ = 0;
    Wakeup wakeup;
    socket_->reader_ = &wakeup;
    loop_.send([socket = socket_.get(), alive = std::weak_ptr<bool>(socket_->alive_)] {
      if (!alive.expired() && socket->reader_) socket->reader_->wake();
    });
    co_await wakeup;
    socket_->reader_ = nullptr;
  }

  EpollLoop& loop_;
  std::unique_ptr<TcpSocket> socket_;
  std::string peer_ = "?", local_ = "127.0.0.1";
};

class Listener final : public TcpListener {
 public:
  Listener(EpollLoop& loop, Endpoint endpoint, int fd, std::move_only_function<void(Socket)> on_accept,
           std::shared_ptr<SocketLimit> limit)
      : loop_(loop),
        endpoint_(std::move(endpoint)),
        socket_(std::make_unique<Acceptor>(loop, fd, std::move(on_accept), std::move(limit), endpoint_)) {}
  ~Listener() override {
    socket_->shut();
    loop_.retire(std::move(socket_));
  }
  Result<void> start() { return loop_.watch(socket_->fd, socket_.get()); }
  const Endpoint& endpoint() const override { return endpoint_; }

 private:
  struct Acceptor final : Pollable {
    Acceptor(EpollLoop& loop, int descriptor, std::move_only_function<void(Socket)> call,
             std::shared_ptr<SocketLimit> most, const Endpoint& at)
        : owner(loop),
          fd(descriptor),
          on_accept(std::move(call)),
          limit(std::move(most)),
          place(at),
          retry(loop, [this] { on_events(EPOLLIN); }) {}
    ~Acceptor() override { shut(); }
    void shut() {
      if (fd >= 0) ::close(std::exchange(fd, -1));
      retry.cancel();
    }
    void on_events(uint32_t) override {
      while (fd >= 0) {
        if (limit && !limit->take()) return pause("as many are open as the limit of open files allows");
        int accepted = ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        int number = errno;
        if (accepted >= 0) {
          int on = 1;
          ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          on_accept(Socket(accepted, limit));
          continue;
        }
        if (limit) limit->give();
        if (number == EINTR || number == ECONNABORTED) continue;
        // No descriptors or no memory: others must close first. The socket is watched for edges, so nothing spins.
        if (number != EAGAIN) pause(std::strerror(number));
        return;
      }
    }
    void pause(const char* why) {
      constexpr Millis between_tries = 100, between_lines = 60'000;
      retry.arm(owner.now() + between_tries);
      if (owner.now() < quiet_until) return;
      quiet_until = owner.now() + between_lines;
      log(Level::warning, "new connections have to wait", {{"address", place.text()}, {"reason", why}});
    }
    EpollLoop& owner;
    int fd;
    std::move_only_function<void(Socket)> on_accept;
    std::shared_ptr<SocketLimit> limit;
    const Endpoint& place;
    Timer retry;
    Millis quiet_until = 0;
  };
  EpollLoop& loop_;
  Endpoint endpoint_;
  std::unique_ptr<Acceptor> socket_;
};

class Signals final : public Pollable {
 public:
  Signals(int fd, std::move_only_function<void(int)> call) : fd_(fd), call_(std::move(call)) {}
  ~Signals() override { ::close(fd_); }
  void on_events(uint32_t) override {
    signalfd_siginfo info;
    while (::read(fd_, &info, sizeof info) == sizeof info) call_(static_cast<int>(info.ssi_signo));
  }

 private:
  int fd_;
  std::move_only_function<void(int)> call_;
};

}  // namespace

void Socket::close() {
  if (fd_ < 0) return;
  ::close(std::exchange(fd_, -1));
  if (limit_) limit_->give();
}

void Socket::notice_dead_peer() {
  constexpr int on = 1, idle_s = 15, between_s = 5, probes = 3, unacknowledged_ms = 30'000;
  ::setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd_, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  ::setsockopt(fd_, IPPROTO_TCP, TCP_KEEPINTVL, &between_s, sizeof between_s);
  ::setsockopt(fd_, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  ::setsockopt(fd_, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
}

std::unique_ptr<Stream> adopt(EpollLoop& loop, Socket socket) {
  auto stream = std::make_unique<TcpStream>(loop, std::move(socket));
  if (!stream->start()) stream->close();  // the session sees it closed
  return stream;
}

Result<std::unique_ptr<TcpListener>> listen(EpollLoop& loop, const Endpoint& at,
                                            std::move_only_function<void(Socket)> on_accept,
                                            std::shared_ptr<SocketLimit> limit) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  std::string port = std::to_string(at.port);
  if (::getaddrinfo(at.host.empty() ? nullptr : at.host.c_str(), port.c_str(), &hints, &found) != 0 || !found)
    return fail(Code::not_found, "no such address to listen on");
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
  int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd, 4096) != 0) {
    int number = errno;
    ::close(fd);
    return fail(number == EADDRINUSE ? Code::busy : Code::io, "cannot listen", number);
  }
  Endpoint bound = at;
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  bound.port = ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                                   : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
  auto listener = std::make_unique<Listener>(loop, std::move(bound), fd, std::move(on_accept), std::move(limit));
  TRY_VOID(listener->start());
  return listener;
}

Result<std::unique_ptr<Pollable>> on_signals(EpollLoop& loop, std::move_only_function<void(int)> call) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);  // a terminal that is closed, or a script that rotates logs, ends no broker
  int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return fail(Code::io, "signalfd", errno);
  auto signals = std::make_unique<Signals>(fd, std::move(call));
  TRY_VOID(loop.watch(fd, signals.get()));
  return signals;
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Code::invalid, "an address is HOST:PORT");
  Endpoint out{.host = std::string(text.substr(0, colon))};
  if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  if (out.host.find_first_of("[]") != std::string::npos)
    return fail(Code::invalid, "brackets go around an IPv6 address");
  unsigned port = 0;
  if (colon + 1 == text.size()) return fail(Code::invalid, "an address is HOST:PORT");
  for (char digit : text.substr(colon + 1)) {
    if (digit < '0' || digit > '9' || (port = port * 10 + static_cast<unsigned>(digit - '0')) > 65535)
      return fail(Code::invalid, "a port is a number up to 65535");
  }
  out.port = static_cast<uint16_t>(port);
  return out;
}

}  // namespace naru::io
