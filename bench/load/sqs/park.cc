// park: long polls on empty queues, to be weighed from outside. Whoever is answered asks again.
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "../fail.h"
#include "connection.h"

namespace naru::load::sqs {

int run_park(const Settings& settings) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  create_queues(settings);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<Connection>> parked;
  std::vector<std::string> requests;
  for (int64_t i = 0; i < settings.queues; ++i)
    requests.push_back(Connection::request("ReceiveMessage",
                                           R"({"QueueUrl":")" + queue_url(settings, i) + R"(","WaitTimeSeconds":20})"));
  for (size_t i = 0; i < static_cast<size_t>(settings.connections); ++i) {
    parked.push_back(std::make_unique<Connection>(settings.broker));
    parked.back()->send(requests[i % requests.size()]);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, parked.back()->fd(), &event) != 0) fail("epoll_ctl");
  }
  constexpr uint64_t the_end = ~uint64_t{0};
  epoll_event stdin_event{.events = EPOLLIN, .data = {.u64 = the_end}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &stdin_event) != 0) fail("stdin is no pipe");
  std::puts("{\"mode\":\"park\"}");
  std::fflush(stdout);
  for (epoll_event events[256];;) {
    const int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      const uint64_t index = events[i].data.u64;
      if (index == the_end) return 0;
      Connection& connection = *parked[index];
      if (!connection.fill()) continue;
      if (connection.status() != 200)
        fail("%d %.*s", connection.status(), static_cast<int>(connection.body().size()), connection.body().data());
      connection.send(requests[index % requests.size()]);
    }
  }
}

}  // namespace naru::load::sqs
