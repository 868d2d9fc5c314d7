#include "amqp/consumer.h"

#include "amqp/channel.h"

namespace naru::amqp {

Consumer::Consumer(Channel& channel, std::string its_tag, std::shared_ptr<Queue> its_queue, uint64_t number,
                   uint16_t prefetch_count)
    : tag(std::move(its_tag)), id(number), prefetch(prefetch_count), queue(std::move(its_queue)), channel_(channel) {
  channel_.consumers_by_id_.emplace(id, this);
}

Consumer::~Consumer() {
  channel_.consumers_by_id_.erase(id);
  if (queue) queue->remove(*this);
}

bool Consumer::can_take() const { return (no_ack || prefetch == 0 || unacked < prefetch) && channel_.may_take(*this); }

void Consumer::take(Queue& from, const Delivery& delivery) {
  if (!no_ack) ++unacked;
  channel_.deliver(*this, from, delivery);
}

void Consumer::queue_gone(Queue&) {
  queue.reset();
  channel_.queue_gone(*this);  // destroys this
}

}  // namespace naru::amqp
