#include "kafka/wire.h"

#include <limits>

#include "base/testing.h"

namespace naru::kafka {
namespace {

struct Inner {
  int32_t number = -1;
  std::string_view text;
  static void describe(auto& wire, auto& m) {
    wire("number", m.number);
    wire("text", m.text, since(1));
  }
  bool operator==(const Inner&) const = default;
};

/// Version 0 and 1 plain, from 2 on flexible.
struct Sample {
  static constexpr int16_t flexible_since = 2;
  bool flag = false;
  uint16_t port = 0;
  double ratio = 0;
  std::optional<std::string> text = "";
  std::optional<std::vector<Inner>> inners{std::in_place};
  std::optional<Inner> maybe;
  std::optional<Bytes> bytes;
  Inner tagged;
  std::vector<int32_t> numbers;
  int64_t epoch = -1;
  static void describe(auto& wire, auto& m) {
    wire("flag", m.flag);
    wire("port", m.port);
    wire("ratio", m.ratio);
    wire("text", m.text, every, since(1));
    wire("inners", m.inners, every, since(1));
    wire("maybe", m.maybe, since(1));
    wire("bytes", m.bytes, since(1));
    wire.tag(0, "tagged", m.tagged, since(2));
    wire.tag(1, "numbers", m.numbers, since(3));
    wire.tag(5, "epoch", m.epoch, since(2), -1);
  }
};

Sample sample() {
  Sample m;
  m.flag = true;
  m.port = 65535;
  m.ratio = 0.5;
  m.text = "hi";
  m.inners = {{{.number = 7, .text = "x"}}};
  m.maybe = Inner{.number = 2, .text = {}};
  m.bytes = Bytes{9};
  return m;
}
std::string hex(ByteView bytes) {
  std::string text;
  for (uint8_t byte : bytes) {
    text.push_back("0123456789abcdef"[byte >> 4]);
    text.push_back("0123456789abcdef"[byte & 15]);
  }
  return text;
}
Bytes bytes_of(std::string_view hex_digits) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  Bytes bytes;
  for (size_t i = 0; i + 1 < hex_digits.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(digit(hex_digits[i]) * 16 + digit(hex_digits[i + 1])));
  return bytes;
}

TEST(wire, writes_each_type_as_the_version_wants_it) {
  const std::string start = "01ffff3fe0000000000000";
  Sample m = sample();
  EXPECT_EQ(hex(encode(m, 0)), start +
                                   "00026869"
                                   "00000001"
                                   "00000007");
  EXPECT_EQ(hex(encode(m, 1)), start +
                                   "00026869"
                                   "00000001"
                                   "00000007"
                                   "000178"
                                   "01"
                                   "00000002"
                                   "0000"
                                   "0000000109");
  EXPECT_EQ(hex(encode(m, 2)), start +
                                   "036869"
                                   "02"
                                   "00000007"
                                   "0278"
                                   "00"
                                   "01"
                                   "00000002"
                                   "01"
                                   "00"
                                   "0209"
                                   "00");
  m.text.reset(), m.inners.reset(), m.maybe.reset(), m.bytes.reset();
  EXPECT_EQ(hex(encode(m, 1)), start +
                                   "ffff"
                                   "ffffffff"
                                   "ff"
                                   "ffffffff");
  EXPECT_EQ(hex(encode(m, 2)), start +
                                   "00"
                                   "00"
                                   "ff"
                                   "00"
                                   "00");
  EXPECT_EQ(hex(encode(m, 0)), start +
                                   "0000"
                                   "00000000")
      << "where no null is, empty is written";
}

TEST(wire, writes_tags_in_order_and_only_what_is_not_default) {
  const std::string start =
      "01ffff3fe0000000000000"
      "00"
      "00"
      "ff"
      "00";
  Sample m = sample();
  m.text.reset(), m.inners.reset(), m.maybe.reset(), m.bytes.reset();
  m.epoch = 3;
  EXPECT_EQ(hex(encode(m, 2)), start +
                                   "01"
                                   "05"
                                   "08"
                                   "0000000000000003");
  m.numbers = {1};
  m.tagged.number = 6;
  EXPECT_EQ(hex(encode(m, 3)), start +
                                   "03"
                                   "00"
                                   "06"
                                   "00000006"
                                   "01"
                                   "00"
                                   "01"
                                   "05"
                                   "02"
                                   "00000001"
                                   "05"
                                   "08"
                                   "0000000000000003");
  auto read = decode<Sample>(encode(m, 3), 3);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->numbers, std::vector<int32_t>{1});
  EXPECT_EQ(read->tagged.number, 6);
  EXPECT_EQ(read->epoch, 3);
}

TEST(wire, skips_tags_it_does_not_know) {
  const std::string start =
      "01ffff3fe0000000000000"
      "00"
      "00"
      "ff"
      "00";
  auto read = decode<Sample>(bytes_of(start + "03"
                                              "03"
                                              "02"
                                              "ffff"
                                              "05"
                                              "08"
                                              "0000000000000003"
                                              "80808008"
                                              "00"),
                             2);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->epoch, 3);
  read = decode<Sample>(bytes_of(start + "01"
                                         "01"
                                         "05"
                                         "0200000001"),
                        2);  // numbers, a version too early
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->numbers.empty());
}

TEST(wire, refuses_tags_that_lie_about_their_size) {
  const std::string start =
      "01ffff3fe0000000000000"
      "00"
      "00"
      "ff"
      "00";
  EXPECT_FALSE(decode<Sample>(bytes_of(start + "01"
                                               "05"
                                               "07"
                                               "0000000000000003"),
                              2));
  EXPECT_FALSE(decode<Sample>(bytes_of(start + "01"
                                               "05"
                                               "09"
                                               "000000000000000300"),
                              2));
  EXPECT_FALSE(decode<Sample>(bytes_of(start + "01"
                                               "03"
                                               "7f"),
                              2));
  EXPECT_FALSE(decode<Sample>(bytes_of(start + "ffffffff0f"), 2));
  EXPECT_FALSE(decode<Sample>(bytes_of(start + "ffffffffff01"), 2));
}

TEST(wire, refuses_null_where_the_version_has_none) {
  const std::string start = "01ffff3fe0000000000000";
  auto read = decode<Sample>(bytes_of(start + "ffff"
                                              "00000000"),
                             0);
  ASSERT_FALSE(read);
  EXPECT_STREQ(read.error().reason, "null where none may be");
  EXPECT_EQ(read.error().detail, 13);
  EXPECT_FALSE(decode<Sample>(bytes_of(start + "0000"
                                               "ffffffff"),
                              0));
  read = decode<Sample>(bytes_of(start + "ffff"
                                         "ffffffff"
                                         "ff"
                                         "ffffffff"),
                        1);
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->text || read->inners || read->maybe || read->bytes);
}

TEST(wire, leaves_what_a_version_does_not_have_at_its_default) {
  auto read = decode<Sample>(encode(sample(), 0), 0);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->inners->at(0).text, "");
  EXPECT_EQ(read->bytes, std::nullopt);
  EXPECT_EQ(read->epoch, -1);
}

TEST(wire, ignores_bytes_after_the_end) {
  Bytes bytes = encode(sample(), 2);
  bytes.insert(bytes.end(), 3, 0xff);
  EXPECT_TRUE(decode<Sample>(bytes, 2));
}

TEST(wire, refuses_lengths_that_the_frame_cannot_hold_before_taking_memory) {
  const std::string start =
      "01ffff3fe0000000000000"
      "0000";
  for (const char* count : {"7fffffff", "00000002", "40000000"})
    EXPECT_FALSE(decode<Sample>(bytes_of(start + count + "00000007"), 0)) << count;
  EXPECT_TRUE(decode<Sample>(bytes_of(start + "0000000200000007"
                                              "00000008"),
                             0));
  const std::string compact = "01ffff3fe0000000000000";
  EXPECT_FALSE(decode<Sample>(bytes_of(compact + "ffffffff0f"), 2));
  EXPECT_FALSE(decode<Sample>(bytes_of(compact + "00"
                                                 "ffffffff0f"),
                              2));
  EXPECT_FALSE(decode<Sample>(bytes_of(compact + "818002" + std::string(2 * 32768, '0')), 2)) << "text too long";
}

TEST(wire, refuses_a_message_that_would_take_too_much_memory) {
  Sample m;
  m.inners->resize(1000);
  Bytes bytes = encode(m, 0);
  constexpr size_t needed = 1000 * (sizeof(Inner) + element_bytes);
  size_t used = 0;
  EXPECT_TRUE(decode<Sample>(bytes, 0, needed + 1, &used));
  EXPECT_EQ(used, needed);
  auto read = decode<Sample>(bytes, 0, needed - 1);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::too_large);
}

TEST(wire, cuts_a_text_that_is_too_long_to_be_read) {
  Sample m;
  m.text = std::string(40000, 'x');
  for (int16_t version = 1; version <= 2; ++version) {
    Bytes bytes = encode(m, version);
    auto read = decode<Sample>(bytes, version);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->text->size(), text_bytes_max);
  }
}

struct Answer {
  static constexpr int16_t api_key = 1, flexible_since = 2;
  std::vector<Records> partitions;
  int32_t last = 5;
  static void describe(auto& wire, auto& m) {
    wire("partitions", m.partitions);
    wire("last", m.last);
  }
};

template <class Inners>
struct List {
  static constexpr int16_t flexible_since = 2;
  Inners inners;
  static void describe(auto& wire, auto& m) { wire("inners", m.inners); }
};

TEST(wire, an_array_made_one_by_one_is_written_like_one_that_is_there) {
  int made = 0;
  List<MadeArray<Inner>> lazy;
  lazy.inners = {3, [&](size_t i) {
                   ++made;
                   return Inner{static_cast<int32_t>(i), "text"};
                 }};
  List<std::vector<Inner>> there{{{0, "text"}, {1, "text"}, {2, "text"}}};
  for (int16_t version = 0; version < 3; ++version) EXPECT_EQ(encode(lazy, version), encode(there, version)) << version;
  EXPECT_EQ(made, 3 * 2 * 3);
  EXPECT_EQ(encode(List<MadeArray<Inner>>(), 2), encode(List<std::vector<Inner>>(), 2));
}

TEST(wire, leaves_gaps_for_slices_and_says_where) {
  Answer m;
  Bytes inline_bytes = {0xaa, 0xbb};
  m.partitions = {{.size = 300, .slice = 0, .bytes = {}},
                  {.size = 2, .slice = -1, .bytes = inline_bytes},
                  {.size = 0, .slice = 1, .bytes = {}},
                  {},
                  {.size = 1, .slice = 2, .bytes = {}}};
  Frame frame = encode_response({.key = 1, .version = 1, .correlation_id = 9, .client_id = {}}, m);
  EXPECT_EQ(hex(frame.bytes),
            "0000014f"
            "00000009"
            "00000005"
            "0000012c"
            "00000002"
            "aabb"
            "00000000"
            "00000000"
            "00000001"
            "00000005");
  ASSERT_EQ(frame.splices.size(), 2u);
  EXPECT_EQ(frame.splices[0].position, 16u);
  EXPECT_EQ(frame.splices[0].slice, 0);
  EXPECT_EQ(frame.splices[0].size, 300u);
  EXPECT_EQ(frame.splices[1].position, 34u);
  EXPECT_EQ(frame.splices[1].slice, 2);
  EXPECT_EQ(frame.size(), 0x14fu + 4);

  frame = encode_response({.key = 1, .version = 2, .correlation_id = 9, .client_id = {}}, m);
  EXPECT_EQ(hex(frame.bytes),
            "00000140"
            "00000009"
            "00"
            "06"
            "ad02"
            "03"
            "aabb"
            "01"
            "01"
            "02"
            "00000005"
            "00");
  EXPECT_EQ(frame.splices[0].position, 12u);
  EXPECT_EQ(frame.bytes.capacity() - frame.bytes.size(), 0u) << "measured before, and flexible: not a byte too many";
}

}  // namespace
}  // namespace naru::kafka
