#include "amqp/wire/properties.h"

#include "amqp/wire/reply_code.h"
#include "base/testing.h"

namespace naru::amqp {
namespace {

ByteView payload(ByteView frame) { return frame.subspan(7, frame.size() - 8); }

Properties every_property(const FieldTable& headers) {
  return {.content_type = "text/plain",
          .content_encoding = "utf-8",
          .headers = headers.view(),
          .delivery_mode = 2,
          .priority = 9,
          .correlation_id = "c",
          .reply_to = "r",
          .expiration = "60000",
          .message_id = "m",
          .timestamp = 1700000000,
          .type = "t",
          .user_id = "guest",
          .app_id = "app",
          .cluster_id = ""};
}

/// Resets the properties that are not in `mask`.
struct Drop {
  uint32_t mask;
  uint32_t bit = 1;
  template <class T>
  void operator()(const char*, std::optional<T>& field) {
    if (!(mask & bit)) field.reset();
    bit <<= 1;
  }
};

TEST(properties, golden_header_frame) {
  Bytes frame;
  append_header(frame, 1, 5, {.content_type = "a/b", .delivery_mode = 2, .timestamp = 1});
  const Bytes expected = {2, 0,    1,    0, 0,   0,   27,  0, 60, 0, 0, 0, 0, 0, 0, 0, 0,   0,
                          5, 0x90, 0x40, 3, 'a', '/', 'b', 2, 0,  0, 0, 0, 0, 0, 0, 1, 0xce};
  EXPECT_EQ(frame, expected);
}

TEST(properties, all_fourteen_have_their_flag) {
  FieldTable headers = FieldTable().add("h", int32_t(1));
  Properties all = every_property(headers);
  Bytes encoded;
  append_properties(encoded, all);
  EXPECT_EQ(load_be<uint16_t>(encoded.data()), 0xfffc);
  auto read = decode_properties(encoded);
  ASSERT_TRUE(read);
  EXPECT_EQ(to_text(*read), to_text(all));
  EXPECT_EQ(read->timestamp, 1700000000u);
  EXPECT_EQ(read->headers->find("h")->integer(), 1);
  EXPECT_EQ(read->cluster_id, "");
  for (size_t cut = 0; cut < encoded.size(); ++cut) EXPECT_FALSE(decode_properties(ByteView(encoded).first(cut)));
  encoded.push_back(0);
  EXPECT_FALSE(decode_properties(encoded));
}

TEST(properties, every_subset_round_trips) {
  FieldTable headers = FieldTable().add("h", "v");
  Bytes all;
  append_properties(all, every_property(headers));
  for (uint32_t mask = 0; mask < 1 << Properties::count; ++mask) {
    Properties some = every_property(headers);
    Drop drop{mask};
    Properties::describe(drop, some);
    Bytes frame;
    append_header(frame, 1, mask, some);
    auto read = decode_header(payload(frame));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->body_bytes, mask);
    EXPECT_EQ(read->class_id, 60);
    Bytes again, copied;
    append_header(again, 1, mask, read->properties);
    append_header(copied, 1, mask, read->encoded);
    ASSERT_EQ(again, frame);
    ASSERT_EQ(copied, frame);
  }
}

TEST(properties, bad_flags_and_headers_are_refused) {
  auto refused = [](std::initializer_list<uint8_t> bytes) { return !decode_properties(Bytes(bytes)); };
  EXPECT_FALSE(refused({0, 0}));
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused({0}));
  EXPECT_TRUE(refused({0, 0, 0}));
  EXPECT_TRUE(refused({0, 2}));                     // a property that does not exist
  EXPECT_TRUE(refused({0, 1}));                     // more flags, which are missing
  EXPECT_TRUE(refused({0, 1, 0x80, 0}));            // a fifteenth property
  EXPECT_FALSE(refused({0, 1, 0, 0}));              // more flags, none of them set
  EXPECT_FALSE(refused({0x10, 1, 0, 1, 0, 0, 2}));  // the same in front of a delivery mode
  EXPECT_TRUE(refused({0x20, 0, 0, 0, 0, 1, 0}));   // a broken headers table
  EXPECT_TRUE(refused({0x20, 0, 0, 0, 0, 9, 0}));
  Bytes frame;
  append_header(frame, 1, 0, Properties{});
  frame[7 + 3] = 1;
  EXPECT_FALSE(decode_header(payload(frame)));  // weight
  EXPECT_FALSE(decode_header(payload(frame).first(11)));
}

TEST(reply_code, names_and_severity) {
  EXPECT_EQ(name(ReplyCode::not_found), "NOT_FOUND");
  EXPECT_FALSE(is_hard(ReplyCode::precondition_failed));
  EXPECT_TRUE(is_hard(ReplyCode::connection_forced));
  EXPECT_TRUE(is_hard(ReplyCode::not_implemented));
}

TEST(reply_code, texts_fit_a_short_string) {
  EXPECT_EQ(reply_text(ReplyCode::not_found, "no queue 'q' in vhost '/'"), "NOT_FOUND - no queue 'q' in vhost '/'");
  std::string ascii = reply_text(ReplyCode::not_found, std::string(300, 'x'));
  EXPECT_EQ(ascii.size(), 255u);
  std::string umlauts;
  for (int i = 0; i < 200; ++i) umlauts += "ü";
  std::string cut = reply_text(ReplyCode::not_found, umlauts);  // 12 + 2 * n <= 255
  EXPECT_EQ(cut.size(), 254u);
  EXPECT_TRUE(is_utf8(cut));
}

}  // namespace
}  // namespace naru::amqp
