#pragma once
// One partition of a topic that a queue consumes (x-naru-topic). Its log lives on some core, and the cursor with it
// that says what is settled. The queue, on core 0, works with a copy of that cursor: it reads runs of the log through
// their owner, and sends there what was settled, which is all that has to survive. Many queues may have the same
// partition.
#include "broker/core.h"
#include "broker/queue/message.h"
#include "log/ack_cursor.h"

namespace naru {

class Queue;
class QueueHost;

class TopicSource : public std::enable_shared_from_this<TopicSource> {
 public:
  TopicSource(Queue& queue, QueueHost& host, TopicPtr topic, int32_t partition, CursorId id);
  ~TopicSource();

  const TopicPtr topic;
  const int32_t partition;
  AckCursor cursor;  // the copy; empty until the owner has answered
  Offset end{};      // of what can be read, as far as is known here

  /// Fetches the cursor; the queue is told when there is something to take.
  io::Task<> attach();
  /// As RecordWindow::load. What the log has no more is settled.
  io::Task<Result<void>> load(RecordWindow& window, Offset offset, size_t bytes_max);
  /// Where a reader who begins there would begin.
  io::Task<Result<Offset>> place_of(ReadStart from);
  /// It is done in the copy; now the owner has to know.
  void change(const Change& change);
  /// Resumes when the owner has on disk what it was told, or cannot have it any more.
  io::Task<Result<void>> stored();
  /// The topic is gone: nothing is here any more.
  void forget();
  bool is_forgotten() const { return erased_; }
  /// The queue is going, and the cursor with it.
  void erase();

 private:
  class Watch;
  struct Found {
    Bytes cursor;
    Offset end{};
    std::unique_ptr<Watch> watch;
  };
  Core& owner() const;
  StreamId stream() const { return topic->partitions[static_cast<size_t>(partition)]; }
  Result<Found> find(Core& owner);
  io::Task<Result<Slice>> read(Core& owner, Offset offset, size_t bytes_max, Offset& begin);
  void skip_to(Offset begin);
  io::Task<> send();
  static io::Task<> take_down(Core& first, Core& owner, std::unique_ptr<Watch> watch, StreamId stream, CursorId id);

  Queue& queue_;
  QueueHost& host_;
  CursorId id_;
  std::unique_ptr<Watch> watch_;  // touched by the owner alone
  std::vector<Change> changes_;   // to be sent
  bool sending_ = false, erased_ = false;
};

/// Cursors of this kind, and those that queues have over their own logs, never have the same number.
CursorId topic_cursor(uint64_t queue_id, int32_t partition);
/// The queue's number, where the cursor is of this kind.
std::optional<uint64_t> queue_of_cursor(CursorId cursor);

}  // namespace naru
