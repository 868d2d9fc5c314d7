// StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask.
#include "base/base64.h"
#include "base/json.h"
#include "sqs/call.h"
#include "sqs/messages/move_task.h"

namespace naru::sqs {
namespace {

constexpr int64_t per_second_max = 500, listed_max = 10;

std::unexpected<Refusal> wrong(std::string text) { return refuse(ErrorCode::invalid_parameter, std::move(text)); }

/// The queue of an ARN, which is there.
Reply<std::string> find_by_arn(Call& call, std::string_view arn, const std::string& name, Operation operation) {
  auto queue = queue_of_arn(arn);
  if (!queue)
    return wrong("You must use this format to specify the " + name +
                 ": arn:<partition>:<service>:<region>:<account-id>:<resource-id>");
  if (auto refusal = access_refusal(call, operation, *queue)) return std::unexpected(std::move(*refusal));
  if (!call.door.queues.find(*queue))
    return refuse(ErrorCode::resource_not_found,
                  "The resource that you specified for the " + name + " parameter doesn't exist.");
  return std::string(*queue);
}

std::string handle_of(const std::string& id, std::string_view source_arn) {
  Json handle;
  handle.set("taskId", id).set("sourceArn", source_arn);
  return to_base64(to_text(handle));
}

io::Task<Reply<StartMoveResult>> start(Call& call, StartMoveRequest& request) {
  auto arn = required(request.source, "SourceArn");
  if (!arn) co_return std::unexpected(std::move(arn.error()));
  auto source = find_by_arn(call, *arn, "SourceArn", Operation::read);
  if (!source) co_return std::unexpected(std::move(source.error()));
  std::optional<std::string> destination;
  if (request.destination && !request.destination->empty()) {
    auto found = find_by_arn(call, *request.destination, "DestinationArn", Operation::write);
    if (!found) co_return std::unexpected(std::move(found.error()));
    auto is_fifo = [&](const std::string& name) { return call.door.queues.find(name)->attributes().is_fifo; };
    if (*found == *source || is_fifo(*found) != is_fifo(*source))
      co_return std::unexpected(invalid_value(*request.destination, "DestinationArn",
                                              "Must be another queue than the source, of the same type."));
    destination = std::move(*found);
  } else {
    for (const std::string& name : call.door.queues.dead_letter_sources(*source, "", SIZE_MAX))
      if (auto refusal = access_refusal(call, Operation::write, name)) co_return std::unexpected(std::move(*refusal));
  }
  if (request.per_second && (*request.per_second < 1 || *request.per_second > per_second_max))
    co_return std::unexpected(invalid_value(std::to_string(*request.per_second), "MaxNumberOfMessagesPerSecond",
                                            "Must be between 1 and 500, if provided."));
  std::optional<int32_t> rate;
  if (request.per_second) rate = static_cast<int32_t>(*request.per_second);
  auto starting = call.door.queues.start_move(*source, std::move(destination), rate);
  auto id = co_await starting;
  if (!id) co_return std::unexpected(refusal_of(id.error()));
  StartMoveResult result;
  result.handle = handle_of(*id, *arn);
  co_return result;
}

std::string_view name(MoveTask::Status status) {
  switch (status) {
    case MoveTask::Status::running: return "RUNNING";
    case MoveTask::Status::completed: return "COMPLETED";
    case MoveTask::Status::cancelling: return "CANCELLING";
    case MoveTask::Status::cancelled: return "CANCELLED";
    case MoveTask::Status::failed: return "FAILED";
  }
  return "";
}

io::Task<Reply<ListMovesResult>> list(Call& call, ListMovesRequest& request) {
  auto arn = required(request.source, "SourceArn");
  if (!arn) co_return std::unexpected(std::move(arn.error()));
  int64_t max = request.max.value_or(1);
  if (max < 1 || max > listed_max)
    co_return wrong(
        "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 10.");
  auto source = find_by_arn(call, *arn, "SourceArn", Operation::read);
  if (!source) co_return std::unexpected(std::move(source.error()));
  const Place& place = call.door.settings.place;
  ListMovesResult result;
  for (const MoveTask& task : call.door.queues.moves(*source, static_cast<size_t>(max))) {
    ListedMove& one = result.results.emplace_back();
    if (task.status == MoveTask::Status::running) one.handle = handle_of(task.id, *arn);
    one.status = name(task.status);
    one.source = std::string(*arn);
    if (task.destination) one.destination = arn_of(place, *task.destination);
    if (task.per_second_max) one.per_second = *task.per_second_max;
    one.moved = task.moved;
    one.to_move = task.to_move;
    if (!task.failure.empty()) one.failure = task.failure;
    one.started_ms = task.started_ms;
  }
  co_return result;
}

/// What a handle says, if it is one.
std::optional<Json> parse_handle(std::string_view handle) {
  auto text = from_base64(handle);
  if (!text) return std::nullopt;
  auto parsed = parse_json(*text);
  if (!parsed || parsed->text_of("taskId").empty() || !queue_of_arn(parsed->text_of("sourceArn"))) return std::nullopt;
  return std::move(*parsed);
}

io::Task<Reply<CancelMoveResult>> cancel(Call& call, CancelMoveRequest& request) {
  auto handle = required(request.handle, "TaskHandle");
  if (!handle) co_return std::unexpected(std::move(handle.error()));
  auto parsed = parse_handle(*handle);
  if (!parsed) co_return wrong("Value for parameter TaskHandle is invalid.");
  auto source = find_by_arn(call, parsed->text_of("sourceArn"), "SourceArn", Operation::read);
  if (!source) co_return std::unexpected(std::move(source.error()));
  auto cancelling = call.door.queues.cancel_move(std::string(parsed->text_of("taskId")));
  auto moved = co_await cancelling;
  if (!moved) co_return std::unexpected(refusal_of(moved.error()));
  CancelMoveResult result;
  result.moved = *moved;
  co_return result;
}

constexpr Action actions[] = {action<start>("StartMessageMoveTask"), action<list>("ListMessageMoveTasks"),
                              action<cancel>("CancelMessageMoveTask")};

}  // namespace

std::span<const Action> move_task_actions() { return actions; }

}  // namespace naru::sqs
