// GetQueueAttributes and SetQueueAttributes.
#include "sqs/call.h"
#include "sqs/messages/queue.h"
#include "sqs/wire/queue_attributes.h"

namespace naru::sqs {
namespace {

io::Task<Reply<GetAttributesResult>> get_attributes(Call& call, GetAttributesRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::read);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  auto attributes = view_attributes(**queue, call.door.settings.place, request.names);
  if (!attributes) co_return std::unexpected(std::move(attributes.error()));
  GetAttributesResult result;
  result.attributes = std::move(*attributes);
  co_return result;
}

io::Task<Reply<Nothing>> set_attributes(Call& call, SetAttributesRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::configure);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  if (request.attributes.empty()) co_return std::unexpected(missing_parameter("Attributes"));
  Queues& queues = call.door.queues;
  auto find_attributes = [&queues](std::string_view name) -> const Attributes* {
    QueuePtr found = queues.find(name);
    return found ? &found->attributes() : nullptr;
  };
  FindAttributes find = find_attributes;
  AttributeChange change{(*queue)->name(), false, find};
  Attributes attributes = (*queue)->attributes();
  auto applied = apply_attributes(request.attributes, change, attributes);
  if (!applied) co_return std::unexpected(std::move(applied.error()));
  auto setting = (*queue)->set_attributes(std::move(attributes));
  auto set = co_await setting;
  if (!set) co_return std::unexpected(refusal_of(set.error()));
  co_return Nothing();
}

constexpr Action actions[] = {action<get_attributes>("GetQueueAttributes"),
                              action<set_attributes>("SetQueueAttributes")};

}  // namespace

std::span<const Action> attribute_actions() { return actions; }

}  // namespace naru::sqs
