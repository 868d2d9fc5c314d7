#include "dial.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "fail.h"

namespace naru::load {

int64_t now_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

int dial(const std::string& broker) {
  const size_t colon = broker.rfind(':');
  if (colon == std::string::npos) fail("--broker is HOST:PORT, not '%s'", broker.c_str());
  const std::string host = broker.substr(0, colon), port = broker.substr(colon + 1);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0)
    fail("%s: %s", broker.c_str(), gai_strerror(error));
  int last_error = 0;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
    if (fd < 0) fail("socket: %s", std::strerror(errno));
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
      const int yes = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      freeaddrinfo(found);
      return fd;
    }
    last_error = errno;
    close(fd);
  }
  fail("cannot connect to %s: %s", broker.c_str(), std::strerror(last_error));
}

}  // namespace naru::load
