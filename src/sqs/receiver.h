#pragma once
// One receive: takes messages from the broker's queue until it has enough, or there are no more, or its time is over.
#include "broker/queue/queue_leases.h"
#include "sqs/live_queue.h"

namespace naru::sqs {

class Receiver final : public LeaseTaker {
 public:
  Receiver(LiveQueue& queue, const ReceiveRequest& request);

  Answer offer(naru::Queue& queue, const Delivery& delivery, int64_t first_taken_ms) override;
  void done(End end) override { ended_.set(end); }

  /// Resumes when it is done.
  auto& ended() { return ended_; }
  /// Its time is over: it is done with what it has, in a moment.
  void stop();
  std::vector<Incoming> messages;
  bool has_buried = false;  // a dead letter

 private:
  bool bury(const Delivery& delivery, const Journey& journey, int64_t first_received_ms);

  LiveQueue& queue_;
  HolderPtr holder_;
  io::Once<End> ended_;
  bool stopped_ = false;
};

}  // namespace naru::sqs
