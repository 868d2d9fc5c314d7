#pragma once
// ReceiveMessage, and what is done with receipts.
#include "sqs/messages/batch.h"

namespace naru::sqs {

struct ReceiveMessageRequest {
  Text queue_url;
  Number max, visibility, wait;
  Texts attribute_names, system_attribute_names, message_attribute_names;
  Text attempt_id;
  static void describe(auto& wire, auto& m) {
    wire("QueueUrl", m.queue_url);
    wire("MaxNumberOfMessages", m.max);
    wire("VisibilityTimeout", m.visibility);
    wire("WaitTimeSeconds", m.wait);
    wire.list("AttributeNames", "AttributeName", m.attribute_names);
    wire.list("MessageSystemAttributeNames", "MessageSystemAttributeName", m.system_attribute_names);
    wire.list("MessageAttributeNames", "MessageAttributeName", m.message_attribute_names);
    wire("ReceiveRequestAttemptId", m.attempt_id);
  }
};
/// Borrows the message that was received.
struct ReceivedMessage {
  std::string_view message_id, receipt;
  Md5 body_md5{};
  std::string_view body;
  std::vector<std::pair<std::string_view, std::string>> system_attributes{};
  std::optional<Md5> attributes_md5{};
  std::vector<AttributeView> attributes{};
  static void describe(auto& wire, auto& m) {
    wire("MessageId", m.message_id);
    wire("ReceiptHandle", m.receipt);
    wire("MD5OfBody", m.body_md5);
    wire("Body", m.body);
    wire.map("Attributes", "Attribute", "Name", m.system_attributes);
    wire("MD5OfMessageAttributes", m.attributes_md5);
    wire.attributes("MessageAttributes", "MessageAttribute", m.attributes);
  }
};
struct ReceiveMessageResult {
  std::vector<Incoming> received;  // what `messages` borrows
  std::vector<ReceivedMessage> messages;
  static void describe(auto& wire, auto& m) { wire.list("Messages", "Message", m.messages); }
};

struct DeleteMessageRequest {
  Text queue_url, receipt;
  static void describe(auto& wire, auto& m) {
    wire("QueueUrl", m.queue_url);
    wire("ReceiptHandle", m.receipt);
  }
};
struct ChangeVisibilityRequest {
  Text queue_url, receipt;
  Number visibility;
  static void describe(auto& wire, auto& m) {
    wire("QueueUrl", m.queue_url);
    wire("ReceiptHandle", m.receipt);
    wire("VisibilityTimeout", m.visibility);
  }
};

struct DeleteEntry {
  static constexpr std::string_view query_name = "DeleteMessageBatchRequestEntry";
  Text id, receipt;
  static void describe(auto& wire, auto& m) {
    wire("Id", m.id);
    wire("ReceiptHandle", m.receipt);
  }
};
struct DeletedEntry {
  static constexpr std::string_view query_name = "DeleteMessageBatchResultEntry";
  std::string_view id;
  static void describe(auto& wire, auto& m) { wire("Id", m.id); }
};
using DeleteBatchRequest = BatchRequest<DeleteEntry>;
using DeleteBatchResult = BatchResult<DeletedEntry>;

struct VisibilityEntry {
  static constexpr std::string_view query_name = "ChangeMessageVisibilityBatchRequestEntry";
  Text id, receipt;
  Number visibility;
  static void describe(auto& wire, auto& m) {
    wire("Id", m.id);
    wire("ReceiptHandle", m.receipt);
    wire("VisibilityTimeout", m.visibility);
  }
};
struct ChangedEntry {
  static constexpr std::string_view query_name = "ChangeMessageVisibilityBatchResultEntry";
  std::string_view id;
  static void describe(auto& wire, auto& m) { wire("Id", m.id); }
};
using VisibilityBatchRequest = BatchRequest<VisibilityEntry>;
using VisibilityBatchResult = BatchResult<ChangedEntry>;

}  // namespace naru::sqs
