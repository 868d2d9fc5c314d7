// One kept HTTP connection with at most one request under way, as the SDKs use theirs. Non-blocking under an epoll.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "settings.h"

namespace naru::load::sqs {

class Connection {
 public:
  explicit Connection(const std::string& broker);
  Connection(Connection&&) = delete;
  ~Connection();

  /// A whole request of the JSON protocol, with the headers that an SDK sends; a signature among them that nobody
  /// verifies.
  static std::string request(std::string_view action, std::string_view body);

  /// Sends all of it or ends the program: a request is small beside a socket's buffer. Keeps nothing of it.
  void send(std::string_view request);
  /// Reads what the socket has. True when the answer is whole; then it is in body() until the next send().
  bool fill();
  /// Blocks until the answer is whole.
  void await();

  int fd() const { return fd_; }
  int status() const { return status_; }
  std::string_view body() const { return {in_.data() + body_at_, body_size_}; }
  int64_t sent_at_ns() const { return sent_at_ns_; }

 private:
  bool parse();

  int fd_;
  std::vector<char> in_;
  size_t end_ = 0, body_at_ = 0, body_size_ = 0;
  int status_ = 0;
  int64_t sent_at_ns_ = 0;
};

/// Where queue `index` is, without asking: naru and its look-alikes find it by its name.
std::string queue_url(const Settings& settings, int64_t index);
/// Makes the queues, each with a visibility timeout that no measurement outlives.
void create_queues(const Settings& settings);

/// The values of all members of this name in a JSON text that was made by a server: their text as it stands there.
template <typename Use>
void for_each_member(std::string_view text, std::string_view name, Use&& use) {
  const std::string quoted = '"' + std::string(name) + "\":";
  for (size_t at = text.find(quoted); at != std::string_view::npos; at = text.find(quoted, at)) {
    at = text.find('"', at + quoted.size());
    const size_t end = text.find('"', at + 1);
    if (end == std::string_view::npos) return;
    use(text.substr(at + 1, end - at - 1));
    at = end;
  }
}

}  // namespace naru::load::sqs
