#include "broker/queue/fair_share.h"

#include <algorithm>

#include "base/check.h"

namespace naru {

uint32_t FairShare::weight_of(uint64_t key) const {
  auto found = shares_.weights.find(key);
  return found == shares_.weights.end() ? 1 : found->second;
}

void FairShare::list(uint64_t key, Share& share) {
  if (!may_go(share) || std::exchange(share.listed, true)) return;
  ring_.push_back(key);
}

void FairShare::add(const Place& place, uint64_t key) {
  if (auto known = returning_.find(id_of(place)); known != returning_.end()) {
    key = known->second;
    returning_.erase(known);
  }
  Share& share = by_key_[key];
  if (share.waiting.empty() || share.waiting.back() < place) {
    share.waiting.push_back(place);
  } else {
    share.waiting.insert(std::ranges::lower_bound(share.waiting, place), place);
  }
  waiting_.emplace(place, key);
  list(key, share);
}

/// Those that have less out by now go on with the others.
void FairShare::calm_down() {
  std::erase_if(noisy_, [this](uint64_t key) {
    bool still = is_noisy(by_key_.find(key)->second);
    if (!still) ring_.push_back(key);
    return !still;
  });
}

std::optional<FairShare::Place> FairShare::next_noisy() {
  auto out_of = [this](uint64_t key) { return by_key_.find(key)->second.out; };
  while (!noisy_.empty()) {
    auto least = std::ranges::min_element(noisy_, {}, out_of);
    uint64_t key = *least;
    Share& share = by_key_.find(key)->second;
    if (may_go(share)) return take_front(key, share);
    noisy_.erase(least);
    share.listed = false;
    if (share.waiting.empty() && share.out == 0) by_key_.erase(key);
  }
  return std::nullopt;
}

FairShare::Place FairShare::take_front(uint64_t key, Share& share) {
  Place place = share.waiting.front();
  share.waiting.pop_front();
  waiting_.erase(place);
  ++share.out;
  out_.emplace(id_of(place), key);
  return place;
}

std::optional<FairShare::Place> FairShare::next() {
  calm_down();
  while (!ring_.empty()) {
    uint64_t key = ring_.front();
    Share& share = by_key_.find(key)->second;
    if (is_noisy(share)) {
      ring_.pop_front();
      share.left = 0;
      noisy_.push_back(key);
      continue;
    }
    if (!may_go(share)) {
      ring_.pop_front();
      share.listed = false;
      share.left = 0;
      if (share.waiting.empty() && share.out == 0) by_key_.erase(key);
      continue;
    }
    if (share.left == 0) share.left = weight_of(key);
    Place place = take_front(key, share);
    if (--share.left == 0) {
      ring_.pop_front();
      ring_.push_back(key);
    }
    return place;
  }
  return next_noisy();
}

void FairShare::put_back(const Place& place) {
  auto out = out_.find(id_of(place));
  CHECK(out != out_.end());
  uint64_t key = out->second;
  out_.erase(out);
  Share& share = by_key_.find(key)->second;
  --share.out;
  share.waiting.push_front(place);
  waiting_.emplace(place, key);
  ++share.left;  // its turn goes on
  if (share.listed) {
    std::erase(ring_, key);
    std::erase(noisy_, key);
  }
  share.listed = true;
  ring_.push_front(key);
}

std::optional<Offset> FairShare::oldest(uint8_t level) const {
  auto first = waiting_.lower_bound({level, Offset(0)});
  if (first == waiting_.end() || first->first.level != level) return std::nullopt;
  return first->first.offset;
}

void FairShare::leave(const Place& place, bool will_return) {
  if (auto waits = waiting_.find(place); waits != waiting_.end()) {
    std::erase(by_key_.find(waits->second)->second.waiting, place);  // an empty share goes when its turn comes
    waiting_.erase(waits);
    return;
  }
  auto out = out_.find(id_of(place));
  if (out == out_.end()) {
    returning_.erase(id_of(place));  // it ended in the log
    return;
  }
  uint64_t key = out->second;
  out_.erase(out);
  if (will_return) returning_.emplace(id_of(place), key);
  auto share = by_key_.find(key);
  --share->second.out;
  list(key, share->second);
  if (!share->second.listed && share->second.out == 0) by_key_.erase(share);
}

std::vector<FairShare::Place> FairShare::clear() {
  std::vector<Place> all;
  for (auto& [key, share] : by_key_) {
    all.insert(all.end(), share.waiting.begin(), share.waiting.end());
    share.waiting.clear();
  }
  waiting_.clear();
  returning_.clear();
  return all;
}

}  // namespace naru
