// AddPermission and RemovePermission edit the attribute Policy. It is kept and shown; who may do what is for naru's
// users to say.
#include "sqs/call.h"
#include "sqs/messages/queue.h"
#include "sqs/wire/policies.h"

namespace naru::sqs {
namespace {

std::string policy_of(const MessageQueue& queue) { return attribute_text(queue.attributes(), "Policy").value_or(""); }

io::Task<Reply<Nothing>> store(QueuePtr queue, std::string policy) {
  Attributes attributes = queue->attributes();
  if (policy.empty()) {
    attributes.texts.erase("Policy");
  } else {
    attributes.texts.insert_or_assign("Policy", std::move(policy));
  }
  auto setting = queue->set_attributes(std::move(attributes));
  auto set = co_await setting;
  if (!set) co_return std::unexpected(refusal_of(set.error()));
  co_return Nothing();
}

Reply<std::string_view> check_label(const Text& label) {
  auto given = required(label, "Label");
  if (given && !is_plain_name(*given))
    return refuse(ErrorCode::invalid_parameter, "Value " + std::string(*given) +
                                                    " for parameter Label is invalid. Reason: Must be between 1 and 80 "
                                                    "alphanumeric characters, hyphens, or underscores.");
  return given;
}

io::Task<Reply<Nothing>> add(Call& call, AddPermissionRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::configure);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  auto label = check_label(request.label);
  if (!label) co_return std::unexpected(std::move(label.error()));
  if (request.accounts.empty()) co_return std::unexpected(missing_parameter("AWSAccountIds"));
  if (request.actions.empty()) co_return std::unexpected(missing_parameter("Actions"));
  std::string arn = arn_of(call.door.settings.place, (*queue)->name());
  auto policy = add_permission(policy_of(**queue), arn, *label, request.accounts, request.actions);
  if (!policy) co_return std::unexpected(std::move(policy.error()));
  auto storing = store(*queue, std::move(*policy));
  co_return co_await storing;
}

io::Task<Reply<Nothing>> remove(Call& call, RemovePermissionRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::configure);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  auto label = check_label(request.label);
  if (!label) co_return std::unexpected(std::move(label.error()));
  auto policy = remove_permission(policy_of(**queue), *label);
  if (!policy) co_return std::unexpected(std::move(policy.error()));
  auto storing = store(*queue, std::move(*policy));
  co_return co_await storing;
}

constexpr Action actions[] = {action<add>("AddPermission"), action<remove>("RemovePermission")};

}  // namespace

std::span<const Action> permission_actions() { return actions; }

}  // namespace naru::sqs
