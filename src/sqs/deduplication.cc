#include "sqs/deduplication.h"

#include <string>

namespace naru::sqs {

Deduplication::Name Deduplication::name_of(std::string_view scope, std::string_view id) const {
  std::string all(scope);
  all += '\0';  // neither has one
  all += id;
  return {siphash(key_, view(all)), siphash({~key_.a, key_.b}, view(all))};
}

void Deduplication::expire(int64_t now_ms) {
  while (!order_.empty() && order_.front().first + deduplication_ms <= now_ms) {
    auto found = first_.find(order_.front().second);
    if (found != first_.end() && found->second.at_ms + deduplication_ms <= now_ms) first_.erase(found);
    order_.pop_front();
  }
}

const Deduplication::First* Deduplication::find(std::string_view scope, std::string_view id, int64_t now_ms) {
  expire(now_ms);
  auto found = first_.find(name_of(scope, id));
  if (found == first_.end() || found->second.at_ms + deduplication_ms <= now_ms) return nullptr;
  return &found->second;
}

void Deduplication::add(std::string_view scope, std::string_view id, const First& first) {
  Name name = name_of(scope, id);
  first_.insert_or_assign(name, first);
  order_.emplace_back(first.at_ms, name);
}

void Deduplication::clear() {
  first_.clear();
  order_.clear();
}

}  // namespace naru::sqs
