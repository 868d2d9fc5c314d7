// ReceiveMessage.
#include "sqs/messages/receive.h"

#include "sqs/call.h"
#include "sqs/wire/check_message.h"

namespace naru::sqs {
namespace {

constexpr std::string_view system_attributes[] = {"SenderId",
                                                  "SentTimestamp",
                                                  "ApproximateReceiveCount",
                                                  "ApproximateFirstReceiveTimestamp",
                                                  "SequenceNumber",
                                                  "MessageDeduplicationId",
                                                  "MessageGroupId",
                                                  "AWSTraceHeader",
                                                  "DeadLetterQueueSourceArn"};

Reply<std::optional<int32_t>> in_range(const Number& given, std::string_view name, int64_t min, int64_t max,
                                       std::string_view reason) {
  if (!given) return std::nullopt;
  if (*given < min || *given > max) return std::unexpected(invalid_value(std::to_string(*given), name, reason));
  return static_cast<int32_t>(*given);
}

Reply<ReceiveRequest> check(const ReceiveMessageRequest& given) {
  ReceiveRequest request;
  auto max = in_range(given.max, "MaxNumberOfMessages", 1, 10, "Must be between 1 and 10, if provided.");
  if (!max) return std::unexpected(std::move(max.error()));
  auto visibility =
      in_range(given.visibility, "VisibilityTimeout", 0, 43'200, "Must be >= 0 and <= 43200, if provided.");
  if (!visibility) return std::unexpected(std::move(visibility.error()));
  auto wait = in_range(given.wait, "WaitTimeSeconds", 0, 20, "Must be >= 0 and <= 20, if provided.");
  if (!wait) return std::unexpected(std::move(wait.error()));
  constexpr std::string_view attempt = "ReceiveRequestAttemptId";
  if (given.attempt_id && !is_message_key(*given.attempt_id))
    return std::unexpected(invalid_value(
        *given.attempt_id, attempt,
        std::string(attempt) + " can only include alphanumeric and punctuation characters. 1 to 128 in length."));
  request.max = max->value_or(1);
  request.visibility = *visibility;
  request.wait = *wait;
  request.attempt_id = given.attempt_id.value_or("");
  return request;
}

/// Which of the system attributes are wanted, as bits by their place.
Reply<uint32_t> wanted_system(const ReceiveMessageRequest& request) {
  uint32_t wanted = 0;
  for (const Texts* list : {&request.attribute_names, &request.system_attribute_names}) {
    for (std::string_view name : *list) {
      auto found = std::ranges::find(system_attributes, name);
      if (name == "All") {
        wanted = ~0u;
      } else if (found != std::end(system_attributes)) {
        wanted |= 1u << (found - system_attributes);
      } else {
        return refuse(ErrorCode::invalid_attribute_name, "Unknown Attribute " + std::string(name) + ".");
      }
    }
  }
  return wanted;
}

/// The value of a system attribute; nothing if the message has none.
std::optional<std::string> system_value(std::string_view name, const Incoming& message, const Place& place,
                                        bool is_fifo) {
  if (name == "SenderId") return message.sender.value_or(place.account);
  if (name == "SentTimestamp") return std::to_string(message.sent_ms);
  if (name == "ApproximateReceiveCount") return std::to_string(message.receive_count);
  if (name == "ApproximateFirstReceiveTimestamp") return std::to_string(message.first_received_ms);
  if (name == "SequenceNumber") return is_fifo ? std::optional(sequence_text(message.sequence)) : std::nullopt;
  if (name == "MessageDeduplicationId") return message.deduplication;
  if (name == "MessageGroupId") return message.group;
  if (name == "AWSTraceHeader") return message.trace;
  if (message.dead_letter_source) return arn_of(place, *message.dead_letter_source);
  return std::nullopt;
}

/// "All", ".*", "name", "prefix.*"
bool is_wanted(std::string_view name, const Texts& wanted) {
  for (std::string_view one : wanted) {
    if (one == "All" || one == "*" || one == name) return true;
    if (one.ends_with(".*") && name.starts_with(one.substr(0, one.size() - 2))) return true;
  }
  return false;
}

ReceivedMessage view(const Incoming& message, uint32_t system, const Texts& wanted, const Place& place, bool is_fifo) {
  ReceivedMessage out{.message_id = message.message_id,
                      .receipt = message.receipt,
                      .body_md5 = md5(message.body),
                      .body = message.body};
  for (size_t i = 0; i < std::size(system_attributes); ++i) {
    if (!(system >> i & 1)) continue;
    if (auto value = system_value(system_attributes[i], message, place, is_fifo))
      out.system_attributes.emplace_back(system_attributes[i], std::move(*value));
  }
  for (const Attribute& one : message.attributes)
    if (is_wanted(one.name, wanted)) out.attributes.push_back({one.name, one.type, one.value});
  out.attributes_md5 = md5_of(out.attributes);
  return out;
}

io::Task<Reply<ReceiveMessageResult>> receive_message(Call& call, ReceiveMessageRequest& request) {
  auto found = find_queue(call, request.queue_url, Operation::read);
  if (!found) co_return std::unexpected(std::move(found.error()));
  QueuePtr queue = std::move(*found);
  auto checked = check(request);
  if (!checked) co_return std::unexpected(std::move(checked.error()));
  auto system = wanted_system(request);
  if (!system) co_return std::unexpected(std::move(system.error()));
  checked->holder = call.holders->current(call.token);
  call.poll = std::make_shared<Poll>();
  if (call.is_gone) call.poll->cancel();
  ++call.door.counters.receiving;
  auto receiving = queue->receive(std::move(*checked), call.poll);
  auto received = co_await receiving;
  --call.door.counters.receiving;
  call.poll.reset();
  if (!received) co_return std::unexpected(refusal_of(received.error()));
  ReceiveMessageResult result{.received = std::move(*received), .messages = {}};
  bool is_fifo = queue->attributes().is_fifo;
  for (const Incoming& message : result.received)
    result.messages.push_back(
        view(message, *system, request.message_attribute_names, call.door.settings.place, is_fifo));
  call.received_from = std::move(queue);
  co_return result;
}

constexpr Action actions[] = {action<receive_message>("ReceiveMessage")};

}  // namespace

std::span<const Action> receive_actions() { return actions; }

}  // namespace naru::sqs
