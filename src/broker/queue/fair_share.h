#pragma once
// Whose turn it is in a queue that many share (x-naru-fair-key): weighted round robin over the keys of its waiting
// messages (deficit round robin, Shreedhar and Varghese 1995, with messages as the unit), and at most so many of one
// key out at a time. It holds messages that the queue has looked ahead to; they are in their order within each key.
// Pure.
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "log/offset.h"

namespace naru {

class FairShare {
 public:
  /// How much of the turn is whose.
  struct Shares {
    std::map<uint64_t, uint32_t> weights{};  // messages in a row, by key; others have 1
    uint32_t out_max = 0;                    // of one key; 0: any number
    /// Keys that have much out, at least `noisy_min` and over a tenth of all that is, come after those that have not;
    /// of several such keys the one with the least. Nobody waits for nothing: if there are no others, they get all.
    bool quiet_first = false;
    static constexpr uint32_t noisy_min = 30;
    bool operator==(const Shares&) const = default;
  };
  /// A message of one of the queue's logs.
  struct Place {
    uint8_t level = 0;
    Offset offset{};
    auto operator<=>(const Place&) const = default;
  };

  explicit FairShare(Shares shares) : shares_(std::move(shares)) {}

  /// It waits. One that was given back keeps the key that it had.
  void add(const Place& place, uint64_t key);
  /// The message whose turn it is is out; nothing if none waits, or the keys of all that do are at their limit.
  std::optional<Place> next();
  /// As if next had not been called.
  void put_back(const Place& place);
  /// A message that was out, or waits, is done; or one that was out waits in the log again, and is to be added anew.
  void done(const Place& place) { leave(place, /*will_return=*/false); }
  void given_back(const Place& place) { leave(place, /*will_return=*/true); }
  /// Forgets those that wait, and returns them.
  std::vector<Place> clear();
  /// Forgets all.
  void reset() { *this = FairShare(std::move(shares_)); }
  /// Of those that wait.
  std::optional<Offset> oldest(uint8_t level) const;

  size_t waiting() const { return waiting_.size(); }

 private:
  struct Share {
    std::deque<Place> waiting;
    uint32_t out = 0, left = 0;  // left of its turn
    bool listed = false;
  };
  void leave(const Place& place, bool will_return);
  void list(uint64_t key, Share& share);
  bool is_noisy(const Share& share) const {
    return shares_.quiet_first && share.out >= Shares::noisy_min && uint64_t{share.out} * 10 > out_.size();
  }
  void calm_down();
  std::optional<Place> next_noisy();
  Place take_front(uint64_t key, Share& share);
  bool may_go(const Share& share) const {
    return !share.waiting.empty() && (shares_.out_max == 0 || share.out < shares_.out_max);
  }
  uint32_t weight_of(uint64_t key) const;
  static uint64_t id_of(const Place& place) { return static_cast<uint64_t>(place.offset.value) << 8 | place.level; }

  Shares shares_;
  std::unordered_map<uint64_t, Share> by_key_;
  std::deque<uint64_t> ring_;                               // keys that may go, whose turn it is first
  std::vector<uint64_t> noisy_;                             // keys that may go, after those: few, as each has a tenth
  std::unordered_map<uint64_t, uint64_t> out_, returning_;  // keys, by id_of the place
  std::map<Place, uint64_t> waiting_;                       // keys of those that wait
};

}  // namespace naru
