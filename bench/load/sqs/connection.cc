#include "connection.h"

#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "../dial.h"
#include "../fail.h"

namespace naru::load::sqs {

Connection::Connection(const std::string& broker) : fd_(dial(broker)), in_(4096) {}

Connection::~Connection() { close(fd_); }

std::string Connection::request(std::string_view action, std::string_view body) {
  std::string text =
      "POST / HTTP/1.1\r\nHost: localhost:9324\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.";
  text.append(action).append(
      "\r\nUser-Agent: aws-sdk-load/1.0 ua/2.1 os/linux lang/c++ md/load\r\nX-Amz-Date: 20260101T000000Z\r\n"
      "Authorization: AWS4-HMAC-SHA256 Credential=load/20260101/us-east-1/sqs/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
      "Signature=0000000000000000000000000000000000000000000000000000000000000000\r\n"
      "amz-sdk-invocation-id: 00000000-0000-0000-0000-000000000000\r\namz-sdk-request: attempt=1\r\nContent-Length: ");
  text.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return text;
}

void Connection::send(std::string_view request) {
  end_ = 0;
  sent_at_ns_ = now_ns();
  while (!request.empty()) {
    const ssize_t done = ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
    if (done < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (done < 0) fail("the server closed a connection: %s", std::strerror(errno));
    request.remove_prefix(static_cast<size_t>(done));
  }
}

bool Connection::fill() {
  for (;;) {
    if (end_ == in_.size()) in_.resize(in_.size() * 2);
    const ssize_t got = recv(fd_, in_.data() + end_, in_.size() - end_, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) fail("the server closed a connection under a request");
    end_ += static_cast<size_t>(got);
    if (parse()) return true;
  }
}

void Connection::await() {
  while (!fill()) {
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, 60'000) == 0) fail("no answer in a minute");
  }
}

bool Connection::parse() {
  const std::string_view all(in_.data(), end_);
  const size_t head = all.find("\r\n\r\n");
  if (head == std::string_view::npos) return false;
  body_at_ = head + 4;
  std::from_chars(all.data() + std::strlen("HTTP/1.1 "), all.data() + head, status_);
  body_size_ = ~size_t{0};
  constexpr std::string_view name = "content-length:";
  for (size_t at = all.find("\r\n"); at < head; at = all.find("\r\n", at + 2)) {
    const std::string_view line = all.substr(at + 2, all.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    const size_t digits = line.find_first_not_of(' ', name.size());
    std::from_chars(line.data() + digits, line.data() + line.size(), body_size_);
  }
  if (body_size_ == ~size_t{0}) fail("an answer without Content-Length: %.*s", static_cast<int>(head), all.data());
  return end_ >= body_at_ + body_size_;
}

std::string queue_url(const Settings& settings, int64_t index) {
  return "http://" + settings.broker + "/000000000000/" + settings.name + "-" + std::to_string(index);
}

void create_queues(const Settings& settings) {
  Connection connection(settings.broker);
  for (int64_t i = 0; i < settings.queues; ++i) {
    connection.send(Connection::request("CreateQueue", R"({"QueueName":")" + settings.name + "-" + std::to_string(i) +
                                                           R"(","Attributes":{"VisibilityTimeout":"3600"}})"));
    connection.await();
    if (connection.status() != 200)
      fail("CreateQueue: %d %.*s", connection.status(), static_cast<int>(connection.body().size()),
           connection.body().data());
  }
}

}  // namespace naru::load::sqs
