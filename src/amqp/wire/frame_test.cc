#include "amqp/wire/frame.h"

#include "amqp/wire/protocol_header.h"
#include "base/testing.h"

namespace naru::amqp {
namespace {

Bytes frame(uint8_t type, uint16_t channel, ByteView payload) {
  Bytes bytes = {type, static_cast<uint8_t>(channel >> 8), static_cast<uint8_t>(channel)};
  bytes.resize(7);
  store_be(bytes.data() + 3, static_cast<uint32_t>(payload.size()));
  append(bytes, payload);
  bytes.push_back(0xce);
  return bytes;
}

/// Everything that comes out, as text.
std::string drain(FrameReader& reader) {
  std::string out;
  while (true) {
    auto next = reader.next();
    if (!next) return out + "error " + next.error().explanation();
    if (!*next) return out;
    out += std::to_string(static_cast<int>((*next)->type)) + "/" + std::to_string((*next)->channel) + ":" +
           std::string(text((*next)->payload)) + " ";
  }
}

TEST(frame, every_cut_gives_the_same_frames) {
  Bytes bytes;
  append(bytes, frame(1, 1, view("meth")));
  append(bytes, frame(2, 1, view("twelve bytes")));
  append(bytes, frame(3, 1, view("")));
  append(bytes, frame(3, 65535, view("a body")));
  append(bytes, frame(8, 0, {}));
  const std::string expected = "1/1:meth 2/1:twelve bytes 3/1: 3/65535:a body 8/0: ";
  for (size_t first = 0; first <= bytes.size(); ++first)
    for (size_t second = first; second <= bytes.size(); ++second) {
      FrameReader reader;
      std::string out;
      for (auto [from, to] : {std::pair(size_t{0}, first), {first, second}, {second, bytes.size()}}) {
        Bytes piece(bytes.begin() + static_cast<long>(from), bytes.begin() + static_cast<long>(to));
        reader.feed(piece);
        out += drain(reader);
      }
      ASSERT_EQ(out, expected) << first << " " << second;
    }
  FrameReader reader;
  std::string out;
  for (uint8_t byte : bytes) {
    Bytes one = {byte};
    reader.feed(one);
    out += drain(reader);
  }
  EXPECT_EQ(out, expected);
  reader.shrink();
  EXPECT_EQ(reader.held_bytes(), 0u);
}

TEST(frame, a_whole_frame_is_borrowed_and_not_copied) {
  Bytes bytes = frame(3, 1, Bytes(1000, 'x'));
  FrameReader reader;
  reader.feed(bytes);
  auto next = reader.next();
  ASSERT_TRUE(next && *next);
  EXPECT_EQ((*next)->payload.data(), bytes.data() + 7);
  EXPECT_EQ(reader.held_bytes(), 0u);
}

TEST(frame, the_limit_counts_the_payload_alone) {
  for (uint32_t payload : {4096u, 4097u}) {
    Bytes bytes = frame(3, 1, Bytes(payload, 'x'));
    FrameReader reader(4096);
    reader.feed(bytes);
    EXPECT_EQ(reader.next().has_value(), payload == 4096);
  }
}

TEST(frame, too_large_is_said_before_the_payload_is_there) {
  FrameReader reader(131072);
  Bytes head = {1, 0, 0, 0, 3, 0x0d, 0x40};
  for (size_t cut = 0; cut <= head.size(); ++cut) {
    FrameReader cut_reader(131072);
    Bytes first(head.begin(), head.begin() + static_cast<long>(cut)),
        second(head.begin() + static_cast<long>(cut), head.end());
    cut_reader.feed(first);
    std::string out = drain(cut_reader);
    if (cut < head.size()) cut_reader.feed(second), out += drain(cut_reader);
    EXPECT_EQ(out, "error type 1, all octets = <<>>: {frame_too_large,200000,131064}");
  }
}

TEST(frame, bad_frames_are_explained_as_rabbitmq_does) {
  auto explained = [](Bytes bytes) {
    FrameReader reader;
    reader.feed(bytes);
    return drain(reader);
  };
  Bytes bad_end = frame(1, 0, Bytes{0, 10, 0, 11, 1});
  bad_end.back() = 205;
  EXPECT_EQ(explained(bad_end), "error type 1, all octets = <<0,10,0,11,1>>: {invalid_frame_end_marker,205}");
  bad_end = frame(3, 0, view("a body that is longer than that"));
  bad_end.back() = 0;
  EXPECT_EQ(explained(bad_end),
            "error type 3, first 16 octets = <<\"a body that is l\">>: {invalid_frame_end_marker,0}");
  EXPECT_EQ(explained(frame(4, 0, {})), "error type 4, all octets = <<>>: unknown_frame");
  EXPECT_EQ(explained(frame(8, 0, Bytes{1})), "error type 8, all octets = <<1>>: unknown_frame");
  EXPECT_EQ(explained(frame(1, 0, Bytes{0, 10, 0})), "error type 1, all octets = <<0,10,0>>: unknown_frame");
  EXPECT_EQ(explained(frame(2, 0, Bytes(11, 0))).substr(0, 5), "error");
  Bytes one_then_bad = frame(8, 0, {});
  append(one_then_bad, frame(0, 7, {}));
  EXPECT_EQ(explained(one_then_bad), "8/0: error type 0, all octets = <<>>: unknown_frame");
}

TEST(frame, bodies_are_split_at_the_limit) {
  for (size_t size : {0, 1, 4087, 4088, 4089, 8176, 8177, 20000}) {
    Bytes body(size), out = {'x'};
    for (size_t i = 0; i < size; ++i) body[i] = static_cast<uint8_t>(i * 7);
    append_body(out, 3, body, 4096);
    EXPECT_EQ(out.size() - 1, body_frames_bytes(size, 4096));
    FrameReader reader(4088);
    reader.feed(ByteView(out).subspan(1));
    Bytes back;
    while (true) {
      auto next = reader.next();
      ASSERT_TRUE(next);
      if (!*next) break;
      EXPECT_EQ((*next)->type, FrameType::body);
      EXPECT_EQ((*next)->channel, 3);
      append(back, (*next)->payload);
    }
    EXPECT_EQ(back, body);
  }
}

TEST(frame, heartbeat_is_eight_bytes) {
  Bytes out;
  append_heartbeat(out);
  EXPECT_EQ(out, (Bytes{8, 0, 0, 0, 0, 0, 0, 0xce}));
}

TEST(protocol_header, is_recognised_at_every_length) {
  auto greeting = [](std::string_view text) { return read_greeting(view(text)); };
  using namespace std::string_view_literals;
  EXPECT_EQ(greeting(""), Greeting::incomplete);
  EXPECT_EQ(greeting("AMQP"), Greeting::incomplete);
  EXPECT_EQ(greeting("AMQP\0\0\11"sv), Greeting::incomplete);
  EXPECT_EQ(greeting("AMQP\0\0\11\1"sv), Greeting::amqp_0_9_1);
  EXPECT_EQ(greeting("AMQP\1\1\0\11"sv), Greeting::amqp_0_9_1);
  EXPECT_EQ(greeting("AMQP\3\1\0\0"sv), Greeting::amqp_1_0_sasl);
  EXPECT_EQ(greeting("AMQP\2\1\0\0"sv), Greeting::amqp_1_0_tls);
  EXPECT_EQ(greeting("AMQP\0\1\0\0"sv), Greeting::amqp_1_0);
  EXPECT_EQ(greeting("AMQP\1\1\10\0"sv), Greeting::other);  // 0-8
  EXPECT_EQ(greeting("AMQP\0\0\11\2"sv), Greeting::other);
  EXPECT_EQ(greeting("GET / HTTP/1.1"), Greeting::other);
  EXPECT_EQ(greeting("G"), Greeting::other);
  EXPECT_EQ(greeting("\x16\x03\x01\x02"), Greeting::other);
  EXPECT_EQ(greeting("HELO\n\n\n\n"), Greeting::other);
  EXPECT_EQ(read_greeting(protocol_header), Greeting::amqp_0_9_1);
}

}  // namespace
}  // namespace naru::amqp
