#pragma once
// One queue as SQS sees it. It is a broker queue of the virtual host "/" under the same name, with attributes and tags:
// AMQP's clients publish to it and consume from it, and Kafka's read it as a topic. Lives on core 0 with all queues;
// what other cores want of it, they ask there (on()).
//
// Tasks return when what they did is durable. Whoever holds the pointer may go on using it after the queue was deleted:
// everything answers Problem::no_such_queue then.
#include <functional>
#include <memory>
#include <span>

#include "io/task.h"
#include "sqs/attributes.h"
#include "sqs/holder.h"
#include "sqs/message.h"
#include "sqs/problem.h"

namespace naru::sqs {

/// A receive that waits, for who may want to end it early. Made by the caller, one for each receive.
class Poll {
 public:
  /// Ends the wait: the receive returns no messages, and none were taken for it. Fine at any time.
  void cancel() {
    cancelled_ = true;
    if (end_) end_();
  }

  // For the queue: what ends the wait while there is one.
  bool is_cancelled() const { return cancelled_; }
  void waits(std::function<void()> end) { end_ = std::move(end); }

 private:
  std::function<void()> end_;
  bool cancelled_ = false;
};

struct ReceiveRequest {
  int32_t max = 1;                      // 1 to 10
  std::optional<int32_t> visibility{};  // seconds; else the queue's
  std::optional<int32_t> wait{};        // seconds; else the queue's
  std::string attempt_id{};             // ReceiveRequestAttemptId
  HolderPtr holder{};
};

struct QueueCounts {
  int64_t visible = 0, in_flight = 0, delayed = 0;
};

class MessageQueue {
 public:
  virtual ~MessageQueue() = default;

  virtual const std::string& name() const = 0;
  virtual const Attributes& attributes() const = 0;
  virtual const Tags& tags() const = 0;
  virtual int64_t created_s() const = 0;
  virtual int64_t modified_s() const = 0;
  /// O(1).
  virtual QueueCounts counts() = 0;
  virtual bool is_gone() const = 0;

  /// Stores the messages in this order; one answer for each. What `messages` borrows stays until then.
  virtual io::Task<std::vector<Outcome<Sent>>> send(std::span<const Outgoing> messages) = 0;
  /// Up to `max` messages as soon as there is one; none when the wait is over, was cancelled or there is no wait.
  virtual io::Task<Outcome<std::vector<Incoming>>> receive(ReceiveRequest request, std::shared_ptr<Poll> poll) = 0;
  /// The answer to a receive could not be written: the messages are visible again, as if they had not been received.
  virtual void give_back(std::span<const Incoming> messages) = 0;
  /// By receipt; one answer for each. What `receipts` borrows stays until then.
  virtual io::Task<std::vector<Outcome<void>>> remove(std::span<const std::string_view> receipts) = 0;

  struct Visibility {
    std::string_view receipt;
    int32_t seconds = 0;  // from now on
  };
  virtual std::vector<Outcome<void>> change_visibility(std::span<const Visibility> changes) = 0;
  /// Problem::purged_recently: less than 60 seconds ago.
  virtual io::Task<Outcome<void>> purge() = 0;
  virtual io::Task<Outcome<void>> set_attributes(Attributes attributes) = 0;
  /// Adds these, or puts them in the place of those of the same name; and takes those away.
  virtual io::Task<Outcome<void>> tag(Tags tags) = 0;
  virtual io::Task<Outcome<void>> untag(std::vector<std::string> keys) = 0;
};
using QueuePtr = std::shared_ptr<MessageQueue>;

}  // namespace naru::sqs
