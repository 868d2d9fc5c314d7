// What must be true before a measurement: the broker speaks our versions, and the topic is there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api.h"

namespace naru::load {

class Admin {
 public:
  /// Connects and checks that the broker accepts every version in api.h.
  explicit Admin(const std::string& broker);
  Admin(Admin&&) = delete;
  ~Admin();

  /// Creates the topic if it is missing and returns once every partition answers.
  void ensure_topic(const std::string& topic, int32_t partitions);
  void delete_topic(const std::string& topic);
  /// The next offset of each partition; fails unless all partitions answer within 30 s.
  std::vector<int64_t> ends(const std::string& topic, int32_t partitions);

 private:
  std::string call(std::string frame);
  void check_versions();
  int32_t partitions_of(const std::string& topic);  // 0: no such topic

  int fd_;
};

}  // namespace naru::load
