#pragma once
// Who asks over one connection: nearly always one client, but each request may be signed by somebody else, or name
// another token in its queue URL.
#include "sqs/queues.h"

namespace naru::sqs {

class Holders {
 public:
  Holders(Queues& queues, std::string host) : queues_(queues), host_(std::move(host)) {}
  Holders(const Holders&) = delete;
  ~Holders() {
    for (One& one : all_) queues_.disconnected(*one.holder);
  }

  /// A request of this user (or of nobody) came in. `is_direct`: no proxy says that it is in between.
  void seen(std::string_view user, bool is_direct) {
    for (; all_.size() > kept_max; all_.pop_front()) queues_.disconnected(*all_.front().holder);
    current_ = &find(user, "", is_direct);
    queues_.seen(*current_->holder);
  }
  /// Who made the request that was seen last, with the token of its queue URL.
  const HolderPtr& current(std::string_view token) {
    if (token.empty()) return current_->holder;
    One& found = find(current_->user, token, current_->is_direct);
    queues_.seen(*found.holder);
    return found.holder;
  }

 private:
  struct One {
    std::string user, token;
    bool is_direct;
    HolderPtr holder;
  };
  One& find(std::string_view user, std::string_view token, bool is_direct) {
    for (One& one : all_)
      if (one.user == user && one.token == token && one.is_direct == is_direct) return one;
    std::string identity(user);
    identity.append("@").append(host_).append("#").append(token);
    HolderPtr holder = queues_.connected(std::move(identity), is_direct);
    all_.push_back({std::string(user), std::string(token), is_direct, std::move(holder)});
    return all_.back();
  }

  static constexpr size_t kept_max = 16;  // of one connection, whatever it says

  Queues& queues_;
  const std::string host_;  // of the peer, without its port
  std::deque<One> all_;     // keeps its places
  One* current_ = nullptr;
};

}  // namespace naru::sqs
