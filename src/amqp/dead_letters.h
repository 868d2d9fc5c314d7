#pragma once
// Where messages go that a queue gives up: through its dead-letter exchange, with x-death telling where they have been
// (rabbitmq.md 2.12).
//
// A queue that is full may give a dead letter up at once, and its exchange may lead to queues that are full as well.
// However many ways there are through such queues, one letter comes to each of them once. Through more than 50, one
// behind the other, it does not come.
#include <unordered_set>

#include "amqp/record_mapping.h"
#include "broker/queue/queue_host.h"
#include "broker/vhost/virtual_hosts.h"

namespace naru::amqp {

class DeadLetterExchange final : public DeadLetters {
 public:
  explicit DeadLetterExchange(io::Loop& loop) : loop_(loop) {}
  bool bury(Queue& queue, const StoredRecord& record, Death why, std::vector<uint64_t>& takers) override;

 private:
  bool bury_here(Queue& queue, const StoredRecord& record, Death why, std::vector<uint64_t>& takers);

  io::Loop& loop_;
  RecordMaker records_;
  int depth_ = 0;                           // of burials within one another
  std::unordered_set<uint64_t> come_to_{};  // queues, by those within
};

}  // namespace naru::amqp
