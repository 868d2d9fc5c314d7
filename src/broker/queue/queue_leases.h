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
  Log* log = nullptr;
};

}  // namespace naru
