#pragma once
// The order of a queue whose messages stand in groups (SQS FIFO): within a group strictly one after the other, and no
// message goes as long as an earlier one of its group is out. Who asks for several gets as many of one group as may go,
// then those of the next; groups come by the age of their oldest message. It holds the messages that the queue has
// looked ahead to, in O(log groups) per message, however many there are. Pure.
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "log/offset.h"

namespace naru {

class GroupOrder {
 public:
  /// What one receive has got so far: it may go on in its group behind what it took itself, not behind what others
  /// have.
  struct Turn {
    uint64_t group = 0;
    int64_t limit = -1;
  };

  /// The next message that was looked at, in ascending order; `is_out`: somebody has it, or its time has not come.
  void add(Offset offset, uint64_t group, bool is_out);
  /// The message whose turn it is, which is out now; none if nothing may go.
  std::optional<Offset> next(Turn& turn);
  /// It waits again, at its place.
  void returned(Offset offset);
  /// It is done, or gone; whether it was out or waits.
  void done(Offset offset);
  bool is_out(Offset offset) const { return out_.contains(offset.value); }

  /// Forgets those that wait, and returns them.
  std::vector<Offset> clear_waiting();

  /// Of those that wait.
  std::optional<Offset> oldest() const {
    return waiting_.empty() ? std::nullopt : std::optional(Offset(waiting_.begin()->first));
  }
  size_t waiting() const { return waiting_.size(); }
  size_t size() const { return waiting_.size() + out_.size(); }
  /// How many groups were looked at and messages moved: for tests that count instead of measuring time.
  uint64_t steps() const { return steps_; }

 private:
  struct Group {
    std::deque<int64_t> waiting;  // ascending
    std::vector<int64_t> out;     // ascending; few
    int64_t listed = -1;          // in ready_, by its oldest waiting message
  };
  static bool may_go(const Group& group) {
    return !group.waiting.empty() && (group.out.empty() || group.waiting.front() < group.out.front());
  }
  void update(uint64_t key, Group& group);
  Offset take_front(uint64_t key, Group& group);

  std::unordered_map<uint64_t, Group> groups_;
  std::unordered_map<int64_t, uint64_t> out_;     // groups of the messages that are out
  std::set<std::pair<int64_t, uint64_t>> ready_;  // groups that may go on: oldest message, group
  std::map<int64_t, uint64_t> waiting_;           // groups of those that wait
  uint64_t steps_ = 0;
};

}  // namespace naru
