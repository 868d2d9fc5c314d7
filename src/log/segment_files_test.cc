#include "log/segment_files.h"

#include "log/engine_testing.h"

namespace naru {
namespace {

/// Segments of one stream, written batch by batch.
class SegmentsTest {
 public:
  explicit SegmentsTest(size_t open_max = 8, size_t kept_bytes_max = 1 * MiB) : files(disk, open_max, kept_bytes_max) {}

  /// A segment of `count` batches of about 1 KiB.
  Segment make(int64_t base, int count) {
    Segment segment{.base = Offset(base)};
    auto entry = *files.create(stream, segment);
    for (int i = 0; i < count; ++i) {
      Bytes batch = batch_of({.values = {"v"}, .timestamp = 1000 + i, .pad = 950});
      set_base_offset(batch, Offset(base + i));
      EXPECT_TRUE(entry->file->write(segment.bytes, ByteView(batch)));
      entry->note(*peek_header(batch), segment.bytes);
      segment.bytes += batch.size();
    }
    return segment;
  }
  std::string path(const Segment& s) { return segment_path({stream, s.base, s.version}); }
  size_t entries(const Segment& s) {
    auto index = files.index(stream, s, s.bytes);
    return index ? (*index)->entries() : 9999;
  }
  void forget(const Segment& s) { files.close(stream, s); }

  const StreamId stream{3};
  sim::SimDisk disk{1};
  SegmentFiles files;
};

TEST(segment_files, the_footer_brings_the_index_back) {
  SegmentsTest t;
  Segment s = t.make(0, 200);
  size_t built = t.entries(s);
  EXPECT_GT(built, 3u);
  s.sealed = true;
  t.files.write_footer(t.stream, s);
  t.forget(s);
  t.disk.contents(t.path(s))->at(100) ^= 0xff;  // a walk over the batches would stumble here
  t.disk.contents(t.path(s))->at(10) ^= 0xff;
  EXPECT_EQ(t.entries(s), built);
}

TEST(segment_files, a_footer_that_is_damaged_or_missing_is_built_again_and_kept) {
  SegmentsTest t;
  Segment s = t.make(0, 200);
  size_t built = t.entries(s);
  s.sealed = true;
  t.forget(s);
  EXPECT_EQ(t.entries(s), built) << "without a footer";
  EXPECT_GT(t.disk.contents(t.path(s))->size(), s.bytes) << "now there is one";
  t.forget(s);
  t.disk.contents(t.path(s))->back() ^= 1;
  EXPECT_EQ(t.entries(s), built);
}

TEST(segment_files, what_an_older_write_left_behind_the_batches_does_not_spoil_the_footer) {
  SegmentsTest t;
  Segment s = t.make(0, 200);
  Bytes& file = *t.disk.contents(t.path(s));
  file.resize(file.size() + 50'000, 0x55);
  s.sealed = true;
  t.files.write_footer(t.stream, s);
  t.forget(s);
  t.disk.contents(t.path(s))->at(10) ^= 0xff;  // only the footer knows
  EXPECT_LT(t.entries(s), 100u);
}

TEST(segment_files, keeps_no_more_files_open_than_allowed_and_reopens_what_it_needs) {
  SegmentsTest t(2);
  std::vector<Segment> all;
  for (int64_t base : {0, 10, 20, 30}) all.push_back(t.make(base, 5));
  EXPECT_EQ(t.files.open_count(), 2u);
  for (const Segment& s : all) EXPECT_EQ(t.entries(s), 0u);
  EXPECT_EQ(t.files.open_count(), 2u);
  auto kept = (*t.files.open(t.stream, all[0]))->file;
  for (const Segment& s : all) (void)t.entries(s);
  Bytes head(61);
  EXPECT_TRUE(kept->read(0, head)) << "who still reads a file keeps it open";
}

TEST(segment_files, a_closed_file_leaves_its_index_and_only_what_is_new_is_walked) {
  SegmentsTest t(2);
  Segment s = t.make(0, 200);
  size_t built = t.entries(s);
  for (int64_t base : {1000, 2000, 3000}) t.make(base, 5);  // its file is closed
  EXPECT_GT(t.files.kept_bytes(), 0u);
  // Batches come while nobody reads, as they do when the file is opened for each.
  for (int i = 200; i < 400; ++i) {
    Bytes batch = batch_of({.values = {"v"}, .timestamp = 1000 + i, .pad = 950});
    set_base_offset(batch, Offset(i));
    EXPECT_TRUE((*t.files.open(t.stream, s))->file->write(s.bytes, ByteView(batch)));
    s.bytes += batch.size();
  }
  t.disk.contents(t.path(s))->at(16) = 9;  // a walk over all would stumble here
  EXPECT_GE(t.entries(s), 2 * built);
  Segment active = s;
  active.bytes += 1000;  // one more is on its way
  EXPECT_TRUE(t.files.index(t.stream, active, s.bytes));
}

TEST(segment_files, indexes_of_closed_files_are_bounded_too) {
  SegmentsTest t(1, 2000);
  std::vector<Segment> all;
  for (int64_t base = 0; base < 10'000; base += 1000) all.push_back(t.make(base, 100));
  EXPECT_LE(t.files.kept_bytes(), 2000u);
  for (const Segment& s : all) EXPECT_GT(t.entries(s), 1u);
  EXPECT_LE(t.files.kept_bytes(), 2000u);
  for (const Segment& s : all) t.forget(s);
  EXPECT_EQ(t.files.kept_bytes(), 0u);
}

TEST(segment_files, a_walk_says_where_no_batch_begins) {
  SegmentsTest t;
  Segment s = t.make(0, 10);
  auto file = (*t.files.open(t.stream, s))->file;
  std::vector<uint64_t> places;
  ASSERT_TRUE(
      walk_headers(*file, 0, s.bytes, [&](const BatchHeader&, uint64_t at) { return places.push_back(at), true; }));
  EXPECT_EQ(places.size(), 10u);
  t.disk.contents(t.path(s))->at(places[4] + 16) = 9;  // the magic
  auto walked = walk_headers(*file, 0, s.bytes, [](const BatchHeader&, uint64_t) { return true; });
  ASSERT_FALSE(walked);
  EXPECT_EQ(walked.error().detail, static_cast<int64_t>(places[4]));
}

TEST(segment_files, names_are_read_back_and_near_misses_are_not) {
  SegmentId id{StreamId(0xabcdef), Offset(1234567), 12};
  std::string name = segment_path(id).substr(9);
  EXPECT_EQ(parse_segment_name(name), id);
  for (const char* miss : {"", "0000000000abcdef-00000000000001234567", "0000000000abcdef-00000000000001234567-",
                           "0000000000abcdeg-00000000000001234567-012", "0000000000abcdef_00000000000001234567-012",
                           "0000000000abcdef-0000000000000123456x-012", "0000000000abcdef-00000000000001234567-012.new",
                           "0000000000abcdef-00000000000001234567-0x2", "0000000000abcdef-99999999999999999999-012"})
    EXPECT_FALSE(parse_segment_name(miss)) << miss;
}

}  // namespace
}  // namespace naru
