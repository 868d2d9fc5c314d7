#include "broker/queue/group_order.h"

#include <algorithm>

#include "base/check.h"

namespace naru {

/// After any change to a group: it is listed by its oldest message if that may go, and forgotten when nothing is left.
void GroupOrder::update(uint64_t key, Group& group) {
  ++steps_;
  int64_t listed = may_go(group) ? group.waiting.front() : -1;
  if (listed != group.listed) {
    if (group.listed >= 0) ready_.erase({group.listed, key});
    if (listed >= 0) ready_.emplace(listed, key);
    group.listed = listed;
  }
  if (group.waiting.empty() && group.out.empty()) groups_.erase(key);
}

void GroupOrder::add(Offset offset, uint64_t key, bool is_out) {
  Group& group = groups_[key];
  if (is_out) {
    group.out.push_back(offset.value);
    out_.emplace(offset.value, key);
  } else {
    group.waiting.push_back(offset.value);
    waiting_.emplace(offset.value, key);
  }
  update(key, group);
}

Offset GroupOrder::take_front(uint64_t key, Group& group) {
  int64_t offset = group.waiting.front();
  group.waiting.pop_front();
  waiting_.erase(offset);
  group.out.insert(std::ranges::lower_bound(group.out, offset), offset);
  out_.emplace(offset, key);
  update(key, group);
  return Offset(offset);
}

std::optional<Offset> GroupOrder::next(Turn& turn) {
  if (turn.limit >= 0) {
    auto found = groups_.find(turn.group);
    if (found != groups_.end() && !found->second.waiting.empty() && found->second.waiting.front() < turn.limit)
      return take_front(turn.group, found->second);
  }
  if (ready_.empty()) return std::nullopt;
  uint64_t key = ready_.begin()->second;
  Group& group = groups_.find(key)->second;
  turn = {key, group.out.empty() ? INT64_MAX : group.out.front()};
  return take_front(key, group);
}

void GroupOrder::returned(Offset offset) {
  auto found = out_.find(offset.value);
  if (found == out_.end()) return;
  uint64_t key = found->second;
  Group& group = groups_.find(key)->second;
  out_.erase(found);
  std::erase(group.out, offset.value);
  group.waiting.insert(std::ranges::lower_bound(group.waiting, offset.value), offset.value);
  waiting_.emplace(offset.value, key);
  update(key, group);
}

void GroupOrder::done(Offset offset) {
  if (auto waits = waiting_.find(offset.value); waits != waiting_.end()) {
    uint64_t key = waits->second;
    Group& group = groups_.find(key)->second;
    group.waiting.erase(std::ranges::lower_bound(group.waiting, offset.value));
    waiting_.erase(waits);
    return update(key, group);
  }
  auto found = out_.find(offset.value);
  if (found == out_.end()) return;
  uint64_t key = found->second;
  Group& group = groups_.find(key)->second;
  out_.erase(found);
  std::erase(group.out, offset.value);
  update(key, group);
}

std::vector<Offset> GroupOrder::clear_waiting() {
  std::vector<Offset> all;
  for (auto at = groups_.begin(); at != groups_.end();) {
    auto& [key, group] = *at;
    for (int64_t offset : std::exchange(group.waiting, {})) all.emplace_back(offset);
    group.listed = -1;
    at = group.out.empty() ? groups_.erase(at) : std::next(at);
  }
  std::ranges::sort(all);
  ready_.clear();
  waiting_.clear();
  return all;
}

}  // namespace naru
