#include "base/crc32c.h"
#include "base/endian.h"
#include "base/erlang_text.h"
#include "base/flat_index.h"
#include "base/hash.h"
#include "base/interval_set.h"
#include "base/murmur2.h"
#include "base/result.h"
#include "base/strong.h"
#include "base/testing.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "base/varint.h"

namespace naru {
namespace {

TEST(crc32c, matches_the_published_vectors) {
  EXPECT_EQ(crc32c(view("123456789")), 0xe3069283u);  // the check value of CRC-32/ISCSI
  EXPECT_EQ(crc32c(Bytes(32, 0)), 0x8a9136aau);       // RFC 3720 B.4
  EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43u);
  EXPECT_EQ(crc32c(view("6789"), crc32c(view("12345"))), 0xe3069283u);
}

TEST(murmur2, puts_keys_where_kafkas_java_producer_does) {
  // From that client's own tests.
  EXPECT_EQ(static_cast<int32_t>(murmur2(view("21"))), -973932308);
  EXPECT_EQ(static_cast<int32_t>(murmur2(view("foobar"))), -790332482);
  EXPECT_EQ(static_cast<int32_t>(murmur2(view("a-little-bit-long-string"))), -985981536);
  EXPECT_EQ(static_cast<int32_t>(murmur2(view("a-little-bit-longer-string"))), -1486304829);
  EXPECT_EQ(static_cast<int32_t>(murmur2(view("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"))), -58897971);
  EXPECT_EQ(static_cast<int32_t>(murmur2(view("abc"))), 479470107);
}

TEST(endian, stores_and_loads_each_order) {
  uint8_t b[4];
  store_be<int32_t>(b, 0x01020304);
  EXPECT_EQ(b[0], 1);
  EXPECT_EQ(load_be<int32_t>(b), 0x01020304);
  EXPECT_EQ(load_le<int32_t>(b), 0x04030201);
}

TEST(varint, round_trips_and_refuses_cut_or_endless_numbers) {
  for (int64_t n : {0L, -1L, 63L, -64L, 64L, 1L << 31, INT64_MIN, INT64_MAX}) {
    Bytes b;
    append_varint(b, n);
    EXPECT_EQ(b.size(), static_cast<size_t>(varint_size(n)));
    int64_t back = 0;
    EXPECT_EQ(load_varint(b, &back), static_cast<int>(b.size()));
    EXPECT_EQ(back, n);
    EXPECT_EQ(load_varint(ByteView(b).first(b.size() - 1), &back), 0);
  }
  uint64_t value;
  EXPECT_EQ(load_uvarint(Bytes(11, 0x80), &value), 0);
}

TEST(interval_set, agrees_with_a_set_of_numbers) {
  for_each_seed(50, [](uint64_t seed) {
    Prng random(seed);
    IntervalSet set;
    std::set<int64_t> model;
    for (int step = 0; step < 200; ++step) {
      int64_t first = static_cast<int64_t>(random.below(100)), last = first + 1 + static_cast<int64_t>(random.below(8));
      if (random.chance(0.9)) {
        set.add(first, last);
        for (int64_t n = first; n < last; ++n) model.insert(n);
      } else {
        set.remove_below(first / 4);
        model.erase(model.begin(), model.lower_bound(first / 4));
      }
      ASSERT_EQ(set.count(), static_cast<int64_t>(model.size()));
      for (int64_t n = 0; n < 110; ++n) ASSERT_EQ(set.contains(n), model.contains(n));
      int64_t gap = first;
      while (model.contains(gap)) ++gap;
      ASSERT_EQ(set.first_gap(first), gap);
    }
  });
}

TEST(uuid, prints_as_kafka_does) {
  Uuid id;
  id.bytes[15] = 1;
  EXPECT_EQ(to_text(id), "AAAAAAAAAAAAAAAAAAAAAQ");
}

TEST(utf8, refuses_what_rfc_3629_refuses) {
  for (const char* good : {"", "a", "ü", "€", "😀", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "longer than eight bytes ü"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe2\x82", "\xe0\x9f\xbf", "\xed\xa0\x80",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "12345678\xff"})
    EXPECT_FALSE(is_utf8(bad)) << bad;
}

TEST(utf8, cuts_between_characters) {
  EXPECT_EQ(cut_utf8("aüb", 10), "aüb");
  EXPECT_EQ(cut_utf8("aüb", 3), "aü");
  EXPECT_EQ(cut_utf8("aüb", 2), "a");
  EXPECT_EQ(cut_utf8("aüb", 10, 2), "aü");
  EXPECT_EQ(cut_utf8("\xff\xff\xff", 2), "\xff\xff");
}

TEST(flat_index, agrees_with_a_map) {
  for_each_seed(50, [](uint64_t seed) {
    Prng random(seed);
    FlatIndex index;
    std::map<uint64_t, uint32_t> model;
    std::vector<uint64_t> keys;  // by number
    // Hashes of a few bits collide, and their runs wrap around the end.
    auto hash = [&](uint64_t key) { return seed % 3 == 0 ? ~(key % 5) : seed % 3 == 1 ? key : key << 40; };
    for (uint32_t step = 0; step < 2000; ++step) {
      uint64_t key = random.below(300);
      keys.push_back(key);
      auto there = model.find(key);
      auto found = index.find(hash(key), [&](uint32_t number) { return keys[number] == key; });
      ASSERT_EQ(found.has_value(), there != model.end());
      if (found) {
        ASSERT_EQ(*found, there->second);
        ASSERT_TRUE(index.erase(hash(key), *found));
        ASSERT_FALSE(index.erase(hash(key), *found));
        model.erase(there);
      } else {
        index.add(hash(key), step);
        model[key] = step;
      }
      ASSERT_EQ(index.size(), model.size());
    }
  });
}

TEST(hash, is_the_same_forever) {
  EXPECT_EQ(mix64(1), 0x5692161d100b05e5u);
  EXPECT_EQ(hash64(view("")), 5197578548964807871u);
  EXPECT_EQ(hash64(view("a routing key")), 4082921069348073052u);
  EXPECT_NE(hash64(view("a")), hash64(Bytes{'a', 0}));
}

TEST(erlang_text, prints_binaries_as_erlang_does) {
  EXPECT_EQ(erlang_binary("a \"b\""), R"(<<"a \"b\"">>)");
  EXPECT_EQ(erlang_binary(""), "<<>>");
  EXPECT_EQ(erlang_binary("a\1"), "<<97,1>>");
  EXPECT_EQ(erlang_bytes(view("ab")), "<<97,98>>");
}

}  // namespace
}  // namespace naru
