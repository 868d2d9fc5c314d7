#include "base/json.h"

#include <gtest/gtest.h>

#include "sqs/messages/queue.h"
#include "sqs/messages/receive.h"
#include "sqs/messages/send.h"
#include "sqs/wire/json_reader.h"

namespace naru::sqs {
namespace {

template <class M>
struct Read {
  Json json;
  M message;
  bool ok;
  explicit Read(std::string_view from) {
    if (auto parsed = parse_json(from)) json = *parsed;
    JsonReader reader(json);
    reader.read(message);
    ok = reader.ok();
  }
};

TEST(sqs_json, a_request_in_any_order_with_blanks_and_unknown_members) {
  Read<SendMessageRequest> read(
      "{ \"MessageBody\" : \"a\\u00e9\\n\\ud83d\\ude00\\\"\\\\\\/\" , "
      "\"new\":{\"x\":[1,{\"y\":null}]},\n\t\"QueueUrl\":\"http:\\/\\/h/1/q\","
      "\"DelaySeconds\":-7,\"MessageGroupId\":null}\r\n");
  ASSERT_TRUE(read.ok);
  EXPECT_EQ(read.message.message.body, "a\u00e9\n\U0001F600\"\\/");
  EXPECT_EQ(read.message.queue_url, "http://h/1/q");
  EXPECT_EQ(read.message.message.delay, -7);
  EXPECT_FALSE(read.message.message.group);
}

TEST(sqs_json, attributes_and_maps_and_lists) {
  Read<SendMessageRequest> sent(
      R"({"MessageAttributes":{"b":{"DataType":"Binary.png","BinaryValue":"AAEC/w=="},"n":{"StringValue":"1","DataType":"Number"},)"
      R"("e":{"DataType":"String","StringListValues":[]},"l":{"DataType":"String","StringListValues":["x"],"StringValue":"y"}}})");
  ASSERT_TRUE(sent.ok);
  const auto& attributes = sent.message.message.attributes;
  ASSERT_EQ(attributes.size(), 4u);
  EXPECT_EQ(attributes[0].binary, std::string_view("\0\1\2\xff", 4));
  EXPECT_EQ(attributes[1].text, "1");
  EXPECT_FALSE(attributes[2].has_list);
  EXPECT_TRUE(attributes[3].has_list);
  EXPECT_EQ(attributes[3].text, "y");
  Read<CreateQueueRequest> created(R"({"Attributes":{"DelaySeconds":5,"FifoQueue":true},"tags":{"a":"b"}})");
  ASSERT_TRUE(created.ok);
  EXPECT_EQ(created.message.attributes, (TextMap{{"DelaySeconds", "5"}, {"FifoQueue", "true"}}));
  EXPECT_EQ(created.message.tags, (TextMap{{"a", "b"}}));
  Read<ReceiveMessageRequest> received(R"({"AttributeNames":["All"],"MessageAttributeNames":[]})");
  ASSERT_TRUE(received.ok);
  EXPECT_EQ(received.message.attribute_names, Texts{"All"});
}

TEST(sqs_json, a_value_of_another_kind_is_refused) {
  for (const char* text :
       {R"({"QueueUrl":[]})", R"({"QueueUrl":{}})", R"({"DelaySeconds":"5"})", R"({"DelaySeconds":1.5})",
        R"({"DelaySeconds":99999999999999999999})", R"({"DelaySeconds":true})", R"({"MessageAttributes":[]})",
        R"({"MessageAttributes":{"a":"b"}})", R"({"MessageAttributes":{"a":{"BinaryValue":"%%%%"}}})", R"([])",
        R"("x")", "", "null", R"({"MessageAttributes":{"a":{"StringListValues":"x"}}})"})
    EXPECT_FALSE(Read<SendMessageRequest>(text).ok) << text;
}

TEST(sqs_json, results_leave_out_what_is_not_there) {
  SentFields sent{.message_id = "id\"\\\n\x01", .body_md5 = md5("x")};
  std::string out;
  JsonWriter(out).write(sent);
  EXPECT_EQ(out, R"({"MessageId":"id\"\\\n\u0001","MD5OfMessageBody":"9dd4e461268c8034f5c8564e155c67a6"})");
  SendMessageBatchResult batch;
  batch.successful.push_back({"one", sent});
  batch.add_failed("two", Refusal{ErrorCode::over_limit, "no"});
  out.clear();
  JsonWriter(out).write(batch);
  EXPECT_TRUE(out.ends_with(R"(],"Failed":[{"Id":"two","SenderFault":true,"Code":"OverLimit","Message":"no"}]})"))
      << out;
  EXPECT_TRUE(parse_json(out).has_value());
  out.clear();
  JsonWriter(out).write(ReceiveMessageResult());
  EXPECT_EQ(out, "{}");
  out.clear();
  JsonWriter(out).write(ListSourcesResult());
  EXPECT_EQ(out, R"({"queueUrls":[]})");
}

TEST(sqs_json, received_messages) {
  ReceivedMessage message{.message_id = "m", .receipt = "r", .body_md5 = md5("b"), .body = "b"};
  message.system_attributes = {{"SenderId", "ann"}, {"SentTimestamp", "5"}};
  message.attributes = {{"bytes", "Binary", std::string_view("\0\xff", 2)}, {"text", "String.x", "v"}};
  std::string json, xml;
  ReceiveMessageResult result;
  result.messages.push_back(message);
  JsonWriter(json).write(result);
  EXPECT_EQ(json, R"({"Messages":[{"MessageId":"m","ReceiptHandle":"r","MD5OfBody":"92eb5ffee6ae2fec3ad71c777531578f",)"
                  R"("Body":"b","Attributes":{"SenderId":"ann","SentTimestamp":"5"},"MessageAttributes":{"bytes":)"
                  R"({"DataType":"Binary","BinaryValue":"AP8="},"text":{"DataType":"String.x","StringValue":"v"}}}]})");
  XmlWriter(xml).write(result);
  EXPECT_EQ(
      xml,
      "<Message><MessageId>m</MessageId><ReceiptHandle>r</ReceiptHandle><MD5OfBody>92eb5ffee6ae2fec3ad71c777531578f"
      "</MD5OfBody><Body>b</Body><Attribute><Name>SenderId</Name><Value>ann</Value></Attribute><Attribute><Name>"
      "SentTimestamp</Name><Value>5</Value></Attribute><MessageAttribute><Name>bytes</Name><Value><DataType>Binary"
      "</DataType><BinaryValue>AP8=</BinaryValue></Value></MessageAttribute><MessageAttribute><Name>text</Name>"
      "<Value><DataType>String.x</DataType><StringValue>v</StringValue></Value></MessageAttribute></Message>");
}

TEST(sqs_json, xml_text_survives_a_parser) {
  std::string out;
  append_xml_text(out, "a<b>&\"c'\r\n\t");
  EXPECT_EQ(out, "a&lt;b&gt;&amp;&quot;c'&#xD;\n\t");
}

}  // namespace
}  // namespace naru::sqs
