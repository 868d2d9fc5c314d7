// One log: what can be appended and read, and what goes.
#include "log/engine_testing.h"

namespace naru {
namespace {

class LogTest : public ::testing::Test, public Engine {
 protected:
  LogTest() {
    EXPECT_EQ(start(), "ok");
    set({});
  }
  /// Appends and waits until it is readable.
  std::string put(const BatchOf& of) {
    std::string got = append(1, of);
    settle();
    return got;
  }
  std::string put(const std::string& value) { return put(BatchOf{.values = {value}}); }
  Log& it() { return *store().find(StreamId(1)); }
  void set(const LogSettings& settings) { log(1, settings); }
  std::string find_time(int64_t timestamp) { return found(it().find_time(timestamp)); }
  std::string max_time() { return found(it().find_time(std::nullopt)); }
  static std::string found(const Result<MaybeRecord>& of) {
    if (!of) return outcome(of.error());
    if (!*of) return "none";
    return std::to_string((*of)->offset.value) + "@" + std::to_string((*of)->timestamp);
  }
  std::string trim(int64_t offset) {
    auto trimmed = it().trim(Offset(offset));
    settle();
    return trimmed ? "ok" : outcome(trimmed.error());
  }
  size_t segments() { return it().state().segments.size(); }
  int64_t wall() { return loop().wall(); }
};
using a_log = LogTest;

TEST_F(a_log, offsets_count_records_and_a_read_begins_with_the_batch_that_holds_the_offset) {
  EXPECT_EQ(put({.values = {"a", "b"}}), "0");
  EXPECT_EQ(put({.values = {"c", "d", "e"}}), "2");
  EXPECT_EQ(bounds(1), "0..5..5");
  EXPECT_EQ(read(1, 0), "0:a 1:b 2:c 3:d 4:e");
  EXPECT_EQ(read(1, 1), "0:a 1:b 2:c 3:d 4:e");
  EXPECT_EQ(read(1, 3), "2:c 3:d 4:e");
  EXPECT_EQ(read(1, 5), "");
  EXPECT_EQ(read(1, 6), "out_of_range");
}

TEST_F(a_log, only_what_is_durable_can_be_read) {
  append(1, "a");
  EXPECT_EQ(bounds(1), "0..0..1");
  EXPECT_EQ(read(1, 0), "");
  EXPECT_EQ(read(1, 1), "out_of_range");
  settle();
  EXPECT_EQ(bounds(1), "0..1..1");
}

TEST_F(a_log, the_first_batch_comes_whole_however_small_the_limit) {
  put({.values = {"a", "b"}, .pad = 500});
  put("c");
  EXPECT_EQ(read(1, 0, 1), "0:a 1:b");
  EXPECT_EQ(read(1, 0, 0), "0:a 1:b");
}

TEST_F(a_log, a_limit_below_the_index_step_still_brings_as_many_batches_as_fit) {
  for (int i = 0; i < 10; ++i) append(1, {.values = {std::to_string(i)}, .pad = 900});
  settle();
  EXPECT_EQ(read(1, 0, 4000), "0:0 1:1 2:2 3:3");
}

TEST_F(a_log, a_limit_never_cuts_a_batch) {
  set({.segment_bytes = 1 * MiB});
  for (int i = 0; i < 200; ++i) append(1, {.values = {std::to_string(i)}, .pad = 900}), settle();
  for (uint64_t limit : {5000u, 33'000u, 70'000u, 150'000u}) {
    std::string got = read(1, 3, limit);
    EXPECT_EQ(got.find("cut"), std::string::npos) << limit;
    EXPECT_TRUE(got.starts_with("3:3 ")) << got;
  }
}

TEST_F(a_log, reading_goes_on_from_segment_to_segment) {
  set({.segment_bytes = 150});
  for (const char* v : {"a", "b", "c", "d", "e", "f"}) put(v);
  EXPECT_GT(segments(), 2u);
  EXPECT_EQ(read_all(1), "0:a 1:b 2:c 3:d 4:e 5:f");
}

TEST_F(a_log, rolls_by_time) {
  set({.segment_ms = 100});
  put({.values = {"a"}, .timestamp = 1000});
  put({.values = {"b"}, .timestamp = 1099});
  EXPECT_EQ(segments(), 1u);
  put({.values = {"c"}, .timestamp = 1100});
  EXPECT_EQ(segments(), 2u);
}

TEST_F(a_log, with_jitter_logs_roll_earlier_each_at_another_age) {
  std::set<int64_t> ages;
  for (uint64_t stream = 1; stream <= 20; ++stream) {
    log(stream, {.segment_ms = 1000, .segment_jitter_ms = 500});
    append(stream, {.values = {"a"}, .timestamp = 1});
    for (int64_t age = 0; log(stream, {.segment_ms = 1000, .segment_jitter_ms = 500}).state().segments.size() == 1;
         age += 20) {
      append(stream, {.values = {"b"}, .timestamp = 1 + age});
      if (store().find(StreamId(stream))->state().segments.size() > 1) ages.insert(age);
    }
  }
  EXPECT_GE(*ages.begin(), 500);
  EXPECT_LE(*ages.rbegin(), 1000);
  EXPECT_GT(ages.size(), 5u);
}

TEST_F(a_log, timestamps_from_hell_break_nothing) {
  set({.retention_ms = 1000, .segment_ms = 100});
  for (int64_t t : {INT64_MAX, int64_t{0}, INT64_MIN + 1, INT64_MAX - 1}) put({.values = {"x"}, .timestamp = t});
  ASSERT_TRUE(it().retain(wall()));
  settle();
  EXPECT_EQ(it().state().segments.front().max_timestamp, INT64_MAX) << "what is from the future is not old";
}

TEST_F(a_log, time_lookup_finds_the_first_record_that_is_not_older_though_times_go_back_and_forth) {
  put({.values = {"a"}, .timestamp = 100});
  put({.values = {"b"}, .timestamp = 300});
  put({.values = {"c"}, .timestamp = 200});
  put({.values = {"d"}, .timestamp = 300});
  EXPECT_EQ(find_time(0), "0@100");
  EXPECT_EQ(find_time(150), "1@300");
  EXPECT_EQ(find_time(300), "1@300");
  EXPECT_EQ(find_time(301), "none");
  EXPECT_EQ(max_time(), "1@300");
}

TEST_F(a_log, time_lookup_sees_neither_what_is_trimmed_nor_what_is_not_durable) {
  put({.values = {"a"}, .timestamp = 900});
  put({.values = {"b"}, .timestamp = 500});
  put({.values = {"c"}, .timestamp = 600});
  ASSERT_EQ(trim(1), "ok");
  EXPECT_EQ(find_time(700), "none");
  EXPECT_EQ(max_time(), "2@600") << "the greatest time of the segment belongs to a record that is gone";
  append(1, {.values = {"d"}, .timestamp = 950});
  EXPECT_EQ(find_time(700), "none");
  EXPECT_EQ(max_time(), "2@600");
  settle();
  EXPECT_EQ(max_time(), "3@950");
}

TEST_F(a_log, time_lookup_takes_a_little_at_a_time_and_ends_though_the_log_grows) {
  for (bool grows : {false, true}) {
    int64_t first = it().bounds().end.value;
    put({.values = {"a"}, .timestamp = 90'000 + first});
    for (int i = 1; i <= 40; ++i) put({.values = {"x"}, .timestamp = 60'000 + first + i % 30, .pad = MiB});
    ASSERT_EQ(trim(first + 1), "ok");
    TimeSearch search(std::nullopt);
    int looks = 0;
    for (; looks < 100; ++looks) {
      auto here = it().find_time(search);
      if (here || here.error().code != Code::busy) break;
      if (grows) put({.values = {"new"}, .timestamp = 200'000 + looks});
      search.look();
    }
    EXPECT_GE(looks, 6) << "what is trimmed was the newest: first it is looked for, then the newest of all";
    EXPECT_LE(looks, 20);
    std::string newest = found(it().find_time(search));
    if (!grows) EXPECT_EQ(newest, std::to_string(first + 29) + "@" + std::to_string(60'000 + first + 29));
    if (grows) EXPECT_EQ(newest.find("none"), std::string::npos);
  }
}

TEST_F(a_log, greatest_time_across_segments_is_the_first_of_its_kind) {
  set({.segment_bytes = 150});
  for (int64_t t : {100, 800, 300, 800, 700}) put({.values = {"x"}, .timestamp = t});
  EXPECT_GT(segments(), 2u);
  EXPECT_EQ(max_time(), "1@800");
}

TEST_F(a_log, trimming_moves_the_begin_and_lets_whole_segments_go) {
  set({.segment_bytes = 150});
  for (const char* v : {"a", "b", "c", "d"}) put(v);
  size_t before = files("segments").size();
  EXPECT_EQ(trim(3), "ok");
  EXPECT_EQ(bounds(1), "3..4..4");
  EXPECT_EQ(read(1, 2), "out_of_range");
  EXPECT_EQ(read(1), "3:d");
  EXPECT_LT(files("segments").size(), before);
  EXPECT_EQ(trim(1), "ok") << "below the begin there is nothing to do";
  EXPECT_EQ(bounds(1), "3..4..4");
  EXPECT_EQ(trim(5), "out_of_range");
  EXPECT_EQ(trim(4), "ok");
  EXPECT_EQ(bounds(1), "4..4..4");
  EXPECT_EQ(put("e"), "4");
  EXPECT_EQ(read_all(1), "4:e");
}

TEST_F(a_log, what_is_not_durable_cannot_be_trimmed) {
  append(1, "a");
  auto trimmed = it().trim(Offset(1));
  ASSERT_FALSE(trimmed);
  EXPECT_EQ(outcome(trimmed.error()), "out_of_range");
}

TEST_F(a_log, retention_by_time_takes_old_segments_and_the_active_one_too) {
  set({.retention_ms = 1000, .segment_bytes = 150});
  int64_t old = wall() - 5000;
  put({.values = {"a"}, .timestamp = old});
  put({.values = {"b"}, .timestamp = old});
  put({.values = {"c"}, .timestamp = wall() + 60'000});
  auto next = it().retain(wall());
  settle();
  EXPECT_EQ(read_all(1), "2:c");
  ASSERT_TRUE(next);
  EXPECT_GT(*next, wall());
  ASSERT_TRUE(it().retain(wall() + 100'000));
  settle();
  EXPECT_EQ(bounds(1), "3..3..3");
}

TEST_F(a_log, retention_by_size_keeps_at_least_that_much) {
  set({.retention_ms = -1, .retention_bytes = 2000, .segment_bytes = 1000});
  for (int i = 0; i < 10; ++i) put({.values = {"x"}, .pad = 900});
  ASSERT_TRUE(it().retain(wall()));
  settle();
  EXPECT_GE(it().state().bytes(), 2000u);
  EXPECT_LT(it().state().bytes(), 4000u);
}

TEST_F(a_log, a_producer_that_repeats_itself_gets_the_first_answer) {
  BatchOf batch{.values = {"a", "b"}, .producer = 9, .sequence = 0};
  EXPECT_EQ(put(batch), "0");
  EXPECT_EQ(put(batch), "0");
  batch.sequence = 5;
  EXPECT_EQ(put(batch), "out_of_order");
  EXPECT_EQ(bounds(1), "0..2..2");
}

TEST_F(a_log, epochs_tell_where_each_run_began) {
  int32_t first = manifest.epoch;
  put("a");
  put("b");
  kill();
  ASSERT_EQ(start(), "ok");
  EXPECT_GT(manifest.epoch, first);
  set({});
  put("c");
  EXPECT_EQ(it().epoch_at(Offset(1)), first);
  EXPECT_EQ(it().epoch_at(Offset(2)), manifest.epoch);
  EXPECT_EQ(it().end_of_epoch(first).start, Offset(2));
  EXPECT_EQ(it().end_of_epoch(manifest.epoch).start, Offset(3));
  EXPECT_EQ(it().end_of_epoch(first - 1).epoch, -1);
}

TEST_F(a_log, another_level_on_an_empty_segment_does_not_begin_it_twice) {
  set({.retention_ms = 60'000});
  put({.values = {"a"}, .timestamp = wall() - 100'000});
  ASSERT_TRUE(it().retain(wall()));  // all is old: the log goes on in an empty segment
  settle();
  set({.durability = Durability::os, .retention_ms = 60'000});
  put({.values = {"b"}, .timestamp = wall()});
  EXPECT_EQ(segments(), 1u);
  ASSERT_TRUE(it().retain(wall()));
  settle();
  EXPECT_EQ(read_all(1), "1:b");
  kill();
  EXPECT_EQ(start(), "ok") << damage;
  EXPECT_EQ(read_all(1), "1:b");
}

TEST_F(a_log, at_level_os_a_record_can_be_read_once_it_is_confirmed_whatever_else_waits) {
  set({.durability = Durability::os});
  log(2);
  append(1, {.values = {"a"}});
  append(2, {.values = {"x"}, .pad = 40'000});  // another file of the journal, so another write
  append(1, {.values = {"b"}});
  auto confirmed = it().last_position();
  loop().run([&] { return store().journal().durable() >= confirmed; });
  EXPECT_EQ(bounds(1), "0..2..2");
}

TEST_F(a_log, compacted_segments_stand_for_what_they_replace_even_right_below_the_high_watermark) {
  set({.segment_bytes = 100});
  put("a");
  put("b");
  ASSERT_TRUE(it().roll());
  settle();
  // The round that a compaction makes, by hand: both segments in one file, the second record gone.
  Bytes first = batch_of({.values = {"a"}});
  Segment fresh{.base = Offset(0),
                .bytes = first.size(),
                .max_timestamp = 1000,
                .first_timestamp = 1000,
                .version = 1,
                .sealed = true};
  auto file = *disk().open(segment_path({StreamId(1), Offset(0), 1}), io::Open::create_new);
  ASSERT_TRUE(file->write(0, first));
  store().replace(it(), Offset(0), Offset(1), {fresh});
  settle();
  EXPECT_EQ(read(1, 0), "0:a");
  EXPECT_EQ(read(1, 1), "");
  EXPECT_EQ(bounds(1), "0..2..2");
  put("c");
  EXPECT_EQ(read_all(1), "0:a 2:c");
}

struct Listener final : ReadWaiter {
  void on_readable(uint64_t bytes) override { readable += bytes; }
  void on_gone() override { gone = true; }
  uint64_t readable = 0;
  bool gone = false;
};

TEST_F(a_log, who_waits_is_told_of_more_and_of_the_end) {
  Listener listener;
  it().add_waiter(&listener);
  append(1, "a");
  EXPECT_EQ(listener.readable, 0u);
  settle();
  EXPECT_EQ(listener.readable, batch_of({.values = {"a"}}).size());
  store().drop(StreamId(1));
  EXPECT_TRUE(listener.gone);
  settle();
}

TEST_F(a_log, what_says_no_time_expires_by_when_it_was_written) {
  set({.retention_ms = 60'000, .segment_bytes = 150});
  for (const char* value : {"a", "b", "c"}) put({.values = {value}, .timestamp = no_timestamp});
  auto next = it().retain(wall());
  ASSERT_TRUE(next);
  EXPECT_GT(*next, wall());
  EXPECT_LE(*next, wall() + 60'000);
  EXPECT_EQ(bounds(1), "0..3..3");
  ASSERT_TRUE(it().retain(wall() + 60'001));
  settle();
  EXPECT_EQ(bounds(1), "3..3..3");

  put({.values = {"d"}, .timestamp = no_timestamp});
  kill();
  ASSERT_EQ(start(), "ok");
  set({.retention_ms = 60'000});
  ASSERT_TRUE(it().retain(wall()));
  EXPECT_EQ(bounds(1), "3..4..4");
  ASSERT_TRUE(it().retain(wall() + 60'001));
  settle();
  EXPECT_EQ(bounds(1), "4..4..4");
}

}  // namespace
}  // namespace naru
