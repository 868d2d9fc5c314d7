#pragma once
// One subscription of a channel.
#include "amqp/consumer_timeout.h"
#include "amqp/stream_arguments.h"
#include "amqp/stream_offsets.h"

namespace naru::amqp {

class Channel;

class Consumer final : public QueueConsumer {
 public:
  Consumer(Channel& channel, std::string tag, std::shared_ptr<Queue> queue, uint64_t id, uint16_t prefetch);
  ~Consumer() override;

  bool can_take() const override;
  void take(Queue& queue, const Delivery& delivery) override;
  void queue_gone(Queue& queue) override;
  bool wants(const StoredRecord& record) const override { return filter.matches(record); }

  const std::string tag;
  const uint64_t id;  // in its channel, unlike the tag not used again
  const uint16_t prefetch;
  uint32_t unacked = 0;
  uint64_t last_tag = 0;  // of what it got last
  std::shared_ptr<Queue> queue;
  FieldTable arguments{};  // as they were given, for those who list consumers
  StreamFilter filter;
  std::unique_ptr<StreamProgress> progress{};  // of a stream's, if it is remembered
  std::unique_ptr<ConsumerTimeout> timeout{};  // if there is one

 private:
  Channel& channel_;
};

}  // namespace naru::amqp
