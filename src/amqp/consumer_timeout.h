#pragma once
// Ends a consumer that keeps a message for longer than its queue allows, without an acknowledgement; off unless
// somebody asks for it (x-consumer-timeout, the policy consumer-timeout). The message is then for others.
#include <deque>

#include "io/loop.h"

namespace naru::amqp {

class Channel;
class Consumer;

class ConsumerTimeout {
 public:
  ConsumerTimeout(Channel& channel, Consumer& consumer, io::Loop& loop, io::Millis limit_ms);

  void handed_out(uint64_t tag);
  io::Millis limit_ms() const { return limit_ms_; }

 private:
  void look();

  /// When messages were handed out: not of each, but of the first in each short while.
  struct Mark {
    io::Millis at;
    uint64_t tag;  // the first one
  };
  Channel& channel_;
  Consumer& consumer_;
  io::Loop& loop_;
  const io::Millis limit_ms_, grain_ms_;
  std::deque<Mark> marks_;
  io::Timer timer_;
};

}  // namespace naru::amqp
