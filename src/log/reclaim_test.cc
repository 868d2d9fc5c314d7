// What a queue's log gives back: segments below every floor.
#include "log/reclaim.h"

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
    settle();
  }
  size_t segments() { return files("segments").size(); }
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

}  // namespace
}  // namespace naru
