#include "sqs/record.h"

#include "base/testing.h"
#include "sqs/deduplication.h"
#include "sqs/receipt.h"
#include "sqs/row.h"

namespace naru::sqs {
namespace {

/// What was made, as a reader of the log sees it.
struct Stored {
  explicit Stored(std::span<const Header> headers, std::string body = "body") : value(std::move(body)) {
    for (const Header& header : headers) append_header(raw, header);
    record.headers = Headers(raw, static_cast<int32_t>(headers.size()));
    record.value = view(value);
  }
  std::string value;
  Bytes raw;
  Record record;
};

TEST(record, attributes_come_back_with_their_types_and_names) {
  AttributeView attributes[] = {{"amqp.content-type", "String", "text/plain"},
                                {"amqp.message-id", "String", "mine"},
                                {"naru.expires", "String", "never"},
                                {"number", "Number", "1"},
                                {"odd", "String.custom", "x"},
                                {"raw", "Binary.png", "plain text"},
                                {"sqs.types", "String", "confusing"}};
  HeaderMaker maker;
  Outgoing message{.attributes = attributes, .deduplication = "d"};
  Stored stored(maker.make(message, "id"));
  EXPECT_EQ(text(*stored.record.headers.find("amqp.content-type")), "text/plain") << "a property for AMQP's clients";
  Incoming read = read_record(stored.record, "made up");
  EXPECT_EQ(read.message_id, "id");
  EXPECT_EQ(read.deduplication, "d");
  ASSERT_EQ(read.attributes.size(), std::size(attributes));
  for (size_t i = 0; i < read.attributes.size(); ++i) {
    EXPECT_EQ(read.attributes[i].name, attributes[i].name);
    EXPECT_EQ(read.attributes[i].type, attributes[i].type);
    EXPECT_EQ(read.attributes[i].value, attributes[i].value);
  }
}

TEST(record, a_journey_replaces_the_one_before) {
  HeaderMaker maker;
  AttributeView attribute{"a", "Number", "1"};
  Stored first(maker.make({.attributes = std::span(&attribute, 1), .trace = "t"}, "id"));
  Stored second(maker.move(first.record, {"source", 3, 1000}));
  Stored third(maker.move(second.record, {"other", 5, 1000}));
  Journey journey = journey_of(third.record);
  EXPECT_EQ(journey.dead_letter_source, "other");
  EXPECT_EQ(journey.receives_before, 5u);
  EXPECT_EQ(journey.first_received_ms, 1000);
  Incoming read = read_record(third.record, "");
  EXPECT_EQ(read.message_id, "id");
  EXPECT_EQ(read.attributes[0].type, "Number");
  Stored again(maker.renew(third.record, "new id"));
  EXPECT_EQ(journey_of(again.record).dead_letter_source, "");
  EXPECT_EQ(read_record(again.record, "").message_id, "new id");
  EXPECT_EQ(read_record(again.record, "").trace, "t");
}

TEST(receipt, is_read_as_it_was_made) {
  SipKey key{1, 2};
  Receipt receipt{.queue = 7, .message = {.level = 3, .offset = Offset(1'000'000)}, .attempt = 9, .received_ms = 5};
  std::string handle = encode(receipt, key);
  EXPECT_LT(handle.size(), 100u);
  auto read = decode_receipt(handle, key);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->queue, 7u);
  EXPECT_EQ(read->message.offset, Offset(1'000'000));
  EXPECT_EQ(read->message.level, 3);
  EXPECT_EQ(read->attempt, 9u);
  EXPECT_EQ(read->received_ms, 5);
  EXPECT_FALSE(decode_receipt(handle, {1, 3}));
  EXPECT_FALSE(decode_receipt("", key));
  EXPECT_FALSE(decode_receipt(std::string(1000, 'A'), key));
}

/// The first of the vectors that the authors of SipHash publish: the key 00 01 .. 0f, the message 00 01 .. 0e.
TEST(siphash, as_its_authors_say) {
  Bytes message;
  for (uint8_t i = 0; i < 15; ++i) message.push_back(i);
  EXPECT_EQ(siphash({0x0706050403020100, 0x0f0e0d0c0b0a0908}, message), 0xa129ca6149be45e5u);
}

TEST(row, is_read_as_it_was_written) {
  QueueRow row{.stream = StreamId(5), .created_s = 1, .modified_s = 2, .purged_to = Offset(9), .is_shared = true};
  row.attributes = {.delay = 1,
                    .retention = 60,
                    .wait = 20,
                    .visibility = 0,
                    .is_fifo = true,
                    .deduplicate_per_group = true,
                    .redrive = Redrive{"dead.fifo", 1000}};
  row.attributes.texts["Policy"] = "{\"a\":1}";
  row.tags["k"] = "";
  std::string bytes = encode(row);
  auto read = decode_row(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->attributes, row.attributes);
  EXPECT_EQ(read->tags, row.tags);
  EXPECT_EQ(read->purged_to, Offset(9));
  EXPECT_TRUE(read->is_shared);
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_row(std::string_view(bytes).substr(0, size)));
}

TEST(deduplication, remembers_for_five_minutes) {
  Deduplication sent({1, 2});
  sent.add("", "a", {.offset = Offset(4), .at_ms = 1000});
  sent.add("g", "a", {.offset = Offset(5), .at_ms = 1000});
  EXPECT_EQ(sent.find("", "a", 300'999)->offset, Offset(4));
  EXPECT_EQ(sent.find("g", "a", 300'999)->offset, Offset(5));
  EXPECT_EQ(sent.find("", "b", 2000), nullptr);
  EXPECT_EQ(sent.find("", "a", 301'000), nullptr);
  EXPECT_EQ(sent.size(), 0u);
}

}  // namespace
}  // namespace naru::sqs
