#include <gtest/gtest.h>

#include "sqs/messages/queue.h"
#include "sqs/messages/receive.h"
#include "sqs/messages/send.h"
#include "sqs/wire/query_reader.h"

namespace naru::sqs {
namespace {

template <class M>
struct Read {
  std::string text;
  QueryParameters parameters;
  M message;
  std::optional<Refusal> refusal;
  explicit Read(std::string from) : text(std::move(from)) {
    parameters.add({text.data(), text.size()});
    parameters.sort();
    QueryReader reader(parameters);
    reader.read(message);
    refusal = reader.refusal();
  }
};

TEST(sqs_query, escapes_and_blanks) {
  Read<SendMessageRequest> read(
      "QueueUrl=http%3A%2F%2Fh%2F1%2Fq&MessageBody=a+b%20c%2Bd%e9%&DelaySeconds=5&&=x&Version");
  EXPECT_EQ(read.message.queue_url, "http://h/1/q");
  EXPECT_EQ(read.message.message.body, "a b c+d\xe9%");
  EXPECT_EQ(read.message.message.delay, 5);
  EXPECT_EQ(read.parameters.find("Version"), "");
  EXPECT_FALSE(read.refusal);
}

TEST(sqs_query, lists_by_number_in_their_order_whatever_is_missing) {
  Read<ReceiveMessageRequest> read("AttributeName.10=d&AttributeName.2=b&AttributeName.1=a&MessageAttributeName=one");
  EXPECT_EQ(read.message.attribute_names, (Texts{"a", "b", "d"}));
  EXPECT_EQ(read.message.message_attribute_names, (Texts{"one"}));
  EXPECT_TRUE(read.message.system_attribute_names.empty());
}

TEST(sqs_query, maps_attributes_and_entries) {
  Read<CreateQueueRequest> created(
      "QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Attribute.2.Name=Policy&Tag.1.Key=k&Tag.1.Value="
      "v");
  EXPECT_EQ(created.message.attributes, (TextMap{{"DelaySeconds", "5"}, {"Policy", ""}}));
  EXPECT_EQ(created.message.tags, (TextMap{{"k", "v"}}));
  Read<SetAttributesRequest> set("Attribute.Name=VisibilityTimeout&Attribute.Value=35");
  EXPECT_EQ(set.message.attributes, (TextMap{{"VisibilityTimeout", "35"}}));
  Read<SendMessageBatchRequest> batch(
      "SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=x&SendMessageBatchRequestEntry.2."
      "Id=b"
      "&SendMessageBatchRequestEntry.2.MessageAttribute.1.Name=n&SendMessageBatchRequestEntry.2.MessageAttribute.1."
      "Value."
      "DataType=Binary&SendMessageBatchRequestEntry.2.MessageAttribute.1.Value.BinaryValue=AP8%3D");
  ASSERT_EQ(batch.message.entries().size(), 2u);
  EXPECT_EQ(batch.message.entries()[0].message.body, "x");
  EXPECT_FALSE(batch.message.entries()[1].message.body);
  ASSERT_EQ(batch.message.entries()[1].message.attributes.size(), 1u);
  EXPECT_EQ(batch.message.entries()[1].message.attributes[0].binary, std::string_view("\0\xff", 2));
}

TEST(sqs_query, what_is_no_number_or_no_base64_is_refused) {
  EXPECT_TRUE(Read<ReceiveMessageRequest>("WaitTimeSeconds=abc").refusal);
  EXPECT_TRUE(Read<ReceiveMessageRequest>("WaitTimeSeconds=1.5").refusal);
  EXPECT_FALSE(Read<ReceiveMessageRequest>("WaitTimeSeconds=").refusal);
  EXPECT_TRUE(Read<SendMessageRequest>("MessageAttribute.1.Name=n&MessageAttribute.1.Value.BinaryValue=%25").refusal);
}

}  // namespace
}  // namespace naru::sqs
