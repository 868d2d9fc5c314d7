// Non-blocking connections to one broker, and the epoll that wakes their only thread.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dial.h"

namespace naru::load {

/// Requests go out in order and answers come back in that order, as Kafka promises per connection.
class Connection {
 public:
  struct Answer {
    int64_t sent_ns;        // when the request was handed to `send`
    uint64_t tag;           // what the sender said about it
    std::string_view body;  // after the correlation id; valid until the next call
  };

  explicit Connection(const std::string& broker);
  Connection(Connection&&) = delete;
  ~Connection();

  /// Queues a frame; `body` follows `head` without being copied and must outlive the run.
  /// A frame without an answer is a Produce with acks=0.
  enum class Expect : bool { answer, nothing };
  void send(std::string head, std::string_view body, uint64_t tag, Expect expect = Expect::answer);

  /// Epoll's word on the socket: writes what it takes, and lets `next_answer` read what it has.
  void advance(uint32_t events);
  std::optional<Answer> next_answer();

  size_t unanswered() const { return pending_.size(); }
  size_t unsent() const { return out_.size(); }
  int fd() const { return fd_; }

 private:
  struct Outgoing {
    std::string head;
    std::string_view body;
  };
  struct Pending {
    int32_t correlation;
    int64_t sent_ns;
    uint64_t tag;
  };

  void flush();
  void fill();

  int fd_;
  int32_t next_correlation_ = 1;
  std::deque<Outgoing> out_;
  size_t out_sent_ = 0;  // bytes of the first frame that the socket took already
  std::deque<Pending> pending_;
  std::unique_ptr<char[]> in_;
  size_t in_capacity_, in_begin_ = 0, in_end_ = 0;
  bool drained_ = true;  // the socket has nothing until epoll says so
};

class Poller {
 public:
  Poller();
  ~Poller();
  void add(Connection& connection);
  /// Advances the connections that can, and returns them; none when `timeout_ns` passed first.
  std::span<Connection* const> wait(int64_t timeout_ns);

 private:
  int fd_;
  std::vector<epoll_event> events_{256};
  std::vector<Connection*> ready_;
};

}  // namespace naru::load
