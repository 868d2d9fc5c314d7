#pragma once
// Where messages go that a queue gives up: through its dead-letter exchange, with x-death telling where they have been
// (rabbitmq.md 2.12).
#include "amqp/record_mapping.h"
#include "broker/queue/queue_host.h"
#include "broker/vhost/virtual_hosts.h"

namespace naru::amqp {

class DeadLetterExchange final : public DeadLetters {
 public:
  explicit DeadLetterExchange(io::Loop& loop) : loop_(loop) {}
  bool bury(Queue& queue, const StoredRecord& record, Death why, std::vector<uint64_t>& takers) override;

 private:
  io::Loop& loop_;
  RecordMaker records_;
};

}  // namespace naru::amqp
