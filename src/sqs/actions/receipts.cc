// What is done with receipts: DeleteMessage, ChangeMessageVisibility, and batches of them.
#include "sqs/call.h"
#include "sqs/messages/queue.h"
#include "sqs/messages/receive.h"
#include "sqs/wire/batches.h"

namespace naru::sqs {
namespace {

constexpr int64_t visibility_max_s = 43'200;

io::Task<Reply<Nothing>> delete_message(Call& call, DeleteMessageRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::read);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  auto receipt = required(request.receipt, "ReceiptHandle");
  if (!receipt) co_return std::unexpected(std::move(receipt.error()));
  auto removing = (*queue)->remove(std::span<const std::string_view>(&*receipt, 1));
  auto removed = co_await removing;
  if (!removed[0]) co_return std::unexpected(refusal_of(removed[0].error(), *receipt));
  co_return Nothing();
}

/// Those entries of a batch that have a receipt; for each that has none, why it failed.
template <class Entry, class Result>
std::vector<const Entry*> with_receipt(const std::vector<Entry>& entries, Result& result) {
  std::vector<const Entry*> good;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (auto receipt = required(entries[i].receipt, entry_name(entries, i) + ".ReceiptHandle")) {
      good.push_back(&entries[i]);
    } else {
      result.add_failed(*entries[i].id, std::move(receipt.error()));
    }
  }
  return good;
}

io::Task<Reply<DeleteBatchResult>> delete_batch(Call& call, DeleteBatchRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::read);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  auto fine = check_entries(request.given);
  if (!fine) co_return std::unexpected(std::move(fine.error()));
  DeleteBatchResult result;
  auto entries = with_receipt(request.entries(), result);
  std::vector<std::string_view> receipts;
  for (const DeleteEntry* entry : entries) receipts.push_back(*entry->receipt);
  if (receipts.empty()) co_return result;
  auto removing = (*queue)->remove(receipts);
  auto removed = co_await removing;
  for (size_t i = 0; i < removed.size(); ++i) {
    if (removed[i]) {
      result.successful.push_back({*entries[i]->id});
    } else {
      result.add_failed(*entries[i]->id, refusal_of(removed[i].error(), receipts[i]));
    }
  }
  co_return result;
}

/// In the words of this action, which are not ReceiveMessage's.
Reply<int32_t> check_visibility(const Number& given, const std::string& name) {
  if (!given) return std::unexpected(missing_parameter(name));
  if (*given < 0 || *given > visibility_max_s)
    return std::unexpected(invalid_value(std::to_string(*given), "VisibilityTimeout", "Must be between 0 and 43200."));
  return static_cast<int32_t>(*given);
}

Refusal refusal_of_change(Problem problem, const MessageQueue::Visibility& change) {
  if (problem == Problem::visibility_too_long)
    return invalid_value(std::to_string(change.seconds), "VisibilityTimeout",
                         "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].");
  return refusal_of(problem, change.receipt);
}

io::Task<Reply<Nothing>> change_visibility(Call& call, ChangeVisibilityRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::read);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  auto receipt = required(request.receipt, "ReceiptHandle");
  if (!receipt) co_return std::unexpected(std::move(receipt.error()));
  auto seconds = check_visibility(request.visibility, "VisibilityTimeout");
  if (!seconds) co_return std::unexpected(std::move(seconds.error()));
  MessageQueue::Visibility change{*receipt, *seconds};
  auto changed = (*queue)->change_visibility(std::span<const MessageQueue::Visibility>(&change, 1));
  if (!changed[0]) co_return std::unexpected(refusal_of_change(changed[0].error(), change));
  co_return Nothing();
}

io::Task<Reply<VisibilityBatchResult>> change_batch(Call& call, VisibilityBatchRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::read);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  auto fine = check_entries(request.given);
  if (!fine) co_return std::unexpected(std::move(fine.error()));
  VisibilityBatchResult result;
  std::vector<const VisibilityEntry*> entries;
  std::vector<MessageQueue::Visibility> changes;
  for (const VisibilityEntry* entry : with_receipt(request.entries(), result)) {
    auto at = static_cast<size_t>(entry - request.entries().data());
    auto seconds = check_visibility(entry->visibility, entry_name(request.entries(), at) + ".VisibilityTimeout");
    if (seconds) {
      changes.push_back({*entry->receipt, *seconds});
      entries.push_back(entry);
    } else {
      result.add_failed(*entry->id, std::move(seconds.error()));
    }
  }
  if (changes.empty()) co_return result;
  auto changed = (*queue)->change_visibility(changes);
  for (size_t i = 0; i < changed.size(); ++i) {
    if (changed[i]) {
      result.successful.push_back({*entries[i]->id});
    } else {
      result.add_failed(*entries[i]->id, refusal_of_change(changed[i].error(), changes[i]));
    }
  }
  co_return result;
}

constexpr Action actions[] = {action<delete_message>("DeleteMessage"), action<delete_batch>("DeleteMessageBatch"),
                              action<change_visibility>("ChangeMessageVisibility"),
                              action<change_batch>("ChangeMessageVisibilityBatch")};

}  // namespace

std::span<const Action> receipt_actions() { return actions; }

}  // namespace naru::sqs
