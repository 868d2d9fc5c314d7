#include "amqp/stream_arguments.h"

#include <gtest/gtest.h>

#include "log/record.h"

namespace naru::amqp {
namespace {

using Kind = ReadStart::Kind;

ReadStart start_of(const FieldTable& table) {
  auto start = parse_stream_offset(*table.find("at"), /*now_ms=*/10'000'000);
  EXPECT_TRUE(start) << (start ? "" : start.error());
  return start.value_or(ReadStart());
}

TEST(stream_arguments, offsets) {
  EXPECT_EQ(start_of(FieldTable().add("at", std::string_view("first"))).kind, Kind::first);
  EXPECT_EQ(start_of(FieldTable().add("at", std::string_view("last"))).kind, Kind::last);
  EXPECT_EQ(start_of(FieldTable().add("at", std::string_view("next"))).kind, Kind::next);
  auto number = start_of(FieldTable().add("at", int64_t{1} << 40));
  EXPECT_EQ(number.kind, Kind::offset);
  EXPECT_EQ(number.value, int64_t{1} << 40);
  auto time = start_of(FieldTable().add("at", Timestamp{1'700'000'000}));
  EXPECT_EQ(time.kind, Kind::time);
  EXPECT_EQ(time.value, 1'700'000'000'000);
  auto beyond = start_of(FieldTable().add("at", Timestamp{UINT64_MAX}));
  EXPECT_GT(beyond.value, INT64_MAX - 1000);
  auto age = start_of(FieldTable().add("at", std::string_view("1h")));
  EXPECT_EQ(age.kind, Kind::time);
  EXPECT_EQ(age.value, 10'000'000 - 3'600'000);
}

TEST(stream_arguments, bad_offsets) {
  FieldTable table;
  table.add("text", std::string_view("yesterday")).add("flag", true).add("real", 1.5).add("none", nullptr);
  for (const char* name : {"text", "flag", "real", "none"})
    EXPECT_FALSE(parse_stream_offset(*table.find(name), 0)) << name;
}

/// Whether a filter of these arguments lets a record pass that has this value; null: that has none.
bool passes(const FieldTable& arguments, const char* value) {
  auto filter = StreamFilter::parse(arguments.view(), "queue 'q' in vhost '/'");
  EXPECT_TRUE(filter);
  Bytes headers;
  if (value) naru::append_header(headers, {"x-stream-filter-value", view(value)});
  StoredRecord record;
  record.headers = Headers(headers, value ? 1 : 0);
  return filter && filter->matches(record);
}

TEST(stream_arguments, filters) {
  FieldTable none, one = FieldTable().add("x-stream-filter", std::string_view("eu"));
  EXPECT_TRUE(passes(none, "eu"));
  EXPECT_TRUE(passes(none, nullptr));
  EXPECT_TRUE(passes(one, "eu"));
  EXPECT_FALSE(passes(one, "us"));
  EXPECT_FALSE(passes(one, nullptr));
  FieldArray values;
  values.add(std::string_view("eu")).add(std::string_view("us"));
  FieldTable several;
  several.add("x-stream-filter", values.view()).add("x-stream-match-unfiltered", true);
  EXPECT_TRUE(passes(several, "us"));
  EXPECT_FALSE(passes(several, "asia"));
  EXPECT_TRUE(passes(several, nullptr));
}

TEST(stream_arguments, bad_filters) {
  auto why = [](const FieldTable& arguments) {
    auto filter = StreamFilter::parse(arguments.view(), "queue 'q' in vhost '/'");
    return filter ? "fine" : filter.error();
  };
  EXPECT_EQ(why(FieldTable().add("x-stream-filter", int32_t{1})),
            "invalid arg 'x-stream-filter' for queue 'q' in vhost '/': {unacceptable_type,signedint}");
  EXPECT_EQ(why(FieldTable().add("x-stream-match-unfiltered", int32_t{1})),
            "invalid arg 'x-stream-match-unfiltered' for queue 'q' in vhost '/': {unacceptable_type,signedint}");
}

}  // namespace
}  // namespace naru::amqp
