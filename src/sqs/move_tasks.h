#pragma once
// Messages on their way back from dead-letter queues. A task is a row of the meta store while it runs ("sqs/move/" and
// its id), so that it goes on after a restart; those that ended are known until the broker ends.
#include <deque>

#include "sqs/engine.h"

namespace naru::sqs {

class MoveTasks {
 public:
  explicit MoveTasks(Engine& engine) : engine_(engine) {}

  /// After a start: those that were running go on.
  io::Task<Result<void>> start();
  io::Task<Outcome<std::string>> begin(std::string source, std::optional<std::string> destination,
                                       std::optional<int32_t> per_second_max);
  std::vector<MoveTask> list(std::string_view source, size_t max) const;
  io::Task<Outcome<int64_t>> cancel(std::string id);

 private:
  io::Task<> run(std::shared_ptr<MoveTask> task);
  io::Task<bool> store(const MoveTask& task, bool is_there);
  void remember(std::shared_ptr<MoveTask> task);

  Engine& engine_;
  std::deque<std::shared_ptr<MoveTask>> tasks_;  // the latest first
};

}  // namespace naru::sqs
