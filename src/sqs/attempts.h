#pragma once
// What receives from a FIFO queue got that named themselves (ReceiveRequestAttemptId): who did not hear the answer asks
// again under the same name and gets the same messages. Pure.
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "sqs/receipt.h"

namespace naru::sqs {

class Attempts {
 public:
  /// What the receive of this name got in the last five minutes; nothing if there was none.
  std::vector<Receipt> find(const std::string& id, int64_t now_ms);
  void add(const std::string& id, std::vector<Receipt> got, int64_t now_ms);
  size_t size() const { return known_.size(); }

 private:
  struct Known {
    std::vector<Receipt> got;
    int64_t at_ms = 0;
  };
  void expire(int64_t now_ms);

  std::unordered_map<std::string, Known> known_;
  std::deque<std::pair<int64_t, std::string>> order_;
};

}  // namespace naru::sqs
