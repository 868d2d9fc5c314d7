#pragma once
// When the messages that wait at an x-delayed-message exchange go on. They are in a queue of the exchange's own, which
// is as durable as any; this is the index by time, 16 bytes for each, made again from the queue after a start.
#include <deque>
#include <queue>
#include <unordered_set>

#include "amqp/record_mapping.h"
#include "broker/queue/queue_host.h"
#include "broker/vhost/virtual_host.h"

namespace naru::amqp {

class DelaySchedule final : public QueueWatcher {
 public:
  /// Owned by `queue`.
  DelaySchedule(QueueHost& queues, VirtualHost& host, std::string exchange, Queue& queue);

  void published(Offset offset, int64_t now_ms, const NewMessage& message) override;

  /// A message that waits, for who wants to look.
  struct Waiting {
    int64_t due_ms = 0;  // since 1970
    Offset offset{};     // names it while it waits
    auto operator<=>(const Waiting&) const = default;
  };
  /// The next ones by time, at most so many.
  std::vector<Waiting> next(size_t most) const;
  /// Takes a message out. False if it is not there any more, or already on its way.
  bool cancel(Offset offset);
  /// Whether all that was there at the start is known by now; nothing goes on before.
  bool is_complete() const { return complete_; }

 private:
  using Index = std::priority_queue<Waiting, std::deque<Waiting>, std::greater<>>;
  struct Readable : Index {  // the container of a priority_queue is for who derives from it
    static const std::deque<Waiting>& items(const Index& index) { return index.*&Readable::c; }
  };

  io::Task<> find_all();
  void plan();
  io::Task<> release();
  void send(const StoredRecord& record);

  QueueHost& queues_;
  VirtualHost& host_;
  const std::string exchange_;
  Queue& queue_;
  Index index_;
  std::unordered_set<int64_t> cancelled_;  // offsets of those in index_ that do not go on
  io::Timer timer_;
  RecordMaker records_;
  const Offset recovered_end_;  // what is below was there at the start
  bool complete_ = false, releasing_ = false;
};

}  // namespace naru::amqp
