#include "amqp/record_mapping.h"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <deque>

#include "amqp/record_names.h"
#include "base/testing.h"

namespace naru::amqp {
namespace {

constexpr std::string_view home = "orders";
constexpr int64_t arrival = 1'700'000'000'123;

/// A record as it comes out of a log, with what it borrows.
struct Stored {
  Bytes batch;
  Record record;
  explicit Stored(const NewRecord& made) {
    BatchBuilder builder({});
    builder.add(made);
    batch = *builder.finish();
    auto reader = RecordReader::open(batch);
    EXPECT_TRUE(reader && *reader->next(&record));
  }
  /// What it takes, without its share of the batch's header.
  size_t bytes() const { return batch.size() - batch_header_bytes; }
};

Stored stored(const MappedMessage& message) {
  RecordMaker maker;
  return Stored(maker.make(message, home, arrival));
}

std::string describe(const MappedMessage& message) {
  std::string out = std::string(message.exchange) + "|" + std::string(message.routing_key) + "|";
  return out + to_text(message.properties) + "|" + std::string(text(message.body));
}

void expect_same(const MappedMessage& sent, const MappedMessage& back) {
  EXPECT_EQ(describe(back), describe(sent));
  Bytes before, after;
  append_properties(before, sent.properties);
  append_properties(after, back.properties);
  EXPECT_EQ(after, before);
}

std::string headers_of(const Record& record) {
  std::string out;
  for (const Header& header : record.headers)
    out += std::string(header.name) + "=" + (header.value ? std::string(text(*header.value)) : "null") + " ";
  return out;
}

TEST(record_mapping, a_plain_message_costs_as_good_as_nothing) {
  Stored record = stored({.routing_key = home, .body = view("sixteen bytes...")});
  EXPECT_FALSE(record.record.key);
  EXPECT_TRUE(record.record.headers.empty());
  EXPECT_EQ(record.record.timestamp, arrival);
  EXPECT_EQ(record.bytes(), 16u + 7u);
  Stored persistent =
      stored({.routing_key = home, .properties = {.delivery_mode = 2}, .body = view("sixteen bytes...")});
  EXPECT_EQ(persistent.bytes(), 16u + 7u + 12u);
}

TEST(record_mapping, readers_of_kafka_see_key_and_headers_as_text) {
  FieldTable headers = FieldTable().add("tenant", "shop-12").add("retries", int32_t(3)).add("eta", nullptr);
  headers.add("limits", FieldArray().add(nullptr).add(int32_t(60))).add("amqp.type", "mine");
  Stored record = stored({.exchange = "shop",
                          .routing_key = "order.new",
                          .properties = {.content_type = "text/plain", .headers = headers.view(), .delivery_mode = 2},
                          .body = view("body")});
  EXPECT_EQ(text(*record.record.key), "order.new");
  EXPECT_EQ(text(*record.record.value), "body");
  EXPECT_TRUE(
      headers_of(record.record)
          .starts_with("amqp.exchange=shop amqp.mode=2 amqp.content-type=text/plain amqp.types=SIV= amqp.exact="));
  EXPECT_TRUE(headers_of(record.record)
                  .ends_with("tenant=shop-12 retries=3 eta=null limits=[null, 60] amqp.header.amqp.type=mine "));
}

TEST(record_mapping, what_is_all_text_needs_no_types) {
  FieldTable headers = FieldTable().add("a", "x").add("none", nullptr).add("raw", Bytes{0xff});
  Stored record = stored({.routing_key = home, .properties = {.headers = headers.view()}});
  EXPECT_EQ(headers_of(record.record), "a=x none=null raw=\xff ");
}

/// Fills a message with whatever AMQP allows; the texts and tables live as long as this.
class Filler {
 public:
  explicit Filler(Prng& random) : random_(random) {}
  MappedMessage message() {
    MappedMessage message{.exchange = random_.chance(0.3) ? "" : text(20), .routing_key = text(20)};
    if (random_.chance(0.3)) message.routing_key = home;
    if (random_.chance(0.7)) Properties::describe(*this, message.properties);
    message.body = view(text(50));
    return message;
  }
  template <class T>
  void operator()(const char*, std::optional<T>& field) {
    if (random_.chance(0.5)) return;
    if constexpr (std::is_same_v<T, FieldTableView>)
      field = tables_.emplace_back(table(3)).view();
    else if constexpr (std::is_integral_v<T>)
      field = static_cast<T>(random_.next() >> random_.below(64));
    else
      field = text(random_.chance(0.05) ? 256 : 10);
  }

 private:
  std::string_view text(uint64_t bound) {
    std::string& made = texts_.emplace_back();
    for (uint64_t left = random_.below(bound); left > 0; --left)
      made += random_.chance(0.02) ? static_cast<char>(random_.next()) : static_cast<char>('a' + random_.below(26));
    return made;
  }
  FieldTable table(int depth) {
    FieldTable made;
    for (uint64_t left = random_.below(5); left > 0; --left) {
      std::string name(text(8));
      if (random_.chance(0.2)) name = "amqp." + name;
      if (random_.chance(0.05)) name = std::string(random_.chance(0.5) ? types_name : exchange_name);
      add(made, name, depth);
    }
    return made;
  }
  void add(FieldTable& to, const std::string& name, int depth) {
    uint64_t bits = random_.next() >> random_.below(64);
    Bytes odd = {static_cast<uint8_t>(bits), 1, 2, 3, 4, 5, 6, 7};
    switch (random_.below(depth > 0 ? 19 : 17)) {
      case 0: to.add(name, bits % 2 == 0); break;
      case 1: to.add(name, static_cast<int8_t>(bits)); break;
      case 2: to.add(name, static_cast<uint8_t>(bits)); break;
      case 3: to.add(name, static_cast<int16_t>(bits)); break;
      case 4: to.add(name, static_cast<uint16_t>(bits)); break;
      case 5: to.add(name, static_cast<int32_t>(bits)); break;
      case 6: to.add(name, static_cast<uint32_t>(bits)); break;
      case 7: to.add(name, static_cast<int64_t>(bits)); break;
      case 8: to.add(name, FieldValue{FieldType::int64_other, odd}); break;
      case 9: to.add(name, FieldValue{FieldType::boolean, ByteView(odd).first(1)}); break;
      case 10: to.add(name, std::bit_cast<float>(static_cast<uint32_t>(bits))); break;
      case 11: to.add(name, std::bit_cast<double>(bits)); break;
      case 12: to.add(name, Timestamp{bits}); break;
      case 13: to.add(name, Decimal{static_cast<uint8_t>(bits >> 8), static_cast<uint32_t>(bits)}); break;
      case 14: to.add(name, text(30)); break;
      case 15: to.add(name, ByteView(view(text(30)))); break;
      case 16: to.add(name, nullptr); break;
      case 17: to.add(name, table(depth - 1)); break;
      default: to.add(name, FieldArray().add(int32_t(1)).add(table(depth - 1)).add(nullptr));
    }
  }

  Prng& random_;
  std::deque<std::string> texts_;
  std::deque<FieldTable> tables_;
};

TEST(record_mapping, every_message_comes_back_bit_by_bit) {
  RecordMaker maker;
  Bytes table;
  for_each_seed(2000, [&](uint64_t seed) {
    Prng random(seed);
    Filler filler(random);
    MappedMessage sent = filler.message();
    Stored record(maker.make(sent, home, arrival));
    expect_same(sent, read_record(record.record, {.home = home}, table));
  });
}

TEST(record_mapping, floats_that_are_no_numbers_come_back_too) {
  FieldTable headers;
  headers.add("nan", std::bit_cast<double>(0x7ff8'0000'0000'0123u)).add("inf", -INFINITY).add("zero", -0.0);
  headers.add("small", std::nextafter(0.0, 1.0))
      .add("float", 0.1f)
      .add("true", FieldValue{FieldType::boolean, Bytes{7}});
  MappedMessage sent{.routing_key = home, .properties = {.headers = headers.view()}};
  Stored record = stored(sent);
  Bytes table;
  expect_same(sent, read_record(record.record, {.home = home}, table));
}

TEST(record_mapping, deep_tables_come_back_and_are_short_in_json) {
  Bytes deep;
  for (int level = 2000; level > 0; --level) {
    uint8_t size[4];
    store_be(size, static_cast<uint32_t>(6 * (level - 1)));
    append(deep, Bytes{0, 'F'});
    append(deep, size);
  }
  auto headers = FieldTableView::parse(deep);
  ASSERT_TRUE(headers);
  MappedMessage sent{.routing_key = home, .properties = {.headers = *headers}};
  Stored record = stored(sent);
  EXPECT_LT(record.bytes(), deep.size() + 1000);
  Bytes table;
  expect_same(sent, read_record(record.record, {.home = home}, table));
}

MappedMessage from_kafka(const NewRecord& made, std::deque<Stored>& keep, Bytes& table, ReadOptions options = {}) {
  options.home = "topic";
  return read_record(keep.emplace_back(made).record, options, table);
}

TEST(record_mapping, records_of_kafka_producers_become_messages) {
  std::deque<Stored> keep;
  Bytes table;
  const Header headers[] = {
      {"trace", view("abc")}, {"none", std::nullopt}, {"raw", view("\xff\xfe")}, {"trace", view("d")}};
  MappedMessage read =
      from_kafka({.timestamp = arrival, .key = view("customer-7"), .value = view("v"), .headers = headers}, keep, table,
                 {.record_time = true});
  EXPECT_EQ(describe(read),
            R"(|customer-7|{headers: {"trace": "abc", "none": null, "raw": "\u00ff\u00fe", "trace": "d"}, )"
            R"(timestamp: 1700000000}|v)");
  EXPECT_EQ(read.properties.headers->find("raw")->type, FieldType::bytes);
  EXPECT_EQ(describe(from_kafka({.value = view("v")}, keep, table)), "|topic|{}|v");
  EXPECT_EQ(describe(from_kafka({.key = view("")}, keep, table)), "||{}|");  // a tombstone
}

TEST(record_mapping, keys_that_are_no_routing_keys_become_a_header) {
  std::deque<Stored> keep;
  Bytes table;
  MappedMessage binary = from_kafka({.key = view({"\0\0\xff", 3}), .value = view("v")}, keep, table);
  EXPECT_EQ(binary.routing_key, "topic");
  EXPECT_TRUE(std::ranges::equal(binary.properties.headers->find(record_key_name)->bytes, view({"\0\0\xff", 3})));
  std::string longer(256, 'k');
  MappedMessage too_long = from_kafka({.key = view(longer), .value = view("v")}, keep, table);
  EXPECT_EQ(too_long.routing_key, "topic");
  EXPECT_EQ(too_long.properties.headers->find(record_key_name)->text(), longer);
}

TEST(record_mapping, kafka_producers_may_set_properties) {
  std::deque<Stored> keep;
  Bytes table;
  std::string too_long(256, 'x');
  const Header headers[] = {{"amqp.content-type", view("text/plain")},
                            {"amqp.priority", view("7")},
                            {"amqp.mode", view("300")},
                            {"amqp.reply-to", std::nullopt},
                            {"amqp.exchange", view("shop")},
                            {"amqp.routing-key", view("r.k")},
                            {"amqp.app-id", view(too_long)},
                            {"amqp.nonsense", view("x")},
                            {"amqp.priority", view("9")},
                            {"amqp.timestamp", view("-1")}};
  MappedMessage read = from_kafka({.key = view("key"), .value = view("v"), .headers = headers}, keep, table);
  EXPECT_EQ(read.exchange, "shop");
  EXPECT_EQ(read.routing_key, "r.k");
  EXPECT_EQ(read.properties.content_type, "text/plain");
  EXPECT_EQ(read.properties.priority, 7);
  EXPECT_FALSE(read.properties.delivery_mode || read.properties.app_id || read.properties.timestamp);
  std::string left;  // what has no meaning, or no valid one, is a header like others
  for (const Field& field : *read.properties.headers) left += std::string(field.name) + " ";
  EXPECT_EQ(left, "amqp.mode amqp.reply-to amqp.app-id amqp.nonsense amqp.timestamp ");
}

TEST(record_mapping, types_that_do_not_fit_the_headers_are_ignored) {
  auto with = [](std::initializer_list<Header> headers) {
    std::deque<Stored> keep;
    Bytes table;
    std::vector<Header> all(headers);
    return to_text(*from_kafka({.value = view("v"), .headers = all}, keep, table).properties.headers);
  };
  Bytes exact = Bytes{'I', 0, 0, 0, 9};
  EXPECT_EQ(with({{"amqp.types", view("I")}, {"a", view("5")}, {"b", view("6")}}), R"({"a": 5, "b": "6"})");
  EXPECT_EQ(with({{"amqp.types", view("I")}, {"a", view("five")}}), R"({"a": "five"})");
  EXPECT_EQ(with({{"amqp.types", view("b")}, {"a", view("500")}}), R"({"a": "500"})");
  EXPECT_EQ(with({{"amqp.types", view("II")}, {"a", view("5")}}), R"({"a": "5"})");  // one was taken out
  EXPECT_EQ(with({{"a", view("5")}, {"amqp.types", view("I")}}), R"({"a": "5"})");
  EXPECT_EQ(with({{"amqp.types", view("?\xff")}, {"a", view("5")}, {"b", view("5")}}), R"({"a": "5", "b": "5"})");
  EXPECT_EQ(with({{"amqp.types", view("=")}, {"a", view("5")}}), R"({"a": "5"})");
  EXPECT_EQ(with({{"amqp.types", view("=")}, {"amqp.exact", exact}, {"a", view("5")}}), R"({"a": 9})");
  EXPECT_EQ(with({{"amqp.exact", exact}, {"a", view("5")}}), R"({"a": "5"})");
  EXPECT_EQ(with({{"amqp.types", view("=")}, {"amqp.exact", view("I")}, {"a", view("5")}}),
            R"({"amqp.exact": "I", "a": "5"})");
}

TEST(record_mapping, a_table_is_kept_below_a_limit) {
  std::deque<Stored> keep;
  Bytes table;
  std::string large(1000, 'x');
  const Header headers[] = {{"a", view("1")}, {"large", view(large)}, {"b", view("2")}};
  MappedMessage read = from_kafka({.value = view("v"), .headers = headers}, keep, table, {.table_bytes_max = 500});
  EXPECT_EQ(to_text(*read.properties.headers), R"({"a": "1", "b": "2"})");
}

// ./amqp_test --gtest_also_run_disabled_tests --gtest_filter='*speed*'
TEST(record_mapping, DISABLED_speed) {
  auto nanos = [] {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
  };
  FieldTable headers =
      FieldTable().add("id", "a-b-c-d").add("retries", int32_t(0)).add("eta", nullptr).add("lang", "py");
  Properties rich = {.content_type = "application/json", .headers = headers.view(), .delivery_mode = 2, .priority = 0};
  rich.correlation_id = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736";
  const std::pair<const char*, Properties> cases[] = {
      {"none", {}}, {"persistent", {.delivery_mode = 2}}, {"rich", rich}};
  std::string body(16, 'x');
  constexpr int rounds = 1'000'000;
  for (const auto& [what, properties] : cases) {
    MappedMessage message{.routing_key = home, .properties = properties, .body = view(body)};
    Bytes wire, out, table;
    append_header(wire, 1, body.size(), properties);
    ByteView payload = ByteView(wire).subspan(frame_head_bytes, wire.size() - frame_overhead);
    RecordMaker maker;
    size_t sum = 0;
    double begun = nanos();
    for (int i = 0; i < rounds; ++i) sum += decode_header(payload)->properties.priority.value_or(1);
    double decoded = nanos();
    for (int i = 0; i < rounds; ++i) sum += maker.make(message, home, arrival).headers.size();
    double made = nanos();
    Stored record(maker.make(message, home, arrival));
    double from = nanos();
    for (int i = 0; i < rounds; ++i) {
      out.clear();
      MappedMessage back = read_record(record.record, {.home = home}, table);
      append_header(out, 1, back.body.size(), back.properties);
      sum += out.size();
    }
    double read = nanos();
    std::printf("%-10s decode %.0f ns, to a record %.0f ns, back into a header frame %.0f ns, %zu bytes (%zu)\n", what,
                (decoded - begun) / rounds, (made - decoded) / rounds, (read - from) / rounds, record.bytes(), sum);
  }
}

}  // namespace
}  // namespace naru::amqp
