#include "log/record.h"

#include <fstream>
#include <string>

#include "base/crc32c.h"
#include "base/testing.h"
#include "log/batch_builder.h"

namespace naru {
namespace {

// Reads test/golden/batches/<name>.hex: comment lines begin with #.
Bytes golden(const std::string& name) {
  std::ifstream file(std::string(NARU_SOURCE_DIR) + "/test/golden/batches/" + name + ".hex");
  EXPECT_TRUE(file) << name;
  Bytes bytes;
  for (std::string line; std::getline(file, line);)
    for (size_t i = 0; line[0] != '#' && i + 1 < line.size(); i += 2)
      bytes.push_back(static_cast<uint8_t>(std::stoul(line.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::string shown(std::optional<ByteView> bytes) { return bytes ? std::string(text(*bytes)) : "null"; }

// "offset@timestamp key=value name:value", a line per record.
std::string records_of(ByteView batch) {
  auto reader = RecordReader::open(batch, 1 * MiB);
  if (!reader) return reader.error().reason;
  std::string out;
  Record record;
  for (;;) {
    auto more = reader->next(&record);
    if (!more) return out + more.error().reason;
    if (!*more) return out;
    out += std::to_string(record.offset.value) + "@" + std::to_string(record.timestamp) + " " + shown(record.key) +
           "=" + shown(record.value);
    for (const Header& header : record.headers) out += " " + std::string(header.name) + ":" + shown(header.value);
    out += "\n";
  }
}

constexpr std::string_view golden_records =
    "0@1700000000000 key-1=value one h1:x h2:null\n"
    "1@1700000000005 null=no key\n"
    "2@1699999999993 key-2=null\n"
    "3@1700000000001 key-1=again and again and again and again and again and again :\n"
    "4@1700000000002 =\n";

class RecordCodec : public testing::TestWithParam<Codec> {};
INSTANTIATE_TEST_SUITE_P(codecs, RecordCodec,
                         testing::Values(Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd),
                         [](const auto& info) { return name(info.param); });

TEST_P(RecordCodec, reads_what_a_client_wrote) {
  Bytes batch = golden(name(GetParam()));
  auto header = validate(batch, Walk::records);
  ASSERT_TRUE(header) << header.error().reason;
  EXPECT_EQ(header->codec(), GetParam());
  EXPECT_EQ(header->max_timestamp, 1700000000005);
  EXPECT_EQ(records_of(batch), golden_records);
  RecordFacts facts = *check_records(*header, batch, Origin::producer, 1 * MiB);
  EXPECT_TRUE(facts.has_null_key);
  EXPECT_EQ(facts.max_timestamp, 1700000000005);
  EXPECT_EQ(header->producer_id, GetParam() >= Codec::lz4 ? 4711 : -1);
  EXPECT_EQ(header->is_transactional(), GetParam() == Codec::zstd);
}

TEST_P(RecordCodec, reads_batches_of_many_compressed_blocks) {
  if (GetParam() == Codec::none) return;
  Bytes batch = golden(std::string(name(GetParam())) + "_large");
  RecordReader reader = *RecordReader::open(batch, 1 * MiB);
  Record record;
  for (int64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(*reader.next(&record));
    EXPECT_EQ(record.offset, Offset(i));
    EXPECT_EQ(record.timestamp, 1700000000000 + i);
    EXPECT_EQ(text(*record.key), std::to_string(i % 7));
    EXPECT_EQ(text(*record.value), std::string(1000, static_cast<char>('0' + i % 3)));
  }
  EXPECT_FALSE(*reader.next(&record));
}

TEST_P(RecordCodec, what_is_built_reads_back) {
  BatchBuilder builder({.base_offset = Offset(50), .codec = GetParam()});
  Header headers[] = {{"a", view("1")}, {"a", view("2")}, {"", std::nullopt}};
  builder.add({.timestamp = -5, .key = view(""), .value = std::nullopt, .headers = headers});
  builder.add({.timestamp = INT64_MAX, .value = view("v")});
  Bytes batch = *builder.finish();
  EXPECT_TRUE(validate(batch, Walk::records));
  EXPECT_EQ(records_of(batch), "50@-5 =null a:1 a:2 :null\n51@9223372036854775807 null=v\n");
}

TEST_P(RecordCodec, a_compressed_body_may_not_grow_past_the_bound) {
  BatchBuilder builder({.codec = GetParam()});
  builder.add({.value = view(std::string(100'000, 'x'))});
  Bytes batch = *builder.finish();
  auto reader = RecordReader::open(batch, 50'000);
  if (GetParam() == Codec::none)
    EXPECT_TRUE(reader);
  else
    EXPECT_EQ(reader.error().code, Code::too_large);
}

TEST(record, builds_the_same_bytes_as_the_client) {
  BatchBuilder builder({.leader_epoch = 0});
  constexpr int64_t t = 1700000000000;
  Header two[] = {{"h1", view("x")}, {"h2", std::nullopt}}, one[] = {{"", view("")}};
  builder.add({.timestamp = t, .key = view("key-1"), .value = view("value one"), .headers = two});
  builder.add({.timestamp = t + 5, .value = view("no key")});
  builder.add({.timestamp = t - 7, .key = view("key-2")});
  builder.add({.timestamp = t + 1,
               .key = view("key-1"),
               .value = view("again and again and again and again and again and again"),
               .headers = one});
  builder.add({.timestamp = t + 2, .key = view(""), .value = view("")});
  EXPECT_EQ(*builder.finish(), golden("none"));
}

TEST(record, copies_records_with_their_offsets_and_headers) {
  Bytes batch = golden("none");
  RecordReader reader = *RecordReader::open(batch, 0);
  BatchBuilder builder({.base_offset = Offset(0), .codec = Codec::lz4});
  Record record;
  while (*reader.next(&record))
    if (record.offset.value % 3 == 0) builder.copy(record);
  Bytes copy = *builder.finish_at(Offset(4));
  EXPECT_EQ(records_of(copy),
            "0@1700000000000 key-1=value one h1:x h2:null\n"
            "3@1700000000001 key-1=again and again and again and again and again and again :\n");
  EXPECT_EQ(peek_header(copy)->last_offset(), Offset(4));
  EXPECT_FALSE(validate(copy, Walk::header));
  EXPECT_TRUE(validate_stored(copy, Walk::header));
}

TEST(record, finds_headers_by_name) {
  Bytes raw;
  append_header(raw, {"a", view("1")});
  append_header(raw, {"b", std::nullopt});
  append_header(raw, {"a", view("2")});
  Headers headers(raw, 3);
  EXPECT_EQ(text(*headers.find("a")), "1");
  EXPECT_EQ(headers.find("b"), std::nullopt);
  EXPECT_EQ(headers.find("c"), std::nullopt);
}

TEST(record, log_append_time_is_the_time_of_all) {
  BatchBuilder builder({.log_append_time_ms = 99});
  builder.add({.timestamp = 5, .value = view("v")});
  EXPECT_EQ(records_of(*builder.finish()), "0@99 null=v\n");
}

TEST(record, a_delete_horizon_does_not_move_the_timestamps) {
  BatchBuilder builder({.delete_horizon_ms = 1'000'000});
  builder.add({.timestamp = 5, .key = view("k")});
  Bytes batch = *builder.finish();
  EXPECT_EQ(records_of(batch), "0@5 k=null\n");
  EXPECT_EQ(peek_header(batch)->base_timestamp, 1'000'000);
  EXPECT_EQ(peek_header(batch)->max_timestamp, 5);
}

TEST(record, the_reader_says_which_record_is_bad) {
  Bytes batch = golden("none");
  batch[batch_header_bytes] = 0xff;
  auto reader = RecordReader::open(batch, 0);
  Record record;
  auto first = reader->next(&record);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().detail, 0);
}

}  // namespace
}  // namespace naru
