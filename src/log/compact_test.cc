#include "log/compact.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/testing.h"
#include "log/batch_builder.h"

namespace naru {
namespace {

constexpr HashSecret secret{1, 2};
constexpr int64_t hour_ms = 3'600'000;

TEST(hash_key, matches_the_published_vectors) {
  HashSecret published{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  EXPECT_EQ(hash_key({}, published), (KeyHash{0xe6a825ba047f81a3, 0x930255c71472f66d}));
  Bytes counting;
  for (uint8_t i = 0; i < 15; ++i) counting.push_back(i);
  EXPECT_EQ(hash_key(counting, published), (KeyHash{0x11a8b03399e99354, 0xd9c3cf970fec087e}));
}

TEST(key_map, keeps_the_last_offset_and_says_when_it_is_full) {
  KeyMap map(24 * 16, 1000, secret);
  EXPECT_EQ(map.bytes(), 24u * 16);
  for (int i = 0; i < 14; ++i) EXPECT_TRUE(map.note(view(std::to_string(i)), Offset(i)));
  EXPECT_FALSE(map.note(view("one too many"), Offset(99)));
  EXPECT_TRUE(map.note(view("3"), Offset(77)));
  EXPECT_TRUE(map.note(view("4"), Offset(0)));
  EXPECT_EQ(map.last(view("3")), Offset(77));
  EXPECT_EQ(map.last(view("4")), Offset(4));
  EXPECT_EQ(map.last(view("one too many")), std::nullopt);
  EXPECT_LT(KeyMap(1 * GiB, 10, secret).bytes(), 1000u);
  KeyMap many(1 * MiB, 20'000, secret);
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(many.note(view(std::to_string(i)), Offset(i)));
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(many.last(view(std::to_string(i))), Offset(i));
}

// A log in short words: write("a=1 b=2 a= ") appends one batch (nothing behind = is a tombstone, "?=x" has no key),
// clean() compacts it all, show() gives "offset:key=value" per record and "[first-last]" per empty batch.
struct CompactTest {
  std::vector<Bytes> batches;
  Offset end{0};
  int64_t now = 1'000'000;
  Codec codec = Codec::none;
  int64_t producer = no_producer;
  bool control = false, log_append_time = false;
  int rewritten = 0, dropped = 0, kept = 0;

  void write(const std::string& words) {
    bool known = producer >= 0;
    BatchOptions options{.base_offset = end, .codec = codec, .producer_id = producer};
    options.producer_epoch = static_cast<int16_t>(known ? 0 : -1);
    options.base_sequence = known ? static_cast<int32_t>(end.value) : -1;
    options.control = control;
    if (log_append_time) options.log_append_time_ms = now;
    BatchBuilder builder(options);
    Header header{"h", view("x")};
    for (size_t at = 0; at < words.size();) {
      size_t space = std::min(words.find(' ', at), words.size());
      std::string word = words.substr(at, space - at);
      size_t sign = word.find('=');
      NewRecord record{.timestamp = now + static_cast<int64_t>(at), .headers = {&header, 1}};
      if (word[0] != '?') record.key = view(word).first(sign);
      if (sign + 1 < word.size()) record.value = view(word).subspan(sign + 1);
      builder.add(record);
      at = space + 1;
    }
    batches.push_back(*builder.finish());
    end = peek_header(batches.back())->next_offset();
  }
  void clean(size_t map_bytes = 1 * MiB) {
    KeyMap map(map_bytes, 100'000, secret);
    std::vector<Bytes> out;
    bool full = false;
    rewritten = dropped = kept = 0;
    size_t noted = 0;
    for (; noted < batches.size() && !full; ++noted) full = *note_keys(map, batches[noted]) == Noted::full;
    if (full) --noted;
    for (size_t i = 0; i < batches.size(); ++i) {
      auto when_empty = i + 1 == batches.size() ? WhenEmpty::keep_header : WhenEmpty::drop;
      Cleaned cleaned;
      if (i < noted)
        cleaned = *clean_batch(batches[i], map, {.now_ms = now, .delete_retention_ms = hour_ms}, when_empty);
      if (cleaned.fate == Fate::dropped) {
        ++dropped;
        continue;
      }
      ++(cleaned.fate == Fate::kept ? kept : rewritten);
      Bytes& batch = cleaned.fate == Fate::kept ? batches[i] : cleaned.batch;
      BatchHeader before = *peek_header(batches[i]);
      auto after = validate_stored(batch, Walk::records);
      ASSERT_TRUE(after) << after.error().reason;
      EXPECT_EQ(after->base_offset, before.base_offset);
      EXPECT_EQ(after->last_offset(), before.last_offset());
      EXPECT_EQ(after->producer_id, before.producer_id);
      EXPECT_EQ(after->base_sequence, before.base_sequence);
      EXPECT_EQ(after->last_sequence(), before.last_sequence());
      EXPECT_EQ(after->leader_epoch, before.leader_epoch);
      EXPECT_EQ(after->count, before.count - cleaned.records_gone);
      if (after->count > 0) EXPECT_EQ(after->codec(), before.codec());
      out.push_back(batch);
    }
    batches = out;
  }
  std::string show() const {
    std::string out;
    for (const Bytes& batch : batches) {
      RecordReader reader = *RecordReader::open(batch);
      Record record;
      if (reader.header().count == 0)
        out += "[" + std::to_string(reader.header().base_offset.value) + "-" +
               std::to_string(reader.header().last_offset().value) + "] ";
      while (*reader.next(&record)) {
        EXPECT_EQ(text(*record.headers.find("h")), "x");
        out += std::to_string(record.offset.value) + ":" + (record.key ? std::string(text(*record.key)) : "?") + "=" +
               (record.value ? std::string(text(*record.value)) : "") + " ";
      }
    }
    return out;
  }
  std::vector<int64_t> timestamps() const {
    std::vector<int64_t> out;
    Record record;
    for (const Bytes& batch : batches)
      for (RecordReader reader = *RecordReader::open(batch); *reader.next(&record);) out.push_back(record.timestamp);
    return out;
  }
};

TEST(compact, the_last_record_of_each_key_stays_at_its_offset) {
  for (int codec_number = 0; codec_number < codecs; ++codec_number) {
    CompactTest t;
    t.codec = static_cast<Codec>(codec_number);
    t.write("a=1 b=1 a=2");
    t.write("c=1");
    t.write("a=3 c=2 d=1");
    t.clean();
    EXPECT_EQ(t.show(), "1:b=1 4:a=3 5:c=2 6:d=1 ");
    EXPECT_EQ(t.rewritten, 1);
    EXPECT_EQ(t.dropped, 1);
    EXPECT_EQ(t.kept, 1);
    t.clean();
    EXPECT_EQ(t.kept, 2);
  }
}

TEST(compact, a_tombstone_stays_until_its_horizon) {
  CompactTest t;
  t.write("a=1 b=1");
  t.write("a= x=1");
  t.write("z=1");
  auto before = t.timestamps();
  t.clean();
  EXPECT_EQ(t.show(), "1:b=1 2:a= 3:x=1 4:z=1 ");
  EXPECT_EQ(t.timestamps(), std::vector(before.begin() + 1, before.end()));  // the horizon moves no timestamp
  BatchHeader header = *peek_header(t.batches[1]);
  EXPECT_TRUE(header.has_delete_horizon());
  EXPECT_EQ(header.base_timestamp, t.now + hour_ms);
  t.now += hour_ms - 1;
  t.clean();
  EXPECT_EQ(t.rewritten, 0);  // the horizon is set once
  t.now += 1;
  t.clean();
  EXPECT_EQ(t.show(), "1:b=1 3:x=1 4:z=1 ");
  t.write("x=2");
  t.clean();
  EXPECT_EQ(t.show(), "1:b=1 4:z=1 5:x=2 ");
}

TEST(compact, a_tombstone_that_is_outdated_goes_at_once) {
  CompactTest t;
  t.write("a= b=1");
  t.write("a=2");
  t.clean();
  EXPECT_EQ(t.show(), "1:b=1 2:a=2 ");
}

TEST(compact, records_without_a_key_go) {
  CompactTest t;
  t.write("?=1 a=1 ?=2");
  t.clean();
  EXPECT_EQ(t.show(), "1:a=1 ");
}

TEST(compact, the_last_batch_stays_as_a_header_so_that_the_end_is_not_lost) {
  CompactTest t;
  t.producer = 9;
  t.write("a=1");
  t.write("a= b=1 b=");
  t.now += hour_ms;
  t.clean();
  t.now += hour_ms;
  t.clean();
  EXPECT_EQ(t.show(), "[1-3] ");
  EXPECT_EQ(t.batches[0].size(), batch_header_bytes);
  t.clean();
  EXPECT_EQ(t.show(), "[1-3] ");
  EXPECT_EQ(t.kept, 1);
  t.write("c=1");
  t.clean();
  EXPECT_EQ(t.show(), "4:c=1 ");
}

TEST(compact, control_batches_are_kept) {
  CompactTest t;
  t.control = true;
  t.write("a=1");
  t.control = false;
  t.write("a=2");
  t.clean();
  EXPECT_EQ(t.show(), "0:a=1 1:a=2 ");
}

TEST(compact, log_append_time_stays) {
  CompactTest t;
  t.log_append_time = true;
  t.write("a=1 b=1");
  t.now += 50;
  t.write("a=2");
  t.clean();
  EXPECT_EQ(t.timestamps(), (std::vector<int64_t>{t.now - 50, t.now}));
}

TEST(compact, a_full_map_cleans_what_comes_before) {
  CompactTest t;
  t.write("a=1 a=2");
  t.write("b=1 a=3");
  t.write("1=1 2=1 3=1 4=1 5=1 6=1 7=1");
  t.write("a=4");
  t.clean(24 * 8);  // room for seven keys
  EXPECT_EQ(t.show(), "2:b=1 3:a=3 4:1=1 5:2=1 6:3=1 7:4=1 8:5=1 9:6=1 10:7=1 11:a=4 ");
}

TEST(compact, damage_is_reported) {
  CompactTest t;
  t.write("a=1");
  t.batches[0][batch_header_bytes] = 0x7f;
  KeyMap map(1000, 1000, secret);
  EXPECT_FALSE(note_keys(map, t.batches[0]));
  EXPECT_FALSE(clean_batch(t.batches[0], map, {}, WhenEmpty::drop));
}

// A reader that folds the log into a table must see the same table before and after, in any history.
TEST(compact, no_history_changes_what_a_reader_ends_up_with) {
  for_each_seed(200, [](uint64_t seed) {
    Prng random(seed);
    CompactTest t;
    std::map<std::string, std::string> table;
    for (int round = 0; round < 6; ++round) {
      for (int b = 0; b < 4; ++b) {
        std::string words;
        for (uint64_t n = random.between(1, 6); n > 0; --n) {
          std::string key(1, static_cast<char>('a' + random.below(6))), value = std::to_string(random.below(100));
          if (random.chance(0.3)) value.clear();
          words += (words.empty() ? "" : " ") + key + "=" + value;
          table[key] = value;
        }
        t.codec = static_cast<Codec>(random.below(codecs));
        t.write(words);
      }
      t.now += static_cast<int64_t>(random.below(2 * hour_ms));
      t.clean(random.chance(0.3) ? 24 * 8 : 1 * MiB);
      std::map<std::string, std::string> seen;
      Record record;
      for (const Bytes& batch : t.batches)
        for (RecordReader reader = *RecordReader::open(batch); *reader.next(&record);)
          seen[std::string(text(*record.key))] = record.value ? text(*record.value) : "";
      std::erase_if(seen, [](const auto& row) { return row.second.empty(); });
      auto expected = table;
      std::erase_if(expected, [](const auto& row) { return row.second.empty(); });
      ASSERT_EQ(seen, expected);
    }
    t.now += hour_ms;
    t.clean();
    t.now += hour_ms;
    t.clean();
    std::set<std::string> keys;
    for (const Bytes& batch : t.batches) {
      RecordReader reader = *RecordReader::open(batch);
      for (Record record; *reader.next(&record);) EXPECT_TRUE(keys.insert(std::string(text(*record.key))).second);
    }
  });
}

}  // namespace
}  // namespace naru
