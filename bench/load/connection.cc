#include "connection.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "api.h"
#include "fail.h"
#include "wire.h"

namespace naru::load {
namespace {

constexpr size_t frame_bytes_max = 256u << 20;
constexpr size_t in_bytes_first = 256u << 10;

}  // namespace

Connection::Connection(const std::string& broker)
    : fd_(dial(broker)), in_(std::make_unique_for_overwrite<char[]>(in_bytes_first)), in_capacity_(in_bytes_first) {
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

Connection::~Connection() { close(fd_); }

void Connection::send(std::string head, std::string_view body, uint64_t tag, Expect expect) {
  write_at(head.data() + correlation_at, next_correlation_);
  if (expect == Expect::answer) pending_.push_back({next_correlation_, now_ns(), tag});
  ++next_correlation_;
  const bool was_idle = out_.empty();
  out_.push_back({std::move(head), body});
  if (was_idle) flush();
}

void Connection::flush() {
  while (!out_.empty()) {
    iovec parts[64];
    size_t used = 0, offered = 0, skip = out_sent_;
    for (const Outgoing& frame : out_) {
      if (used + 2 > std::size(parts)) break;
      for (std::string_view part : {std::string_view(frame.head), frame.body}) {
        const size_t skipped = std::min(skip, part.size());
        skip -= skipped;
        part.remove_prefix(skipped);
        if (part.empty()) continue;
        parts[used++] = {const_cast<char*>(part.data()), part.size()};
        offered += part.size();
      }
    }
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = used;
    const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR) continue;
      fail("the broker closed a connection: %s", std::strerror(errno));
    }
    out_sent_ += static_cast<size_t>(sent);
    while (!out_.empty()) {
      const size_t frame_bytes = out_.front().head.size() + out_.front().body.size();
      if (out_sent_ < frame_bytes) break;
      out_sent_ -= frame_bytes;
      out_.pop_front();
    }
    if (static_cast<size_t>(sent) < offered) return;  // the socket is full; epoll says when it is not
  }
}

void Connection::advance(uint32_t events) {
  if ((events & ~uint32_t{EPOLLOUT}) != 0) drained_ = false;
  if ((events & EPOLLOUT) != 0) flush();
}

// Reads once. A short read means that the socket is empty, and epoll will say when it is not.
void Connection::fill() {
  if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
  size_t wanted = 4;
  if (in_end_ - in_begin_ >= 4) wanted += read_at<uint32_t>(in_.get() + in_begin_);
  if (wanted > frame_bytes_max) fail("an answer of %zu bytes", wanted);
  if (wanted > in_capacity_ - in_begin_) {  // the frame does not fit behind what is there
    if (wanted > in_capacity_) {
      auto larger = std::make_unique_for_overwrite<char[]>(wanted + in_bytes_first);
      std::memcpy(larger.get(), in_.get() + in_begin_, in_end_ - in_begin_);
      in_ = std::move(larger);
      in_capacity_ = wanted + in_bytes_first;
    } else {
      std::memmove(in_.get(), in_.get() + in_begin_, in_end_ - in_begin_);
    }
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  const size_t room = in_capacity_ - in_end_;
  const ssize_t got = recv(fd_, in_.get() + in_end_, room, 0);
  if (got == 0) fail("the broker closed a connection with %zu requests unanswered", pending_.size());
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) fail("a connection broke: %s", std::strerror(errno));
    drained_ = errno == EAGAIN;
    return;
  }
  in_end_ += static_cast<size_t>(got);
  drained_ = static_cast<size_t>(got) < room;
}

std::optional<Connection::Answer> Connection::next_answer() {
  for (;;) {
    const size_t have = in_end_ - in_begin_;
    if (have >= 4) {
      const size_t frame_bytes = read_at<uint32_t>(in_.get() + in_begin_);
      if (have - 4 >= frame_bytes) {
        Reader frame({in_.get() + in_begin_ + 4, frame_bytes});
        in_begin_ += 4 + frame_bytes;
        const int32_t correlation = frame.i32();
        if (pending_.empty() || pending_.front().correlation != correlation)
          fail("an answer to request %d, which is not the oldest unanswered one", correlation);
        const Pending request = pending_.front();
        pending_.pop_front();
        return Answer{request.sent_ns, request.tag, frame.bytes(frame.left())};
      }
    }
    if (drained_) return std::nullopt;
    fill();
  }
}

Poller::Poller() : fd_(epoll_create1(EPOLL_CLOEXEC)) {}
Poller::~Poller() { close(fd_); }

void Poller::add(Connection& connection) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &connection;
  epoll_ctl(fd_, EPOLL_CTL_ADD, connection.fd(), &event);
}

std::span<Connection* const> Poller::wait(int64_t timeout_ns) {
  const timespec timeout{.tv_sec = timeout_ns / 1'000'000'000, .tv_nsec = timeout_ns % 1'000'000'000};
  const int count = epoll_pwait2(fd_, events_.data(), static_cast<int>(events_.size()), &timeout, nullptr);
  ready_.clear();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<size_t>(i)];
    ready_.push_back(static_cast<Connection*>(event.data.ptr));
    ready_.back()->advance(event.events);
  }
  return ready_;
}

}  // namespace naru::load
