#pragma once
// SendMessage and SendMessageBatch, as Amazon's API model of 2012-11-05 has them.
#include "sqs/messages/batch.h"

namespace naru::sqs {

/// What both have: a message.
struct MessageFields {
  Text body;
  Number delay;
  GivenAttributes attributes, system_attributes;
  Text deduplication, group;
  static void describe(auto& wire, auto& m) {
    wire("MessageBody", m.body);
    wire("DelaySeconds", m.delay);
    wire.attributes("MessageAttributes", "MessageAttribute", m.attributes);
    wire.attributes("MessageSystemAttributes", "MessageSystemAttribute", m.system_attributes);
    wire("MessageDeduplicationId", m.deduplication);
    wire("MessageGroupId", m.group);
  }
};

struct SendMessageRequest {
  Text queue_url;
  MessageFields message;
  static void describe(auto& wire, auto& m) {
    wire("QueueUrl", m.queue_url);
    MessageFields::describe(wire, m.message);
  }
};
/// Of one message.
struct SentFields {
  std::string message_id;
  Md5 body_md5{};
  std::optional<Md5> attributes_md5{}, system_attributes_md5{};
  std::optional<std::string> sequence{};
  static void describe(auto& wire, auto& m) {
    wire("MessageId", m.message_id);
    wire("MD5OfMessageBody", m.body_md5);
    wire("MD5OfMessageAttributes", m.attributes_md5);
    wire("MD5OfMessageSystemAttributes", m.system_attributes_md5);
    wire("SequenceNumber", m.sequence);
  }
};
using SendMessageResult = SentFields;

struct SendEntry {
  static constexpr std::string_view query_name = "SendMessageBatchRequestEntry";
  Text id;
  MessageFields message;
  static void describe(auto& wire, auto& m) {
    wire("Id", m.id);
    MessageFields::describe(wire, m.message);
  }
};
using SendMessageBatchRequest = BatchRequest<SendEntry>;

struct SentEntry {
  static constexpr std::string_view query_name = "SendMessageBatchResultEntry";
  std::string_view id;
  SentFields sent{};
  static void describe(auto& wire, auto& m) {
    wire("Id", m.id);
    SentFields::describe(wire, m.sent);
  }
};
using SendMessageBatchResult = BatchResult<SentEntry>;

}  // namespace naru::sqs
