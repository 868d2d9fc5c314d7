#pragma once
// A message of SQS as a record of its queue's log, and any record as a message of SQS: docs/mapping.md. Pure.
#include "log/record.h"
#include "sqs/message.h"

namespace naru::sqs {

/// What of a record is about its way and not its contents.
struct Journey {
  std::string_view dead_letter_source{};  // the queue that gave it up last
  uint32_t receives_before = 0;           // in queues before this one
  int64_t first_received_ms = 0;          // there; 0: never
  bool was_moved = false;                 // by a move task
};

/// Makes the headers of a record. Keeps its buffers, so that one made after another allocates nothing.
class HeaderMaker {
 public:
  /// Borrows from the message and from this, until the next call.
  std::span<const Header> make(const Outgoing& message, std::string_view message_id);
  /// The headers of a record that moves to another queue, as a dead letter or back: the same but for its journey.
  std::span<const Header> move(const Record& record, const Journey& journey);
  /// The headers of a record that is sent again as a new message.
  std::span<const Header> renew(const Record& record, std::string_view message_id);

 private:
  void put(std::string_view name, std::string_view value) { headers_.push_back({name, view(value)}); }
  std::vector<Header> headers_;
  std::deque<std::string> names_;  // that stay where they are
  std::string types_, receives_, first_;
};

/// What a record says of its journey; borrows it.
Journey journey_of(const Record& record);
/// Everything but what the queue knows: receipt, counts and times of receiving. `made_up_id` names a record that says
/// nothing of its own.
Incoming read_record(const Record& record, std::string_view made_up_id);
/// The headers that deduplication needs, of a record that has them: nothing in the second if it is not a UUID's text.
std::optional<std::pair<std::string_view, std::string_view>> deduplication_of(const Record& record);

}  // namespace naru::sqs
