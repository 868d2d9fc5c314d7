#include "amqp/consumer_timeout.h"

#include "amqp/channel.h"

namespace naru::amqp {

ConsumerTimeout::ConsumerTimeout(Channel& channel, Consumer& consumer, io::Loop& loop, io::Millis limit)
    : channel_(channel),
      consumer_(consumer),
      loop_(loop),
      limit_ms_(limit),
      grain_ms_(std::max<io::Millis>(limit / 32, 1)),
      timer_(loop, [this] { look(); }) {}

void ConsumerTimeout::handed_out(uint64_t tag) {
  io::Millis now = loop_.now();
  if (marks_.empty()) timer_.arm(now + limit_ms_);
  if (marks_.empty() || now - marks_.back().at >= grain_ms_) marks_.push_back({now, tag});
}

/// A little late rather than too early: all of one mark count as if they had come at the end of its while.
void ConsumerTimeout::look() {
  auto oldest = channel_.oldest_of(consumer_);
  if (!oldest) return marks_.clear();
  while (marks_.size() > 1 && marks_[1].tag <= *oldest) marks_.pop_front();
  io::Millis due = marks_.front().at + grain_ms_ + limit_ms_;
  if (due > loop_.now()) return timer_.arm(due);
  channel_.timed_out(consumer_);  // destroys this
}

}  // namespace naru::amqp
