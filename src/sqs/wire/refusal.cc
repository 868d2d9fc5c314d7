#include "sqs/wire/refusal.h"

#include "base/check.h"

namespace naru::sqs {
namespace {

struct Row {
  ErrorCode code;
  ErrorNames names;
};

using enum ErrorCode;
constexpr Row rows[] = {
    {queue_does_not_exist, {"AWS.SimpleQueueService.NonExistentQueue", "com.amazonaws.sqs#QueueDoesNotExist"}},
    {queue_name_exists, {"QueueAlreadyExists", "com.amazonaws.sqs#QueueNameExists"}},
    {queue_deleted_recently, {"AWS.SimpleQueueService.QueueDeletedRecently", "com.amazonaws.sqs#QueueDeletedRecently"}},
    {purge_in_progress, {"AWS.SimpleQueueService.PurgeQueueInProgress", "com.amazonaws.sqs#PurgeQueueInProgress", 403}},
    {empty_batch, {"AWS.SimpleQueueService.EmptyBatchRequest", "com.amazonaws.sqs#EmptyBatchRequest"}},
    {too_many_entries,
     {"AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "com.amazonaws.sqs#TooManyEntriesInBatchRequest"}},
    {entry_ids_not_distinct,
     {"AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "com.amazonaws.sqs#BatchEntryIdsNotDistinct"}},
    {invalid_entry_id, {"AWS.SimpleQueueService.InvalidBatchEntryId", "com.amazonaws.sqs#InvalidBatchEntryId"}},
    {batch_too_long, {"AWS.SimpleQueueService.BatchRequestTooLong", "com.amazonaws.sqs#BatchRequestTooLong"}},
    {message_not_inflight, {"AWS.SimpleQueueService.MessageNotInflight", "com.amazonaws.sqs#MessageNotInflight"}},
    {unsupported_operation, {"AWS.SimpleQueueService.UnsupportedOperation", "com.amazonaws.sqs#UnsupportedOperation"}},
    {receipt_handle_invalid, {"ReceiptHandleIsInvalid", "com.amazonaws.sqs#ReceiptHandleIsInvalid", 404, 400}},
    {invalid_parameter, {"InvalidParameterValue", "com.amazon.coral.service#InvalidParameterValueException"}},
    {invalid_parameter_combination,
     {"InvalidParameterCombination", "com.amazon.coral.service#InvalidParameterCombinationException"}},
    {missing_parameter, {"MissingParameter", "com.amazon.coral.service#MissingRequiredParameterException"}},
    {invalid_attribute_name, {"InvalidAttributeName", "com.amazonaws.sqs#InvalidAttributeName"}},
    {invalid_attribute_value, {"InvalidAttributeValue", "com.amazonaws.sqs#InvalidAttributeValue"}},
    {invalid_message_contents, {"InvalidMessageContents", "com.amazonaws.sqs#InvalidMessageContents"}},
    {over_limit, {"OverLimit", "com.amazonaws.sqs#OverLimit", 403}},
    {throttled, {"RequestThrottled", "com.amazonaws.sqs#RequestThrottled", 403}},
    {access_denied, {"AccessDenied", "com.amazon.coral.service#AccessDeniedException", 403}},
    {invalid_address, {"InvalidAddress", "com.amazonaws.sqs#InvalidAddress", 404}},
    {resource_not_found, {"ResourceNotFoundException", "com.amazonaws.sqs#ResourceNotFoundException", 404}},
    {unknown_operation, {"InvalidAction", "com.amazon.coral.service#UnknownOperationException"}},
    {no_operation, {"UnknownOperationException", "com.amazon.coral.service#UnknownOperationException", 404}},
    {malformed_input, {"MalformedInput", "com.amazon.coral.service#SerializationException"}},
    {invalid_client_token, {"InvalidClientTokenId", "com.amazon.coral.service#UnrecognizedClientException", 403}},
    {signature_mismatch, {"SignatureDoesNotMatch", "com.amazon.coral.service#InvalidSignatureException", 403}},
    {missing_token,
     {"MissingAuthenticationToken", "com.amazon.coral.service#MissingAuthenticationTokenException", 403}},
    {incomplete_signature, {"IncompleteSignature", "com.amazon.coral.service#IncompleteSignatureException"}},
    {signature_expired, {"RequestExpired", "com.amazon.coral.service#InvalidSignatureException", 403}},
    {internal, {"InternalFailure", "com.amazon.coral.service#InternalFailure", 500}},
    {unavailable, {"ServiceUnavailable", "com.amazon.coral.service#ServiceUnavailableException", 503}},
};

constexpr bool rows_stand_in_order() {
  for (size_t i = 0; i < std::size(rows); ++i)
    if (static_cast<size_t>(rows[i].code) != i) return false;
  return std::size(rows) == static_cast<size_t>(unavailable) + 1;
}
static_assert(rows_stand_in_order(), "a row for each code");

}  // namespace

const ErrorNames& names(ErrorCode code) { return rows[static_cast<size_t>(code)].names; }

std::string_view blamed(ErrorCode code) { return names(code).status >= 500 ? "Receiver" : "Sender"; }

Refusal missing_parameter(std::string_view name) {
  return {ErrorCode::missing_parameter, "The request must contain the parameter " + std::string(name) + "."};
}

Refusal invalid_value(std::string_view value, std::string_view parameter, std::string_view reason) {
  std::string text = "Value ";
  text.append(value).append(" for parameter ").append(parameter).append(" is invalid. Reason: ").append(reason);
  return {ErrorCode::invalid_parameter, std::move(text)};
}

Refusal no_such_queue() { return {ErrorCode::queue_does_not_exist, "The specified queue does not exist."}; }

}  // namespace naru::sqs
