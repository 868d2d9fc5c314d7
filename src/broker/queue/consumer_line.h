#pragma once
// Who wants the messages of a queue, and whose turn it is: of the highest priority at which somebody takes messages,
// who waits for longest. Those who take nothing away stand elsewhere (log_readers.h).
#include <list>
#include <map>
#include <vector>

#include "broker/queue/message.h"
#include "log/ack_cursor.h"

namespace naru {

class Queue;

/// Somebody who wants messages as they come. Registered with one queue; unregisters before it goes.
class QueueConsumer {
 public:
  virtual ~QueueConsumer() = default;
  /// Whether it would take a message now. After it said no, it calls Queue::wake when that changes.
  virtual bool can_take() const = 0;
  /// Takes a message. What is not `no_ack` is settled, requeued or rejected later.
  virtual void take(Queue& queue, const Delivery& delivery) = 0;
  /// The queue is being deleted and has forgotten this consumer.
  virtual void queue_gone(Queue& queue) = 0;
  /// Of those who read: whether it is one of those that it asked for.
  virtual bool wants(const StoredRecord& record) const {
    (void)record;
    return true;
  }

  /// Reads from there on and takes nothing away (log_readers.h). Streams have no other consumers.
  std::optional<ReadStart> start{};
  int64_t priority = 0;  // higher ones are served first, as long as they take
  bool no_ack = false;   // what is handed over is done
  bool exclusive = false;

 private:
  friend class ConsumerLine;
  friend class Queue;
  HolderId holder_{};
  std::list<QueueConsumer*>::iterator place_{}, turn_{};  // among all; among those that may take
  bool added_ = false, listed_ = false;
};

class ConsumerLine {
 public:
  /// Where only one is served, that is the first of the highest priority when there is none; it stays until it goes.
  explicit ConsumerLine(bool one_is_served) : one_is_served_(one_is_served) {}

  /// Code::busy: somebody has the queue exclusively, or would have.
  Result<void> add(QueueConsumer& consumer);
  void remove(QueueConsumer& consumer);
  /// It takes messages again.
  void wake(QueueConsumer& consumer);
  /// Nobody: null.
  QueueConsumer* next();
  /// It got a message: others first.
  void served(QueueConsumer& consumer);
  /// Forgets all, and says who that was, in their order.
  std::vector<QueueConsumer*> close();

  size_t size() const { return count_; }
  bool is_exclusive() const { return exclusive_; }
  /// Null where all are served.
  const QueueConsumer* active() const { return active_; }

 private:
  using Lines = std::map<int64_t, std::list<QueueConsumer*>, std::greater<>>;  // by priority

  void list(QueueConsumer& consumer);
  void unlist(QueueConsumer& consumer);
  void choose_active();

  const bool one_is_served_;
  bool exclusive_ = false;  // the only one there wants to stay so
  size_t count_ = 0;        // in all_
  Lines all_, ready_;       // in the order they came; those that may take, by who waits for longest
  QueueConsumer* active_ = nullptr;
};

}  // namespace naru
