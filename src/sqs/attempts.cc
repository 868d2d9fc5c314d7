#include "sqs/attempts.h"

namespace naru::sqs {
namespace {

constexpr int64_t known_ms = 5 * 60 * 1000;

}  // namespace

void Attempts::expire(int64_t now_ms) {
  while (!order_.empty() && order_.front().first + known_ms <= now_ms) {
    auto found = known_.find(order_.front().second);
    if (found != known_.end() && found->second.at_ms == order_.front().first) known_.erase(found);
    order_.pop_front();
  }
}

std::vector<Receipt> Attempts::find(const std::string& id, int64_t now_ms) {
  expire(now_ms);
  auto found = known_.find(id);
  return found == known_.end() ? std::vector<Receipt>() : found->second.got;
}

void Attempts::add(const std::string& id, std::vector<Receipt> got, int64_t now_ms) {
  expire(now_ms);
  known_.insert_or_assign(id, Known{std::move(got), now_ms});
  order_.emplace_back(now_ms, id);
}

}  // namespace naru::sqs
