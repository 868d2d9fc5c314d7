#include "amqp/wire/method.h"

#include <deque>

#include "base/testing.h"

namespace naru::amqp {
namespace {

std::string hex(ByteView bytes) {
  std::string text;
  for (uint8_t byte : bytes) {
    text.push_back("0123456789abcdef"[byte >> 4]);
    text.push_back("0123456789abcdef"[byte & 15]);
  }
  return text;
}
template <class M>
Bytes encoded(const M& method) {
  Bytes bytes;
  append_method(bytes, 1, method);
  return bytes;
}
/// What an encoded method frame carries.
ByteView payload(ByteView frame) { return frame.subspan(7, frame.size() - 8); }

/// Fills a method with random content; texts and tables live as long as this.
class Filler {
 public:
  explicit Filler(Prng& random) : random_(random) {}
  template <class T>
  void operator()(const char*, T& field) {
    if constexpr (std::is_same_v<T, bool>) {
      field = random_.chance(0.5);
    } else if constexpr (std::is_integral_v<T>) {
      field = static_cast<T>(random_.next());
    } else if constexpr (std::is_same_v<T, FieldTableView>) {
      FieldTable& table = tables_.emplace_back();
      for (uint64_t left = random_.below(4); left > 0; --left) table.add(text(10), text(300));
      field = table.view();
    } else {
      field = text(256);
    }
  }
  void long_text(const char*, std::string_view& field) { field = text(2000); }

 private:
  std::string_view text(uint64_t bound) { return texts_.emplace_back(random_.below(bound), 't'); }
  Prng& random_;
  std::deque<std::string> texts_;
  std::deque<FieldTable> tables_;
};

template <class M>
void round_trips() {
  for_each_seed(30, [](uint64_t seed) {
    Prng random(seed);
    Filler filler(random);
    M method;
    M::describe(filler, method);
    Bytes frame = encoded(method);
    FrameReader reader(1 << 20);
    reader.feed(frame);
    auto read = reader.next();
    ASSERT_TRUE(read && *read);
    EXPECT_EQ((*read)->channel, 1);
    EXPECT_EQ(peek_method((*read)->payload), M::method);
    auto decoded = decode_method<M>((*read)->payload);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(to_text(*decoded), to_text(method));
    EXPECT_EQ(encoded(*decoded), frame);
    for (size_t cut = method_id_bytes; cut < payload(frame).size(); ++cut)
      ASSERT_FALSE(decode_method<M>(payload(frame).first(cut))) << name(M::method) << " " << cut;
    Bytes longer(payload(frame).begin(), payload(frame).end());
    longer.push_back(0);
    EXPECT_FALSE(decode_method<M>(longer));
  });
}

TEST(method, every_method_round_trips_and_refuses_every_cut_and_trailing_bytes){
#define NARU_ROUND_TRIP(type, enumerator, class_id, method_id, text) round_trips<type>();
    NARU_AMQP_METHODS(NARU_ROUND_TRIP)
#undef NARU_ROUND_TRIP
}

TEST(method, golden_frames) {
  EXPECT_EQ(hex(encoded(ChannelOpen{})),
            "01000100000005"
            "0014000a00ce");
  EXPECT_EQ(hex(encoded(QueueDeclare{.queue = "q", .durable = true, .auto_delete = true})),
            "0100010000000d0032000a"
            "000001710a00000000ce");
  EXPECT_EQ(hex(encoded(BasicPublish{.routing_key = "q", .mandatory = true})),
            "0100010000000a003c0028"
            "000000017101ce");
  EXPECT_EQ(hex(encoded(BasicNack{.delivery_tag = 258, .multiple = false})),
            "0100010000000d003c0078"
            "000000000000010202ce");
  EXPECT_EQ(hex(encoded(AccessRequest{})),
            "0100010000000b001e000a"
            "052f646174611ece");
  EXPECT_EQ(hex(encoded(ConnectionTune{.channel_max = 2047, .frame_max = 131072, .heartbeat = 60})),
            "0100010000000c000a001e"
            "07ff00020000003cce");
}

TEST(method, a_login_as_pika_sends_it) {
  FieldTable capabilities = FieldTable().add("basic.nack", true).add("connection.blocked", true);
  FieldTable client = FieldTable().add("product", "Pika").add("capabilities", capabilities);
  Bytes frame = encoded(ConnectionStartOk{.client_properties = client.view(), .response = {"\0guest\0guest", 12}});
  auto read = decode_method<ConnectionStartOk>(payload(frame));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->mechanism, "PLAIN");
  EXPECT_EQ(read->response.size(), 12u);
  EXPECT_EQ(read->locale, "en_US");
  EXPECT_EQ(read->client_properties.find("capabilities")->table()->find("basic.nack")->boolean(), true);
  EXPECT_EQ(
      to_text(*read),
      R"(connection.start-ok {client_properties: {"product": "Pika", "capabilities": {"basic.nack": true, )"
      R"("connection.blocked": true}}, mechanism: "PLAIN", response: "\u0000guest\u0000guest", locale: "en_US"})");
}

TEST(method, lengths_that_lie_are_refused) {
  Bytes frame = encoded(QueueDeclare{.queue = "q"});
  for (auto [at, value] : {std::pair(6, 255), {9, 1}, {12, 1}, {9, 255}}) {
    Bytes bytes(payload(frame).begin(), payload(frame).end());
    bytes[static_cast<size_t>(at)] = static_cast<uint8_t>(value);
    EXPECT_FALSE(decode_method<QueueDeclare>(bytes)) << at;
  }
}

// As a RabbitMQ 3.10.8 answers to qos with a byte too many.
TEST(method, what_cannot_be_decoded_is_shown) {
  const Bytes longer = {0, 60, 0, 10, 0, 0, 0, 0, 0, 0, 0, 1};
  auto refused = decode_method<BasicQos>(longer);
  ASSERT_FALSE(refused);
  EXPECT_EQ(decode_explanation(refused.error(), longer), "cannot decode <<0,0,0,0,0,0,0,1>>");
}

TEST(method, names_must_be_utf8_where_no_content_follows) {
  Bytes frame = encoded(QueueDeclare{.queue = "\xff"});
  auto refused = decode_method<QueueDeclare>(payload(frame));
  ASSERT_FALSE(refused);
  EXPECT_EQ(decode_explanation(refused.error(), payload(frame)), "Malformed UTF-8 in shortstr");
  frame = encoded(BasicPublish{.routing_key = "\xff"});
  EXPECT_TRUE(decode_method<BasicPublish>(payload(frame)));
}

TEST(method, short_strings_are_cut_between_characters) {
  std::string longer = std::string(254, 'a') + "ü";
  Bytes frame = encoded(BasicCancelOk{.consumer_tag = longer});
  EXPECT_EQ(decode_method<BasicCancelOk>(payload(frame))->consumer_tag, std::string(254, 'a'));
}

TEST(method, names_and_ids) {
  EXPECT_EQ(name(Method::exchange_unbind_ok), "exchange.unbind-ok");
  EXPECT_EQ(class_id(Method::exchange_unbind_ok), 40);
  EXPECT_EQ(method_id(Method::exchange_unbind_ok), 51);
  EXPECT_EQ(name(static_cast<Method>(60 << 16 | 61)), "");
}

}  // namespace
}  // namespace naru::amqp
