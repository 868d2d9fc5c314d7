// What a queue's log gives back: segments below every floor, all of it when it is drained, holes where only a few
// records are not done.
#include "log/reclaim.h"

#include "log/check.h"
#include "log/engine_testing.h"

namespace naru {
namespace {

class ReclaimTest : public ::testing::Test, public Engine {
 protected:
  ReclaimTest() { EXPECT_EQ(start(), "ok"); }

  static constexpr LogSettings queue{.segment_bytes = 4 * KiB, .remove_old = false, .trim_to_cursors = true};

  /// `count` records of about a KiB, each its own batch: three to a segment.
  void fill(int count, LogSettings of = queue) {
    log(1, of);
    for (int i = 0; i < count; ++i) append(1, {.values = {"r"}, .pad = 1000});
    settle();
  }
  AckCursor& cursor(uint64_t id) { return store().cursor(CursorId(id), StreamId(1)); }
  void done(uint64_t id, int64_t first, int64_t last) {
    store().change(CursorId(id), {Offset(first), Offset(last), Change::Kind::settle});
    loop().run_for(100);
  }
  size_t segments() { return files("segments").size(); }
  void pass(io::Millis ms) { loop().run_for(ms); }
  /// What the segments take on the disk, in KiB.
  uint64_t space() {
    uint64_t bytes = 0;
    for (const std::string& name : files("segments")) bytes += disk().used("segments/" + name);
    return bytes / KiB;
  }
  std::string check() {
    std::string damages;
    CheckEvents events{.found =
                           [&](const Finding& f) {
                             if (f.kind == Finding::Kind::damage) damages += f.file + ": " + f.what + "\n";
                           },
                       .progress = {}};
    EXPECT_TRUE(check_folder(disk(), events));
    return damages.empty() ? "whole" : damages;
  }
  static constexpr LogSettings large{.segment_bytes = 256 * KiB, .remove_old = false, .trim_to_cursors = true};
};
using a_queues_log = ReclaimTest;

TEST_F(a_queues_log, keeps_everything_while_nobody_says_it_is_done) {
  fill(20);
  EXPECT_EQ(bounds(1), "0..20..20");
  EXPECT_EQ(segments(), 7u);
}

TEST_F(a_queues_log, loses_segments_that_are_settled) {
  fill(20);
  cursor(1);
  done(1, 0, 7);
  EXPECT_EQ(bounds(1), "6..20..20");
  EXPECT_EQ(segments(), 5u);
  done(1, 8, 20);
  EXPECT_EQ(segments(), 5u) << "one record in the middle is not done";
  done(1, 7, 8);
  EXPECT_EQ(bounds(1), "18..20..20");
  EXPECT_EQ(segments(), 1u);
}

TEST_F(a_queues_log, waits_for_the_slowest_cursor) {
  fill(20);
  cursor(1);
  cursor(2);
  done(1, 0, 20);
  EXPECT_EQ(segments(), 7u);
  done(2, 0, 6);
  EXPECT_EQ(bounds(1), "6..20..20");
  store().forget_cursor(CursorId(2));
  settle();
  EXPECT_EQ(segments(), 1u) << "who has gone keeps nothing";
}

TEST_F(a_queues_log, is_kept_for_a_cursor_that_has_settled_nothing_yet_also_after_a_crash) {
  fill(20);
  cursor(1);
  cursor(2);
  settle();
  lose_power();
  ASSERT_EQ(start(), "ok") << damage;
  log(1, queue);
  done(1, 0, 20);
  EXPECT_EQ(bounds(1), "0..20..20");
  EXPECT_EQ(cursor(2).floor(), Offset(0));
}

TEST_F(a_queues_log, begins_anew_for_a_late_cursor_where_it_begins) {
  fill(20);
  cursor(1);
  done(1, 0, 7);
  EXPECT_EQ(cursor(2).floor(), Offset(6));
  store().change(CursorId(1), {Offset(2), Offset(2), Change::Kind::seek});
  EXPECT_EQ(cursor(1).floor(), Offset(6)) << "what is gone cannot be had again";
}

TEST_F(a_queues_log, goes_on_after_a_restart) {
  fill(20);
  cursor(1);
  done(1, 0, 20);
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(bounds(1), "18..20..20");
  EXPECT_EQ(cursor(1).floor(), Offset(20));
  EXPECT_EQ(append(1, "next"), "20");
}

TEST_F(a_queues_log, with_retention_keeps_what_is_done_until_it_is_old) {
  LogSettings replayed = queue;
  replayed.remove_old = true;
  replayed.retention_bytes = 8 * KiB;
  fill(20, replayed);
  cursor(1);
  store().retain();
  EXPECT_EQ(bounds(1), "0..20..20") << "nothing goes before it is done";
  done(1, 0, 12);
  EXPECT_EQ(bounds(1), "0..20..20");
  store().retain();
  EXPECT_EQ(bounds(1), "12..20..20");
}

TEST_F(a_queues_log, without_a_retention_is_not_held_by_one) {
  fill(20, {.retention_ms = -1, .retention_bytes = -1, .segment_bytes = 4 * KiB, .trim_to_cursors = true});
  cursor(1);
  done(1, 0, 20);
  EXPECT_EQ(bounds(1), "18..20..20");
}

TEST_F(a_queues_log, takes_its_cursors_along_when_it_is_dropped) {
  fill(3);
  cursor(1);
  store().drop(StreamId(1));
  settle();
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(store().find(StreamId(1)), nullptr) << "a cursor would have made it anew";
}

TEST_F(a_queues_log, has_its_cursors_moved_up_by_retention_of_a_topic) {
  fill(20, {.segment_bytes = 4 * KiB});
  cursor(1);
  auto taken = cursor(1).take(Offset(20), HolderId(1));
  EXPECT_EQ(taken->offset, Offset(0));
  ASSERT_TRUE(log(1, {.segment_bytes = 4 * KiB}).trim(Offset(10)));
  EXPECT_EQ(cursor(1).floor(), Offset(10));
  EXPECT_EQ(cursor(1).counts(Offset(20)).held, 0);
  settle();
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(cursor(1).floor(), Offset(10));
}

// --- drained ---

TEST_F(a_queues_log, that_is_drained_and_idle_has_no_file) {
  fill(20);
  cursor(1);
  done(1, 0, 20);
  EXPECT_EQ(segments(), 1u) << "the next record may come any moment";
  pass(10'000);
  EXPECT_EQ(segments(), 0u);
  EXPECT_EQ(store().files().open_count(), 0u);
  EXPECT_EQ(bounds(1), "20..20..20");
  EXPECT_EQ(append(1, "next"), "20");
  settle();
  EXPECT_EQ(read_all(1), "20:next");
}

TEST_F(a_queues_log, that_is_drained_comes_back_after_a_crash) {
  fill(20);
  cursor(1);
  done(1, 0, 20);
  pass(10'000);
  for (int round = 0; round < 3; ++round) {
    lose_power();
    ASSERT_EQ(start(), "ok") << damage;
    EXPECT_EQ(check(), "whole");
    EXPECT_EQ(bounds(1), "20..20..20");
    EXPECT_EQ(cursor(1).floor(), Offset(20));
  }
  EXPECT_EQ(append(1, "next"), "20");
  settle();
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(read_all(1), "20:next");
}

TEST_F(a_queues_log, keeps_its_segment_while_records_come_and_go) {
  fill(1);
  cursor(1);
  for (int64_t i = 0; i < 20; ++i) {
    done(1, i, i + 1);
    pass(1000);
    append(1, "r");
    settle();
  }
  EXPECT_EQ(bounds(1), "0..21..21");
  done(1, 20, 21);
  pass(12'000);
  EXPECT_EQ(segments(), 0u);
}

TEST_F(a_queues_log, that_is_drained_gives_a_large_segment_back_at_once) {
  settings.reclaim.drained_bytes_max = 100 * KiB;
  kill();
  ASSERT_EQ(start(), "ok");
  fill(120, large);
  cursor(1);
  done(1, 0, 120);
  EXPECT_EQ(segments(), 0u);
}

TEST_F(a_queues_log, does_not_wake_anybody_up_when_there_is_nothing_to_give_back) {
  fill(20);
  cursor(1);
  done(1, 0, 5);
  pass(60'000);
  EXPECT_FALSE(loop().turn()) << "a timer is left";
}

// --- a full disk ---

TEST_F(a_queues_log, empties_a_full_disk_by_being_consumed) {
  fill(100);
  cursor(1);
  disk().set_space(disk().used());
  std::string got;
  for (int i = 0; i < 200 && got != "full"; ++i) got = append(1, {.values = {"r"}, .pad = 1000}), pass(10);
  ASSERT_EQ(got, "full");
  pass(2000);
  EXPECT_EQ(append(1, "x"), "full");
  Offset end = store().find(StreamId(1))->bounds().high_watermark;
  EXPECT_EQ(end, store().find(StreamId(1))->bounds().end) << "what was taken is written all the same";
  for (int64_t n = 0; n < end.value; n += 10) done(1, n, std::min(end.value, n + 10));
  pass(2000);
  EXPECT_FALSE(store().is_full());
  EXPECT_EQ(append(1, "x"), std::to_string(end.value));
  settle();
  EXPECT_TRUE(fatal.empty());
  kill();
  EXPECT_EQ(check(), "whole");
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_TRUE(read_all(1).ends_with(":x"));
}

TEST_F(a_queues_log, without_space_at_a_start_refuses_records_until_there_is) {
  fill(10);
  disk().set_space(disk().used());
  kill();
  disk().set_space(disk().used() + 30'000);  // less than a reserve
  ASSERT_EQ(start(), "ok") << damage;
  log(1, queue);
  EXPECT_EQ(append(1, "x"), "full");
  EXPECT_EQ(bounds(1), "0..10..10");
  disk().set_space(UINT64_MAX);
  pass(2000);
  EXPECT_EQ(append(1, "x"), "10");
}

// --- holes ---

TEST_F(a_queues_log, gives_back_what_is_settled_around_one_record_that_is_not) {
  fill(600, large);
  cursor(1);
  EXPECT_GT(space(), 600u);
  done(1, 0, 100);
  done(1, 101, 600);
  pass(20'000);
  // The sealed ones but one are all hole; what is left is a block at each edge, and the one that takes records.
  EXPECT_LT(space(), 180u);
  EXPECT_EQ(bounds(1), "0..600..600");
  EXPECT_EQ(read(1, 100, 1), "100:r");
  EXPECT_EQ(read(1, 0, 1), "100:r") << "what is gone is passed over";
  EXPECT_EQ(check(), "whole");
}

TEST_F(a_queues_log, tries_a_hole_again_that_could_not_be_made) {
  fill(600, large);
  cursor(1);
  disk().fail_punches(3);
  done(1, 0, 100);
  done(1, 101, 600);
  pass(60'000);
  EXPECT_LT(space(), 180u);
}

TEST_F(a_queues_log, with_a_journal_file_that_is_new_too_takes_no_more_than_it_can_write_on_a_full_disk) {
  fill(40);
  cursor(1);
  for (int round = 0; round < 10; ++round) {
    disk().set_space(disk().used());
    std::string got;
    for (int i = 0; i < 200 && got != "full"; ++i) {
      got = append(1, {.values = {"r"}, .pad = 1000});
      if (i >= 58) pass(10);  // before that, as much at once as may wait
    }
    pass(2000);
    Bounds bounds = store().find(StreamId(1))->bounds();
    EXPECT_EQ(bounds.high_watermark, bounds.end) << "what was taken is written all the same";
    for (int64_t n = bounds.begin.value; n < bounds.end.value; n += 10) done(1, n, std::min(bounds.end.value, n + 10));
    disk().set_space(UINT64_MAX);
    pass(3000);
    fill(20);
  }
  EXPECT_TRUE(fatal.empty());
}

TEST_F(a_queues_log, finds_everything_else_again_also_without_an_index) {
  fill(600, large);
  cursor(1);
  done(1, 10, 240);
  done(1, 260, 400);
  pass(20'000);
  auto expect_all = [&] {
    std::string all = read_all(1);
    EXPECT_EQ(std::count(all.begin(), all.end(), ':'), 600 - 230 - 140) << all.substr(0, 200);
    for (int64_t at : {0, 9, 240, 259, 400, 500, 599}) EXPECT_EQ(read(1, at, 1), std::to_string(at) + ":r");
    EXPECT_EQ(store().find(StreamId(1))->find_time(1000)->value().offset, Offset(0));
  };
  size_t holes = store().find(StreamId(1))->state().holes.size();
  EXPECT_GE(holes, 2u);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(store().find(StreamId(1))->state().holes.size(), holes);
    expect_all();
    auto names = files("segments");
    names.pop_back();  // the last one has no index yet
    for (const std::string& name : names) disk().contents("segments/" + name)->back() ^= 1;
    kill();
    ASSERT_EQ(start(), "ok") << damage;
    log(1, large);
  }
  expect_all();
}

TEST_F(a_queues_log, holes_grow_as_more_is_settled) {
  fill(600, large);
  cursor(1);
  for (int64_t i = 1; i < 140; i += 2) done(1, i, i + 1);
  pass(20'000);
  EXPECT_TRUE(store().find(StreamId(1))->state().holes.empty()) << "every other record is not done";
  for (int64_t i = 2; i < 140; i += 2) done(1, i, i + 1);
  pass(20'000);
  ASSERT_EQ(store().find(StreamId(1))->state().holes.size(), 1u);
  done(1, 140, 220);
  pass(20'000);
  ASSERT_EQ(store().find(StreamId(1))->state().holes.size(), 1u);
  EXPECT_EQ(store().find(StreamId(1))->state().holes[0].last, Offset(220));
}

TEST_F(a_queues_log, has_holes_only_where_every_cursor_has_settled) {
  fill(600, large);
  cursor(1);
  cursor(2);
  done(1, 1, 600);
  pass(20'000);
  EXPECT_TRUE(store().find(StreamId(1))->state().holes.empty());
  done(2, 100, 200);
  pass(20'000);
  ASSERT_EQ(store().find(StreamId(1))->state().holes.size(), 1u);
  EXPECT_GE(store().find(StreamId(1))->state().holes[0].first, Offset(100));
  EXPECT_LE(store().find(StreamId(1))->state().holes[0].last, Offset(200));
  // Whoever comes later, or goes back, is not given what is gone.
  EXPECT_TRUE(cursor(3).is_done(Offset(150)));
  store().change(CursorId(1), {Offset(50), Offset(50), Change::Kind::seek});
  EXPECT_FALSE(cursor(1).is_done(Offset(99)));
  EXPECT_TRUE(cursor(1).is_done(Offset(150)));
  settle();
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_FALSE(cursor(1).is_done(Offset(99)));
  EXPECT_TRUE(cursor(1).is_done(Offset(150)));
  EXPECT_TRUE(cursor(3).is_done(Offset(150)));
}

TEST_F(a_queues_log, is_not_punched_while_a_slice_of_it_is_out) {
  fill(300, large);
  cursor(1);
  auto slice = store().find(StreamId(1))->read(Offset(0), 200 * KiB);
  ASSERT_TRUE(slice);
  for (uint64_t other = 2; other < 8; ++other) append(other, "x"), settle();  // its file is closed meanwhile
  done(1, 1, 300);
  pass(20'000);
  ASSERT_FALSE(store().find(StreamId(1))->state().holes.empty());
  Bytes bytes(slice->range.length);
  ASSERT_TRUE(slice->range.file->read(slice->range.at, bytes));
  EXPECT_EQ(records_in(bytes).find("cut"), std::string::npos);
  uint64_t before = space();
  slice = Slice{};
  pass(20'000);
  EXPECT_LT(space(), before - 150);
}

TEST_F(a_queues_log, seals_a_segment_that_is_not_full_when_only_a_little_of_it_is_not_done) {
  fill(2000, {.segment_bytes = 16 * MiB, .remove_old = false, .trim_to_cursors = true});
  cursor(1);
  done(1, 1, 2000);
  pass(30'000);
  EXPECT_LT(space(), 20u);
  EXPECT_EQ(append(1, "next"), "2000");
  settle();
  EXPECT_EQ(read_all(1), "0:r 2000:next");
  kill();
  EXPECT_EQ(check(), "whole");
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(read_all(1), "0:r 2000:next");
}

TEST_F(a_queues_log, at_level_os_is_punched_only_when_a_checkpoint_knows_where_its_segments_end) {
  LogSettings os = large;
  os.durability = Durability::os;
  fill(600, os);
  cursor(1);
  done(1, 1, 600);
  pass(20'000);
  ASSERT_FALSE(store().find(StreamId(1))->state().holes.empty());
  uint64_t before = space();
  EXPECT_GT(before, 600u);
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(check(), "whole");
  EXPECT_EQ(bounds(1), "0..600..600");
  log(1, os);
  pass(20'000);
  EXPECT_LT(space(), 140u) << "a start covers it all";
}

TEST_F(a_queues_log, never_gives_an_offset_again_that_counts_as_settled) {
  LogSettings os = queue;
  os.durability = Durability::os;
  for (int round = 0; round < 40; ++round) {
    log(1, os);
    AckCursor& c = cursor(1);
    Offset end = store().find(StreamId(1))->bounds().end;
    EXPECT_LE(c.done_end(), end);
    for (int i = 0; i < 8; ++i) append(1, {.values = {"r"}, .pad = 500});
    if (round % 2) settle();
    done(1, end.value + 1, end.value + 2 + round % 7);
    lose_power();
    EXPECT_EQ(check(), "whole");
    ASSERT_EQ(start(), "ok") << damage;
  }
}

TEST_F(a_queues_log, offers_no_cursor_what_power_loss_took) {
  LogSettings os = queue;
  os.durability = Durability::os;
  int lost = 0;
  for (int round = 0; round < 40; ++round) {
    log(1, os);
    cursor(1);
    cursor(2);
    Offset end = store().find(StreamId(1))->bounds().end;
    for (int i = 0; i < 8; ++i) append(1, {.values = {"r"}, .pad = 500});
    done(1, end.value, end.value + 8);
    lose_power();
    ASSERT_EQ(start(), "ok") << damage;
    end = log(1, os).bounds().end;
    while (auto taken = cursor(2).take(end, HolderId(1))) {
      std::string n = std::to_string(taken->offset.value);
      EXPECT_EQ(read(1, taken->offset.value, 1), n + ":r");
    }
    lost += static_cast<int>(cursor(2).done_count());
  }
  EXPECT_GT(lost, 0) << "nothing was ever lost";
}

TEST_F(a_queues_log, at_level_os_knows_its_producers_after_it_was_drained) {
  LogSettings os = queue;
  os.durability = Durability::os;
  log(1, os);
  cursor(1);
  auto send = [&](int32_t sequence) {
    return append(1, BatchOf{.values = {"r"}, .producer = 5, .sequence = sequence, .pad = 1500});
  };
  for (int32_t n = 0; n < 6; ++n) EXPECT_EQ(send(n), std::to_string(n));
  EXPECT_TRUE(wait(store().checkpoint()));
  for (int32_t n = 6; n < 10; ++n) EXPECT_EQ(send(n), std::to_string(n));
  settle();
  done(1, 0, 10);
  pass(10'000);
  EXPECT_EQ(segments(), 0u);
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(send(9), "9") << "it was sent again";
  EXPECT_EQ(send(10), "10");
  EXPECT_EQ(send(12), "out_of_order");
}

}  // namespace
}  // namespace naru
