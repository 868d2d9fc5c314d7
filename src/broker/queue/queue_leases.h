#pragma once
// Messages for a time: who asks a queue for some has each of them until it is settled or its time is over, then they
// are there for others (SQS's visibility timeout). What was taken is noted in the journal, so that counts and deadlines
// survive a crash. Parked takers cost nothing; one message wakes one of them.
#include <list>

#include "broker/queue/group_order.h"
#include "broker/queue/queue.h"

namespace naru {

/// Asks once for some messages. Owned by who asks.
class LeaseTaker {
 public:
  virtual ~LeaseTaker() = default;
  enum class Answer : uint8_t {
    taken,
    moved,  // published elsewhere in this call: it leaves this queue
  };
  virtual Answer offer(Queue& queue, const Delivery& delivery, int64_t first_taken_ms) = 0;
  enum class End : uint8_t {
    answered,  // it got what there is: perhaps nothing
    limited,   // too many messages are out
    gone,      // the queue is deleted
  };
  /// The queue has forgotten it, and it may go.
  virtual void done(End end) = 0;

  size_t max = 1;
  int64_t lease_ms = 0;
  bool waits = false;       // until there is at least one
  size_t moves_max = 1000;  // after so many it may have to ask again

 private:
  friend class Queue;
  std::list<LeaseTaker*>* list_ = nullptr;
  std::list<LeaseTaker*>::iterator place_{};
  size_t taken_ = 0, moved_ = 0;
  GroupOrder::Turn turn_{};
  std::vector<MessageId> at_once_{};  // held for no time: others may have them, but not the same receive
};

/// As much of it is out at once as SQS allows.
inline constexpr int64_t leased_max = 120'000;

/// The sizes of messages that were leased and are not settled, for a queue with a limit by bytes: those that come back
/// are ready again. Nothing is known of what was out before a start.
class LeasedBytes {
 public:
  void out(const MessageId& id) { known_[key_of(id)] = {id.body_bytes, true}; }
  /// How much more is ready now that it is back.
  int64_t back(const MessageId& id) { return change(id, false); }
  /// How much less is ready now that it is out again.
  int64_t again(const MessageId& id) { return change(id, true); }
  /// Somebody else took it, or it is done. Returns how much is ready no more with it.
  int64_t forget(const MessageId& id) {
    if (known_.empty()) return 0;
    auto found = known_.find(key_of(id));
    if (found == known_.end()) return 0;
    int64_t ready = found->second.is_out ? 0 : found->second.bytes;
    known_.erase(found);
    return ready;
  }
  /// What is ready is gone.
  void purge() {
    std::erase_if(known_, [](const auto& one) { return !one.second.is_out; });
  }
  void clear() { known_.clear(); }

 private:
  struct Known {
    uint32_t bytes;
    bool is_out;
  };
  static uint64_t key_of(const MessageId& id) { return static_cast<uint64_t>(id.offset.value) << 8 | id.level; }
  int64_t change(const MessageId& id, bool is_out) {
    auto found = known_.find(key_of(id));
    if (found == known_.end() || found->second.is_out == is_out) return 0;
    found->second.is_out = is_out;
    return found->second.bytes;
  }
  std::unordered_map<uint64_t, Known> known_;
};

/// A queue's share in this; most queues have none.
struct QueueLeases final : ReadWaiter {
  QueueLeases(io::Loop& loop, HolderId its_holder, std::function<void()> wake)
      : holder(its_holder), changed(wake), timer(loop, wake) {}
  ~QueueLeases() override {
    if (log) log->remove_waiter(this);
  }
  /// Wakes takers when more of the log is durable.
  void watch_durable(Log& of) {
    log = &of;
    log->add_waiter(this);
  }
  void on_readable(uint64_t) override { changed(); }
  void on_gone() override { log = nullptr; }

  const HolderId holder;
  const std::function<void()> changed;
  io::Timer timer;
  std::list<LeaseTaker*> parked, asking;
  LeaseTaker* filling = nullptr;  // while it gets a message
  std::function<int64_t(const MessageId&)> longer;
  LeasedBytes bytes;
  Log* log = nullptr;
};

}  // namespace naru
