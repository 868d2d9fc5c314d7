#include "io/exchange.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace naru::io {
namespace {

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

std::unexpected<Error> failed(const char* what) {
  bool late = errno == EAGAIN || errno == EINPROGRESS || errno == ETIMEDOUT;
  return fail(late ? Code::timeout : errno == ECONNREFUSED ? Code::closed : Code::io, what, errno);
}

Result<int> connect_to(const Endpoint& to, Millis timeout_ms) {
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_socktype = SOCK_STREAM;
  std::string port = std::to_string(to.port);
  if (::getaddrinfo(to.host.c_str(), port.c_str(), &wanted, &found) != 0)
    return fail(Code::not_found, "there is no such host");
  timeval limit{timeout_ms / 1000, timeout_ms % 1000 * 1000};
  int fd = -1;
  for (addrinfo* one = found; one && fd < 0; one = one->ai_next) {
    fd = ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
    if (fd < 0) continue;
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(fd, one->ai_addr, one->ai_addrlen) == 0) break;
    int error = errno;
    ::close(fd);
    fd = -1;
    errno = error;
  }
  ::freeaddrinfo(found);
  if (fd < 0) return failed("cannot connect");
  return fd;
}

}  // namespace

Result<std::string> exchange(const Endpoint& to, std::string_view request, Millis timeout_ms) {
  Descriptor socket{TRY(connect_to(to, timeout_ms))};
  int cut_off = 0;  // who refuses a request in its middle may have said why
  while (!request.empty() && cut_off == 0) {
    ssize_t sent = ::send(socket.fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) cut_off = errno;
    request.remove_prefix(static_cast<size_t>(std::max<ssize_t>(sent, 0)));
  }
  std::string answer;
  char buffer[16384];
  while (true) {
    ssize_t got = ::recv(socket.fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 && cut_off != 0 && answer.empty()) return errno = cut_off, failed("cannot send");
    if (got < 0 && cut_off == 0) return failed("no answer");
    if (got <= 0) return answer;
    answer.append(buffer, static_cast<size_t>(got));
  }
}

void wait(Millis ms) { ::poll(nullptr, 0, static_cast<int>(ms)); }

}  // namespace naru::io
