#pragma once
// What is answered to a request that is not done. One row per error has its names in both protocols (the service's API
// model, and what its two protocols answer).
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace naru::sqs {

enum class ErrorCode : uint8_t {
  queue_does_not_exist,
  queue_name_exists,
  queue_deleted_recently,
  purge_in_progress,
  empty_batch,
  too_many_entries,
  entry_ids_not_distinct,
  invalid_entry_id,
  batch_too_long,
  message_not_inflight,
  unsupported_operation,
  receipt_handle_invalid,
  invalid_parameter,
  invalid_parameter_combination,
  missing_parameter,
  invalid_attribute_name,
  invalid_attribute_value,
  invalid_message_contents,
  over_limit,
  throttled,
  access_denied,
  invalid_address,
  resource_not_found,
  unknown_operation,     // POST with an action that is none
  no_operation,          // GET without an action
  malformed_input,       // no JSON, or a value of another kind than the parameter
  invalid_client_token,  // an access key that nobody has
  signature_mismatch,
  missing_token,  // not signed at all
  incomplete_signature,
  signature_expired,
  internal,
  unavailable,  // again, please: shutting down, or the disk is full
};

struct ErrorNames {
  std::string_view query;  // <Code>, the header x-amzn-query-error, the code of a batch's entry
  std::string_view type;   // __type, with what stands before the #
  int status = 400;
  int query_status = 0;  // where the Query protocol has another one
};
const ErrorNames& names(ErrorCode code);
/// "Sender", or "Receiver" where the broker is to blame.
std::string_view blamed(ErrorCode code);

struct Refusal {
  ErrorCode code;
  std::string message;
};

/// What a request comes to: its result, or why not.
template <class T>
using Reply = std::expected<T, Refusal>;
inline std::unexpected<Refusal> refuse(ErrorCode code, std::string message) {
  return std::unexpected(Refusal{code, std::move(message)});
}

// Texts that come in several places.
Refusal missing_parameter(std::string_view name);
/// "Value V for parameter P is invalid. Reason: R"
Refusal invalid_value(std::string_view value, std::string_view parameter, std::string_view reason);
Refusal no_such_queue();

}  // namespace naru::sqs
