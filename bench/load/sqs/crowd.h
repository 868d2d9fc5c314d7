// Many connections under one epoll: each has one request under way, and what follows an answer is for the mode to say.
#pragma once

#include <sys/epoll.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "../dial.h"
#include "../fail.h"
#include "../histogram.h"
#include "../report.h"
#include "connection.h"

namespace naru::load::sqs {

class Crowd {
 public:
  explicit Crowd(const Settings& settings) : settings_(settings) {
    for (int64_t i = 0; i < settings.connections; ++i) {
      connections_.push_back(std::make_unique<Connection>(settings.broker));
      epoll_event event{.events = EPOLLIN, .data = {.u64 = static_cast<uint64_t>(i)}};
      if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_.back()->fd(), &event) != 0) fail("epoll_ctl");
    }
  }
  ~Crowd() { close(epoll_); }

  /// `first(index, connection)` sends each connection's first request; `next(index, connection)` looks at an answer and
  /// sends another, or returns false: then this connection is done. Returns when all are.
  template <typename First, typename Next>
  void run(First&& first, Next&& next) {
    cpu_before_ = cpu_seconds();
    begin_ns_ = now_ns();
    size_t busy = 0;
    for (size_t i = 0; i < connections_.size(); ++i) busy += first(i, *connections_[i]) ? 1 : 0;
    epoll_event events[256];
    while (busy > 0) {
      const int count = epoll_wait(epoll_, events, 256, 60'000);
      if (count == 0) fail("no answer in a minute");
      for (int i = 0; i < count; ++i) {
        const size_t index = events[i].data.u64;
        Connection& connection = *connections_[index];
        if (!connection.fill()) continue;
        if (connection.status() != 200)
          fail("%d %.*s", connection.status(), static_cast<int>(connection.body().size()), connection.body().data());
        answer_ns_.add(now_ns() - connection.sent_at_ns());
        ++requests_;
        if (!next(index, connection)) --busy;
      }
    }
    seconds_ = static_cast<double>(now_ns() - begin_ns_) / 1e9;
  }

  bool is_over() const {
    return settings_.seconds > 0 && static_cast<double>(now_ns() - begin_ns_) / 1e9 >= settings_.seconds;
  }

  int report(const char* mode, uint64_t messages) const {
    Line line(mode);
    line.whole("messages", messages)
        .whole("requests", requests_)
        .whole("bytes", messages * static_cast<uint64_t>(settings_.bytes));
    line.number("seconds", seconds_);
    line.number("messages_per_s", static_cast<double>(messages) / seconds_);
    line.number("requests_per_s", static_cast<double>(requests_) / seconds_);
    line.json("answer_ms", answer_ns_.json());
    line.number("load_cpu", (cpu_seconds() - cpu_before_) / seconds_);
    return conclude(line, errors);
  }

  Errors errors;

 private:
  const Settings& settings_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<Connection>> connections_;
  Histogram answer_ns_;
  uint64_t requests_ = 0;
  int64_t begin_ns_ = 0;
  double seconds_ = 0, cpu_before_ = 0;
};

}  // namespace naru::load::sqs
