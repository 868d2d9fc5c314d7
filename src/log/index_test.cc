#include "log/index.h"

#include <algorithm>
#include <vector>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/testing.h"
#include "log/batch_builder.h"

namespace naru {
namespace {

struct Placed {
  BatchHeader header;
  uint64_t position;
};

// A segment of random batches, with gaps between offsets as compaction leaves them and clocks that jump.
struct IndexTest {
  Offset base{1000};
  Bytes segment;
  std::vector<Placed> batches;

  explicit IndexTest(uint64_t seed, int count = 60) {
    Prng random(seed);
    Offset next = base;
    for (int i = 0; i < count; ++i) {
      BatchBuilder builder({.base_offset = next});
      for (uint64_t n = random.between(1, 5); n > 0; --n)
        builder.add({.timestamp = static_cast<int64_t>(random.below(1000)), .value = Bytes(random.below(100))});
      Bytes batch = *builder.finish();
      batches.push_back({*peek_header(batch), segment.size()});
      next = batches.back().header.next_offset() + static_cast<int64_t>(random.below(3));
      append(segment, batch);
    }
  }
};

void expect_right(const IndexTest& t, const SegmentIndex& index) {
  for (size_t i = 0; i < t.batches.size(); ++i) {
    const auto& [header, position] = t.batches[i];
    EXPECT_LE(index.position_for(header.base_offset), position);
    EXPECT_LE(index.position_for(header.last_offset()), position);
    EXPECT_EQ(index.floor_position(position), index.position_for(header.base_offset));
    EXPECT_EQ(index.floor_position(position + header.size_bytes() - 1), index.floor_position(position));
    EXPECT_GT(index.position_for(header.base_offset) + 300,
              position - std::min<uint64_t>(position, 600));  // not far off
  }
  EXPECT_EQ(index.position_for(Offset(0)), 0u);
  for (int64_t ms = -1; ms <= 1001; ++ms) {
    uint64_t from = index.position_for_time(ms);
    bool is_boundary = false;
    for (const auto& [header, position] : t.batches) {
      if (position < from) EXPECT_LT(header.max_timestamp, ms);
      is_boundary |= position == from;
    }
    EXPECT_TRUE(is_boundary);
  }
}

TEST(segment_index, points_at_or_before_what_is_sought) {
  for_each_seed(50, [](uint64_t seed) {
    IndexTest t(seed);
    for (uint32_t step : {1u, 200u, 500u, 1'000'000u}) {
      SegmentIndex index = *SegmentIndex::rebuild(t.base, t.segment, step);
      if (step == 1) EXPECT_EQ(index.entries(), t.batches.size() - 1);
      if (step == 1'000'000) EXPECT_EQ(index.entries(), 0u);
      if (step <= 200) expect_right(t, index);
      const Placed& newest =
          *std::ranges::max_element(t.batches, {}, [](const Placed& p) { return p.header.max_timestamp; });
      EXPECT_EQ(index.max_timestamp(), newest.header.max_timestamp);
      EXPECT_EQ(index.max_timestamp_batch(), newest.header.base_offset);
    }
  });
}

TEST(segment_index, an_empty_one_starts_at_the_front) {
  SegmentIndex index(Offset(5));
  EXPECT_EQ(index.position_for(Offset(7)), 0u);
  EXPECT_EQ(index.position_for_time(7), 0u);
  EXPECT_EQ(index.floor_position(7), 0u);
  EXPECT_EQ(index.max_timestamp(), no_timestamp);
}

TEST(segment_index, a_footer_gives_the_same_index_back) {
  IndexTest t(1);
  SegmentIndex index = *SegmentIndex::rebuild(t.base, t.segment, 200);
  Bytes footer{'x'};
  index.save(footer, t.segment.size());
  ByteView saved = ByteView(footer).subspan(1);
  auto loaded = SegmentIndex::load(saved, t.base, t.segment.size());
  ASSERT_TRUE(loaded);
  expect_right(t, *loaded);
  EXPECT_EQ(loaded->max_timestamp_batch(), index.max_timestamp_batch());
  Bytes again{'x'};
  loaded->save(again, t.segment.size());
  EXPECT_EQ(again, footer);
  EXPECT_FALSE(SegmentIndex::load(saved, t.base + 1, t.segment.size()));
  EXPECT_FALSE(SegmentIndex::load(saved, t.base, t.segment.size() + 1));
}

TEST(segment_index, a_damaged_footer_is_refused) {
  IndexTest t(2);
  Bytes good;
  SegmentIndex::rebuild(t.base, t.segment, 500)->save(good, t.segment.size());
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(SegmentIndex::load(ByteView(good).first(size), t.base, t.segment.size()));
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    EXPECT_FALSE(SegmentIndex::load(bad, t.base, t.segment.size()));
    // A checksum that fits does not make it true, but must do no harm.
    store_le(bad.data() + bad.size() - 4, crc32c(ByteView(bad).first(bad.size() - 4)));
    (void)SegmentIndex::load(bad, t.base, t.segment.size());
  }
}

TEST(segment_index, rebuilding_names_the_place_of_damage) {
  IndexTest t(3);
  Bytes torn(t.segment.begin(), t.segment.end() - 1);
  auto last = static_cast<int64_t>(t.batches.back().position);
  EXPECT_EQ(SegmentIndex::rebuild(t.base, torn).error().detail, last);
  t.segment[t.batches[7].position + 16] = 9;  // the magic
  EXPECT_EQ(SegmentIndex::rebuild(t.base, t.segment).error().detail, static_cast<int64_t>(t.batches[7].position));
}

TEST(segment_index, says_when_a_segment_is_full) {
  BatchHeader header{.base_offset = Offset(10), .batch_length = 100};
  EXPECT_TRUE(SegmentIndex::fits(Offset(10), header, 0));
  EXPECT_FALSE(SegmentIndex::fits(Offset(10), header, UINT32_MAX - 50));
  header.base_offset = Offset(10 + 0x1'0000'0000);
  EXPECT_FALSE(SegmentIndex::fits(Offset(10), header, 0));
}

}  // namespace
}  // namespace naru
