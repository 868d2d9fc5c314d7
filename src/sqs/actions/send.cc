// SendMessage and SendMessageBatch.
#include "sqs/messages/send.h"

#include "sqs/call.h"
#include "sqs/wire/batches.h"
#include "sqs/wire/check_message.h"

namespace naru::sqs {
namespace {

constexpr size_t batch_bytes_max = 1'048'576;

/// A message that was checked; borrows the request.
struct Checked {
  Outgoing outgoing;
  std::vector<AttributeView> attributes;
  std::string content_digest;  // what deduplicates it, if that is its content
};

std::unexpected<Refusal> wrong(std::string text) { return refuse(ErrorCode::invalid_parameter, std::move(text)); }

Reply<void> check_key(const Text& key, std::string_view name) {
  if (!key || is_message_key(*key)) return {};
  std::string reason(name);
  return std::unexpected(invalid_value(
      *key, name, reason + " can only include alphanumeric and punctuation characters. 1 to 128 in length."));
}

Reply<void> check_delay(const MessageFields& fields, bool is_fifo) {
  if (!fields.delay) return {};
  std::string value = std::to_string(*fields.delay);
  if (*fields.delay < 0 || *fields.delay > 900)
    return std::unexpected(invalid_value(value, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900."));
  if (is_fifo && *fields.delay > 0)
    return std::unexpected(
        invalid_value(value, "DelaySeconds", "The request include parameter that is not valid for this queue type."));
  return {};
}

/// Group and deduplication id: what the kind of queue asks for, and what it does not know.
Reply<void> check_keys(const MessageFields& fields, const Attributes& queue, bool in_batch) {
  if (auto fine = check_key(fields.group, "MessageGroupId"); !fine) return fine;
  if (auto fine = check_key(fields.deduplication, "MessageDeduplicationId"); !fine) return fine;
  if (!queue.is_fifo) {
    if (!fields.deduplication) return {};
    return wrong(in_batch ? "The request include parameter that is not valid for this queue type"
                          : "The request include parameter MessageDeduplicationId which is not valid for this queue "
                            "type");
  }
  if (!fields.group) {
    Refusal missing = missing_parameter("MessageGroupId");
    if (in_batch) missing.code = ErrorCode::invalid_parameter;
    return std::unexpected(std::move(missing));
  }
  if (!fields.deduplication && !queue.content_based_deduplication)
    return wrong(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly");
  return {};
}

/// `entry`: how a batch's message is called; empty if it is no batch's.
Reply<void> check(const MessageFields& fields, const Attributes& queue, const std::string& entry, Checked& out) {
  bool in_batch = !entry.empty();
  auto body = required(fields.body, in_batch ? entry + ".MessageBody" : "MessageBody");
  if (!body) return std::unexpected(std::move(body.error()));
  if (!is_message_text(*body))
    return refuse(ErrorCode::invalid_message_contents,
                  "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to "
                  "#xFFFD | #x10000 to #x10FFFF");
  if (auto fine = check_delay(fields, queue.is_fifo); !fine) return fine;
  auto attributes = check_attributes(fields.attributes);
  if (!attributes) return std::unexpected(std::move(attributes.error()));
  auto trace = check_system_attributes(fields.system_attributes);
  if (!trace) return std::unexpected(std::move(trace.error()));
  out.attributes = std::move(*attributes);
  if (message_bytes(*body, out.attributes) > static_cast<size_t>(queue.message_bytes_max))
    return wrong(std::string("One or more parameters ") + (in_batch ? "cannot be validated" : "are invalid") +
                 ". Reason: Message must be shorter than " + std::to_string(queue.message_bytes_max) + " bytes.");
  if (auto fine = check_keys(fields, queue, in_batch); !fine) return fine;
  if (queue.is_fifo && !fields.deduplication) out.content_digest = to_hex(text(sha256(*body)));
  out.outgoing.body = *body;
  out.outgoing.group = fields.group;
  out.outgoing.deduplication = fields.deduplication;
  out.outgoing.trace = *trace;
  if (fields.delay) out.outgoing.delay = static_cast<int32_t>(*fields.delay);
  return {};
}

/// Once it stays where it is: what it borrows of itself, and of the call.
void complete(Checked& message, const Call& call) {
  message.outgoing.attributes = message.attributes;
  if (!message.content_digest.empty()) message.outgoing.deduplication = message.content_digest;
  if (!message.outgoing.trace && !call.trace.empty()) message.outgoing.trace = call.trace;
  message.outgoing.sender = call.user.empty() ? call.door.settings.place.account : call.user;
}

SentFields view(const Checked& message, const MessageFields& fields, Sent sent, bool is_fifo) {
  SentFields out{.message_id = std::move(sent.message_id), .body_md5 = md5(message.outgoing.body)};
  out.attributes_md5 = md5_of(message.attributes);
  if (!fields.system_attributes.empty() && message.outgoing.trace) {
    AttributeView trace{"AWSTraceHeader", "String", *message.outgoing.trace};
    out.system_attributes_md5 = md5_of({&trace, 1});
  }
  if (is_fifo) out.sequence = sequence_text(sent.sequence);
  return out;
}

io::Task<Reply<SendMessageResult>> send_message(Call& call, SendMessageRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::write);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  bool is_fifo = (*queue)->attributes().is_fifo;
  Checked message;
  auto fine = check(request.message, (*queue)->attributes(), "", message);
  if (!fine) co_return std::unexpected(std::move(fine.error()));
  complete(message, call);
  auto sending = (*queue)->send(std::span<const Outgoing>(&message.outgoing, 1));
  auto sent = co_await sending;
  if (!sent[0]) co_return std::unexpected(refusal_of(sent[0].error()));
  co_return view(message, request.message, std::move(*sent[0]), is_fifo);
}

/// A batch of more than a message may have, all together, is refused whole.
Reply<void> check_total(const std::vector<SendEntry>& entries) {
  size_t total = 0;
  for (const SendEntry& entry : entries) {
    total += entry.message.body.value_or("").size();
    for (const GivenAttribute& one : entry.message.attributes) {
      const Text& value = one.binary ? one.binary : one.text;
      total += one.name.size() + one.type.value_or("").size() + value.value_or("").size();
    }
  }
  if (total <= batch_bytes_max) return {};
  return refuse(ErrorCode::batch_too_long, "Batch requests cannot be longer than " + std::to_string(batch_bytes_max) +
                                               " bytes. You have sent " + std::to_string(total) + " bytes.");
}

/// In a FIFO queue a message without group or deduplication id refuses the whole batch.
Reply<void> check_batch_keys(const std::vector<SendEntry>& entries, const Attributes& queue) {
  if (!queue.is_fifo) return {};
  for (const SendEntry& entry : entries)
    if (!entry.message.group || (!entry.message.deduplication && !queue.content_based_deduplication))
      return check_keys(entry.message, queue, true);
  return {};
}

Reply<void> check_batch(const SendMessageBatchRequest& request, const Attributes& queue) {
  if (auto fine = check_entries(request.given); !fine) return fine;
  if (auto fine = check_total(request.entries()); !fine) return fine;
  return check_batch_keys(request.entries(), queue);
}

/// The entries that are to be sent.
struct Batch {
  std::vector<const SendEntry*> entries;
  std::vector<Checked> messages;
};

Batch check_each(const SendMessageBatchRequest& request, const Attributes& queue, SendMessageBatchResult& result) {
  Batch batch;
  for (size_t i = 0; i < request.entries().size(); ++i) {
    const SendEntry& entry = request.entries()[i];
    Checked message;
    auto fine = check(entry.message, queue, entry_name(request.entries(), i), message);
    if (!fine) {
      result.add_failed(*entry.id, std::move(fine.error()));
      continue;
    }
    batch.messages.push_back(std::move(message));
    batch.entries.push_back(&entry);
  }
  return batch;
}

io::Task<Reply<SendMessageBatchResult>> send_batch(Call& call, SendMessageBatchRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::write);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  bool is_fifo = (*queue)->attributes().is_fifo;
  auto fine = check_batch(request, (*queue)->attributes());
  if (!fine) co_return std::unexpected(std::move(fine.error()));
  SendMessageBatchResult result;
  Batch batch = check_each(request, (*queue)->attributes(), result);
  std::vector<Outgoing> outgoing;
  for (Checked& message : batch.messages) {
    complete(message, call);
    outgoing.push_back(message.outgoing);
  }
  if (outgoing.empty()) co_return result;
  auto sending = (*queue)->send(outgoing);
  auto sent = co_await sending;
  for (size_t i = 0; i < sent.size(); ++i) {
    const SendEntry& entry = *batch.entries[i];
    if (sent[i]) {
      SentFields shown = view(batch.messages[i], entry.message, std::move(*sent[i]), is_fifo);
      result.successful.push_back({*entry.id, std::move(shown)});
    } else {
      result.add_failed(*entry.id, refusal_of(sent[i].error()));
    }
  }
  co_return result;
}

constexpr Action actions[] = {action<send_message>("SendMessage"), action<send_batch>("SendMessageBatch")};

}  // namespace

std::span<const Action> send_actions() { return actions; }

}  // namespace naru::sqs
