#pragma once
// All queues that SQS has: those of the virtual host "/" that are durable and no streams, whoever declared them. Lives
// on core 0. What it does to the catalog is durable when it returns.
#include "sqs/queue.h"

namespace naru::sqs {

/// Messages on their way back from a dead-letter queue.
struct MoveTask {
  enum class Status : uint8_t { running, completed, cancelling, cancelled, failed };
  std::string id{};  // a UUID
  std::string source{};
  std::optional<std::string> destination{};  // none: each message goes where it came from
  std::optional<int32_t> per_second_max{};
  Status status = Status::running;
  std::string failure{};
  int64_t moved = 0, to_move = 0;  // to_move: as counted at the start
  int64_t started_ms = 0;
};

class Queues {
 public:
  virtual ~Queues() = default;

  /// Null if there is no such queue.
  virtual QueuePtr find(std::string_view name) = 0;
  struct Created {
    QueuePtr queue;
    bool is_new = false;  // else it was there: whether its attributes are the same is for the caller to say
  };
  /// Problem::name_taken, unavailable. Two at the same time: one of them makes it.
  virtual io::Task<Outcome<Created>> create(std::string name, Attributes attributes, Tags tags) = 0;
  /// With its messages; who waits for one is told Problem::no_such_queue.
  virtual io::Task<Outcome<void>> remove(std::string name) = 0;
  /// At most `max` names that begin with `prefix` and stand behind `after`, ascending.
  virtual std::vector<std::string> list(std::string_view prefix, std::string_view after, size_t max) = 0;
  /// The queues whose dead letters go to that one.
  virtual std::vector<std::string> dead_letter_sources(std::string_view name, std::string_view after, size_t max) = 0;

  // Who asks, for leases (leases.h). `identity`: access key and address, and a token where one was given; a proxy in
  // between means that connections say nothing of who is behind them.
  virtual HolderPtr connected(std::string identity, bool is_direct) = 0;
  /// A request came in. Cheap.
  virtual void seen(Holder& holder) = 0;
  /// The connection is gone.
  virtual void disconnected(Holder& holder) = 0;

  /// Problem::no_such_queue: source or destination; not_a_dead_letter_queue: of nobody; task_running. Returns its id.
  virtual io::Task<Outcome<std::string>> start_move(std::string source, std::optional<std::string> destination,
                                                    std::optional<int32_t> per_second_max) = 0;
  /// Of this source, the latest first. Those that ended are known until the broker ends.
  virtual std::vector<MoveTask> moves(std::string_view source, size_t max) = 0;
  /// Returns how many messages were moved. Problem::no_such_task: also one that has ended.
  virtual io::Task<Outcome<int64_t>> cancel_move(std::string id) = 0;
};

}  // namespace naru::sqs
