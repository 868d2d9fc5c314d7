#include "sqs/move_tasks.h"

#include "broker/queue/queue_leases.h"
#include "sqs/live_queue.h"

namespace naru::sqs {
namespace {

constexpr std::string_view row_prefix = "sqs/move/";
constexpr size_t tasks_known_max = 1000;
constexpr size_t at_once_max = 500;       // messages of a task without a limit, before others have their turn
constexpr io::Millis pace_ms = 100;       // of a task with one
constexpr io::Millis full_ms = 500;       // until it is looked again whether the disk has space
constexpr io::Millis progress_ms = 1000;  // how often the row follows

/// Takes some messages of the source and publishes each at its destination.
class Mover final : public LeaseTaker {
 public:
  Mover(Engine& engine, const MoveTask& task, size_t moves) : engine_(engine), task_(task) {
    max = 1, moves_max = moves;
  }

  Answer offer(naru::Queue&, const Delivery& delivery, int64_t) override {
    std::string_view to = task_.destination ? *task_.destination : journey_of(delivery.record).dead_letter_source;
    LiveQueue* target = to.empty() ? nullptr : engine_.live(to);
    if (!target) {
      failure = to.empty() ? "AWS.SimpleQueueService.UnknownSource" : "AWS.SimpleQueueService.NonExistentQueue";
      return Answer::taken;  // for no time: it stays
    }
    if (!target->take_anew(delivery.record)) {
      failure = "AWS.SimpleQueueService.OverLimit";
      return Answer::taken;
    }
    ++moved;
    return Answer::moved;
  }
  void done(End end) override { ended.set(end); }

  io::Once<End> ended;
  std::string failure;
  int64_t moved = 0;

 private:
  Engine& engine_;
  const MoveTask& task_;
};

}  // namespace

io::Task<Result<void>> MoveTasks::start() {
  CO_TRY(auto rows, co_await engine_.meta().range(std::string(row_prefix)));
  for (const MetaRow& row : rows) {
    CO_TRY(auto task, decode_move_task(row.key.substr(row_prefix.size()), row.value));
    auto kept = std::make_shared<MoveTask>(std::move(task));
    remember(kept);
    run(kept).detach();
  }
  co_return Result<void>();
}

void MoveTasks::remember(std::shared_ptr<MoveTask> task) {
  tasks_.push_front(std::move(task));
  if (tasks_.size() <= tasks_known_max) return;
  auto ended = std::ranges::find_if(tasks_.rbegin(), tasks_.rend(), [](const auto& one) {
    return one->status != MoveTask::Status::running && one->status != MoveTask::Status::cancelling;
  });
  if (ended != tasks_.rend()) tasks_.erase(std::next(ended).base());
}

io::Task<Outcome<std::string>> MoveTasks::begin(std::string source, std::optional<std::string> destination,
                                                std::optional<int32_t> per_second_max) {
  LiveQueue* queue = engine_.live(source);
  if (!queue || (destination && !engine_.live(*destination))) co_return fail(Problem::no_such_queue);
  if (engine_.dead_letter_sources(source, "", 1).empty()) co_return fail(Problem::not_a_dead_letter_queue);
  for (const auto& task : tasks_) {
    bool runs = task->status == MoveTask::Status::running || task->status == MoveTask::Status::cancelling;
    if (runs && task->source == source) co_return fail(Problem::task_running);
  }
  if (engine_.is_unavailable()) co_return fail(Problem::unavailable);
  auto task = std::make_shared<MoveTask>();
  task->id = to_hex_text(engine_.core().random.uuid());
  task->source = std::move(source);
  task->destination = std::move(destination);
  task->per_second_max = per_second_max;
  task->to_move = queue->counts().visible;
  task->started_ms = engine_.core().loop.wall();
  remember(task);
  auto storing = store(*task, true);
  bool stored = co_await storing;
  if (!stored) {
    task->status = MoveTask::Status::failed;
    co_return fail(Problem::unavailable);
  }
  std::string id = task->id;
  run(std::move(task)).detach();
  co_return id;
}

io::Task<bool> MoveTasks::store(const MoveTask& task, bool is_there) {
  std::vector<MetaWrite> writes{
      {std::string(row_prefix) + task.id, is_there ? std::optional(encode(task)) : std::nullopt}};
  auto committing = engine_.meta().commit({}, std::move(writes));
  auto committed = co_await committing;
  co_return committed.has_value();
}

io::Task<> MoveTasks::run(std::shared_ptr<MoveTask> task) {
  io::Loop& loop = engine_.core().loop;
  io::Millis stored_at = loop.now();
  size_t at_once = task->per_second_max
                       ? static_cast<size_t>(std::max<int64_t>(*task->per_second_max * pace_ms / 1000, 1))
                       : at_once_max;
  // A limit of less than one per step makes the steps longer.
  io::Millis step_ms = task->per_second_max ? static_cast<int64_t>(at_once) * 1000 / *task->per_second_max : 0;
  while (task->status == MoveTask::Status::running) {
    if (engine_.core().stopping) co_return;  // goes on after the start
    if (engine_.is_unavailable()) {
      co_await loop.sleep_until(loop.now() + full_ms);
      continue;
    }
    LiveQueue* source = engine_.live(task->source);
    if (!source) {
      task->failure = "AWS.SimpleQueueService.NonExistentQueue";
      break;
    }
    io::Millis began = loop.now();
    Mover mover(engine_, *task, at_once);
    source->queue().ask(mover);
    auto end = co_await mover.ended;
    if (mover.moved > 0) co_await engine_.durable();
    task->moved += mover.moved;
    task->failure = mover.failure;
    if (end == LeaseTaker::End::gone || !mover.failure.empty()) break;
    if (mover.moved == 0) break;  // that was all
    if (loop.now() - stored_at >= progress_ms) {
      stored_at = loop.now();
      co_await store(*task, true);
    }
    if (step_ms > 0) co_await loop.sleep_until(began + step_ms);
  }
  if (task->status == MoveTask::Status::cancelling) {
    task->status = MoveTask::Status::cancelled;
  } else {
    task->status = task->failure.empty() ? MoveTask::Status::completed : MoveTask::Status::failed;
  }
  co_await store(*task, false);
}

std::vector<MoveTask> MoveTasks::list(std::string_view source, size_t max) const {
  std::vector<MoveTask> found;
  for (const auto& task : tasks_)
    if (task->source == source && found.size() < max) found.push_back(*task);
  return found;
}

io::Task<Outcome<int64_t>> MoveTasks::cancel(std::string id) {
  auto found = std::ranges::find(tasks_, id, [](const auto& task) { return task->id; });
  if (found == tasks_.end() || (*found)->status != MoveTask::Status::running) co_return fail(Problem::no_such_task);
  MoveTask& task = **found;
  task.status = MoveTask::Status::cancelling;
  co_return task.moved;
}

}  // namespace naru::sqs
