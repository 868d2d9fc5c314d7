#pragma once
// Appends what comes into a queue to a topic of Kafka's (x-naru-to-topic): so an exchange is bound to a topic. The
// queue makes it durable and confirms it; this is its only consumer, and lets a message go when the topic has it on
// disk.
//
// A message is in the topic once, also after a crash: it is appended in the name of an idempotent producer whose epoch
// and sequence number are the message's offset in the queue, with gaps where others went to other partitions. What the
// partition has seen is not appended again. That is right as long as nothing comes behind what has a higher offset: so
// messages go in order, wait for those that the topic does not take, and are on disk here before they are there.
#include <map>

#include "broker/core.h"
#include "broker/queue/consumer_line.h"
#include "log/batch_builder.h"

namespace naru {

struct Catalog;
class QueueHost;

class TopicFeed final : public QueueConsumer, public std::enable_shared_from_this<TopicFeed> {
 public:
  TopicFeed(Queue& queue, QueueHost& host);

  /// The catalog has changed: the topic is there, has other settings, or is gone.
  void look(const Catalog& catalog);

  bool can_take() const override;
  void take(Queue& queue, const Delivery& delivery) override;
  void queue_gone(Queue& queue) override;

 private:
  /// What goes to one partition together, in the order of the queue.
  struct Bunch {
    BatchBuilder builder;
    std::vector<MessageId> ids;
  };
  int64_t producer_id(const Topic& topic) const;
  int32_t partition_of(const StoredRecord& record) const;
  bool add(int32_t partition, const Delivery& delivery, size_t bytes);
  io::Task<> send();
  io::Task<bool> send_to(TopicPtr topic, int32_t partition, Bunch& bunch);
  io::Task<Result<Offset>> append(Core& owner, const Topic& topic, int32_t partition, Bunch& bunch, Bytes batch);
  void settle(const std::vector<MessageId>& ids, Offset last);
  void refuse();
  void try_again();
  void go_on();

  Queue& queue_;
  QueueHost& host_;
  TopicPtr topic_;  // null: messages wait for it
  std::map<int32_t, Bunch> bunches_;
  std::optional<MessageId> refused_, left_over_;  // the topic never takes it; it found no place in its batch
  size_t taken_bytes_ = 0;
  bool planned_ = false, sending_ = false, pausing_ = false, gone_ = false;
  io::Timer retry_;
};

}  // namespace naru
