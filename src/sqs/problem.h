#pragma once
// Why a request about a queue or its messages could not be done, in the engine's words. The wire has a code and a text
// for each.
#include <cstdint>
#include <expected>

namespace naru::sqs {

enum class Problem : uint8_t {
  no_such_queue,        // never there, or deleted meanwhile: who waited for messages is told so, too
  name_taken,           // by something that is no queue: a topic of Kafka's, an exclusive queue, a stream
  receipt_invalid,      // no receipt of this queue's
  receipt_expired,      // of a FIFO queue: the message is visible again, or somebody else has it
  not_available,        // to change its visibility: it is gone
  visibility_too_long,  // over 12 hours from the receive on
  over_limit,           // too many messages in flight
  refused,              // the queue is full by a limit that a policy set
  purged_recently,
  unavailable,  // no space on the disk, or the broker is stopping: try again later
  task_running,
  not_a_dead_letter_queue,
  no_such_task,
};

/// Works with TRY and CO_TRY as Result does.
template <class T>
struct [[nodiscard]] Outcome : std::expected<T, Problem> {
  using std::expected<T, Problem>::expected;
};
inline std::unexpected<Problem> fail(Problem problem) { return std::unexpected(problem); }

}  // namespace naru::sqs
