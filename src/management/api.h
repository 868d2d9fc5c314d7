#pragma once
// The management API: finds who asks and what is asked, and calls the handler.
#include "management/call.h"

namespace naru::management {

class Api {
 public:
  explicit Api(Site site);
  /// A request for /api/...; `peer` is the address it came from. One at a time or many: handlers pause only for the
  /// disk.
  io::Task<http::Answer> answer(http::Request request, std::string peer);
  /// Why the body of a request is not even taken: nobody says who they are. Nothing if it may come.
  std::optional<http::Answer> refusal(const http::Request& head, const std::string& peer) const;
  /// What is counted, under the names of RabbitMQ's Prometheus plugin.
  std::string metrics() const;

 private:
  struct Found {
    const Route* route = nullptr;
    std::vector<std::string> names;
    bool other_method = false;  // the path is there, not the method
  };
  Found find(std::string_view method, std::string_view path) const;
  io::Task<Reply> handle(http::Request& request, const std::string& peer);

  Rates rates_;
  Site site_;
  std::vector<Route> routes_;
};

}  // namespace naru::management
