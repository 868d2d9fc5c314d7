// The small durable pieces: checkpoints, MANIFEST, tables.
#include "log/checkpoint.h"

#include <gtest/gtest.h>

#include "log/engine_testing.h"
#include "log/manifest.h"

namespace naru {
namespace {

const JournalId id{7, 2};

Bytes checkpoint_of_much() {
  LogState log;
  log.stream = StreamId(42);
  log.begin = Offset(5);
  log.end = Offset(100);
  log.segments = {
      {.base = Offset(0), .bytes = 1000, .max_timestamp = 9, .first_timestamp = 3, .version = 2, .sealed = true},
      {.base = Offset(60), .bytes = 500}};
  log.epochs = {{1, Offset(0)}, {4, Offset(60)}};
  log.holes = {{Offset(10), Offset(20), 100, 300}, {Offset(20), Offset(59), 400, 600}};
  AckCursor cursor(Offset(7));
  cursor.settle(Offset(9), Offset(11));
  CheckpointWriter to(id, 3);
  to.add(log);
  to.add(5, Table::Rows{{"a", "1"}, {"b", ""}});
  to.add(CursorId(9), StreamId(42), cursor);
  return std::move(to).finish();
}

TEST(checkpoint, gives_back_what_went_in) {
  StoreState state;
  ASSERT_TRUE(load_checkpoint(checkpoint_of_much(), id, 3, state));
  const LogState& log = state.logs.at(StreamId(42));
  EXPECT_EQ(log.begin, Offset(5));
  EXPECT_EQ(log.end, Offset(100));
  ASSERT_EQ(log.segments.size(), 2u);
  EXPECT_EQ(log.segments[0].version, 2u);
  EXPECT_TRUE(log.segments[0].sealed);
  EXPECT_FALSE(log.segments[1].sealed);
  EXPECT_EQ(log.epochs[1].start, Offset(60));
  ASSERT_EQ(log.holes.size(), 2u);
  EXPECT_EQ(log.holes[1], (Hole{Offset(20), Offset(59), 400, 600}));
  EXPECT_EQ(state.tables[5].at("a"), "1");
  EXPECT_EQ(state.tables[5].at("b"), "");
  EXPECT_TRUE(state.cursors.at(CursorId(9)).cursor.is_done(Offset(10)));
}

TEST(log_state, takes_holes_only_where_they_fit) {
  LogState log;
  log.end = Offset(100);
  log.segments = {{.base = Offset(0), .bytes = 1000, .sealed = true}, {.base = Offset(60), .bytes = 500}};
  EXPECT_TRUE(log.note_hole({Offset(10), Offset(20), 100, 100}));
  EXPECT_TRUE(log.note_hole({Offset(30), Offset(40), 300, 100}));
  for (Hole wrong : {
           Hole{Offset(15), Offset(25), 150, 100},  // cuts one in two
           Hole{Offset(20), Offset(30), 150, 100},  // the same, by bytes
           Hole{Offset(5), Offset(35), 50, 300},
           Hole{Offset(50), Offset(61), 500, 100},  // reaches into the next segment
           Hole{Offset(50), Offset(60), 500, 501},  // past the end of its own
           Hole{Offset(70), Offset(80), 0, 100},    // in one that takes more
           Hole{Offset(50), Offset(50), 500, 100},
           Hole{Offset(50), Offset(60), 500, 0},
           Hole{Offset(50), Offset(60), 1, UINT64_MAX},
       })
    EXPECT_FALSE(log.note_hole(wrong)) << wrong.first.value << " at " << wrong.at;
  EXPECT_EQ(log.bytes(), 1300u);
  EXPECT_TRUE(log.note_hole({Offset(5), Offset(45), 50, 400})) << "takes in the others";
  ASSERT_EQ(log.holes.size(), 1u);
  EXPECT_EQ(log.holes_of(0).size(), 1u);
  EXPECT_EQ(log.holes_of(1).size(), 0u);
  EXPECT_EQ(log.note_begin(Offset(60)).size(), 1u);
  EXPECT_TRUE(log.holes.empty());
}

TEST(checkpoint, of_another_journal_is_refused) {
  StoreState state;
  EXPECT_FALSE(load_checkpoint(checkpoint_of_much(), {7, 1}, 3, state));
  EXPECT_FALSE(load_checkpoint(checkpoint_of_much(), {8, 2}, 3, state));
  EXPECT_FALSE(load_checkpoint(checkpoint_of_much(), id, 4, state));
}

TEST(checkpoint, every_flipped_byte_and_every_cut_is_noticed) {
  Bytes whole = checkpoint_of_much();
  for (size_t at = 0; at < whole.size(); ++at) {
    Bytes damaged = whole;
    damaged[at] ^= 0x40;
    StoreState state;
    EXPECT_FALSE(load_checkpoint(damaged, id, 3, state)) << at;
    EXPECT_FALSE(load_checkpoint(ByteView(whole).first(at), id, 3, state)) << at;
  }
}

TEST(manifest, gives_back_what_went_in) {
  sim::SimDisk disk(1);
  EXPECT_EQ(read_manifest(disk).error().code, Code::not_found);
  Manifest manifest{.cluster_id = {}, .generation = 8, .cores = 3, .epoch = 5, .clean = false};
  manifest.cluster_id.bytes[3] = 77;
  ASSERT_TRUE(write_manifest(disk, manifest));
  auto read = read_manifest(disk);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->cluster_id, manifest.cluster_id);
  EXPECT_EQ(read->generation, 8u);
  EXPECT_EQ(read->cores, 3u);
  EXPECT_EQ(read->epoch, 5);
  EXPECT_FALSE(read->clean);
}

TEST(manifest, every_flipped_byte_is_noticed) {
  sim::SimDisk disk(1);
  ASSERT_TRUE(write_manifest(disk, {.cluster_id = {}, .generation = 8, .cores = 3}));
  for (uint8_t& byte : *disk.contents("MANIFEST")) {
    byte ^= 0x20;
    EXPECT_FALSE(read_manifest(disk));
    byte ^= 0x20;
  }
  EXPECT_TRUE(read_manifest(disk));
}

TEST(table, rows_can_be_found_and_walked_by_prefix) {
  Engine e;
  ASSERT_EQ(e.start(), "ok");
  Table& table = e.store().table(1);
  for (const char* key : {"t/2", "t/1", "u/1", "t"}) table.put(key, std::string("v") + key);
  std::string walked;
  table.each("t/", [&](std::string_view key, std::string_view value) {
    walked += std::string(key) + "=" + std::string(value) + " ";
  });
  EXPECT_EQ(walked, "t/1=vt/1 t/2=vt/2 ");
  table.erase("t/1");
  EXPECT_EQ(table.find("t/1"), nullptr);
  EXPECT_EQ(table.erase("t/1"), e.store().journal().end()) << "nothing to write down";
}

}  // namespace
}  // namespace naru
