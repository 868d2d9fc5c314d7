// All logs of a core together: checkpoints, tables, cursors, dropping, the full disk, the failing one.
#include "log/store.h"

#include "log/compactor.h"
#include "log/engine_testing.h"

namespace naru {
namespace {

class StoreTest : public ::testing::Test, public Engine {
 protected:
  StoreTest() { EXPECT_EQ(start(), "ok"); }
  std::string put(uint64_t stream, const std::string& value, size_t pad = 0) {
    std::string got = append(stream, {.values = {value}, .pad = pad});
    settle();
    return got;
  }
  std::string row(std::string_view key) {
    auto* value = store().table(3).find(key);
    return value ? *value : "none";
  }
  std::string checkpoint() {
    auto stored = wait(store().checkpoint());
    return stored ? "ok" : outcome(stored.error());
  }
};
using a_store = StoreTest;

TEST_F(a_store, comes_back_as_it_was_after_a_kill) {
  put(1, "a");
  put(2, "x");
  put(1, "b");
  store().table(3).put("k", "v");
  settle();
  kill();
  ASSERT_EQ(start(), "ok");
  EXPECT_EQ(read_all(1), "0:a 1:b");
  EXPECT_EQ(read_all(2), "0:x");
  EXPECT_EQ(row("k"), "v");
  EXPECT_FALSE(facts.clean);
}

TEST_F(a_store, replays_nothing_after_a_clean_end) {
  for (int i = 0; i < 50; ++i) append(1 + i % 3, "v");
  ASSERT_EQ(end_cleanly(), "ok");
  int32_t epoch = manifest.epoch;
  ASSERT_EQ(start(), "ok");
  EXPECT_TRUE(facts.clean);
  EXPECT_EQ(facts.entries, 0u);
  EXPECT_EQ(manifest.epoch, epoch) << "readers need not look whether something was lost";
  EXPECT_EQ(bounds(1), "0..17..17");
}

TEST_F(a_store, a_checkpoint_bounds_what_the_next_start_replays) {
  for (int i = 0; i < 300; ++i) put(1, "v", 1000);
  EXPECT_GE(store().counters().checkpoints, 3u);
  kill();
  ASSERT_EQ(start(), "ok");
  EXPECT_LT(facts.bytes, 3 * settings.journal.file_bytes);
  EXPECT_EQ(bounds(1), "0..300..300");
}

TEST_F(a_store, a_log_whose_first_batch_begins_a_new_journal_file_survives) {
  // The checkpoint is made between the log's first segment and its first batch, wherever the file happens to end.
  for (uint64_t fill = 0; fill < 16; ++fill) {
    for (uint64_t i = 0; i < fill; ++i) put(1, "filler", 900 + fill);
    append(100 + fill, {.values = {"first"}, .pad = 17'000});
    append(200 + fill, {.values = {"second"}, .pad = 17'000});
    settle();
  }
  settle();
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  for (uint64_t fill = 0; fill < 16; ++fill) {
    EXPECT_EQ(read_all(100 + fill), "0:first");
    EXPECT_EQ(read_all(200 + fill), "0:second");
  }
}

TEST_F(a_store, row_changes_happen_together_or_not_at_all) {
  for (int cut = 0; cut < 12; ++cut) {
    std::string value = std::to_string(cut);
    RowChange changes[] = {{"left", value}, {"right", value}};
    store().table(3).change(changes);
    disk().lose_power_in(cut);
    settle();
    lose_power();
    ASSERT_EQ(start(), "ok") << damage;
    EXPECT_EQ(row("left"), row("right"));
  }
}

TEST_F(a_store, a_dropped_log_is_gone_with_its_files) {
  put(1, "a");
  put(2, "b");
  store().drop(StreamId(1));
  EXPECT_EQ(store().find(StreamId(1)), nullptr);
  settle();
  EXPECT_EQ(files("segments").size(), 1u);
  kill();
  ASSERT_EQ(start(), "ok");
  EXPECT_EQ(store().find(StreamId(1)), nullptr);
  EXPECT_EQ(read_all(2), "0:b");
}

TEST_F(a_store, dropping_while_batches_and_a_checkpoint_are_on_their_way_does_no_harm) {
  for (int round = 0; round < 8; ++round) {
    uint64_t stream = 10 + round;
    for (int i = 0; i < 30; ++i) append(stream, {.values = {"v"}, .pad = 1000});
    for (int i = 0; i < round; ++i) loop().turn();
    store().drop(StreamId(stream));
    append(1, "kept");
    settle();
  }
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(store().logs().size(), 1u);
  EXPECT_EQ(bounds(1), "0..8..8");
}

TEST_F(a_store, a_slice_outlives_its_log) {
  put(1, "a");
  auto slice = log(1).read(Offset(0), 1000);
  ASSERT_TRUE(slice);
  store().drop(StreamId(1));
  settle();
  Bytes bytes(slice->range.length);
  ASSERT_TRUE(slice->range.file->read(slice->range.at, bytes));
  EXPECT_EQ(records_in(bytes), "0:a");
}

TEST_F(a_store, another_number_of_cores_keeps_everything) {
  for (uint32_t next : {3u, 2u, 5u, 1u}) {
    for (uint64_t stream = 1; stream <= 12; ++stream) append(stream, "v");
    for (uint32_t shard = 0; shard < 8; ++shard) store(shard % cores).table(shard).put("row", std::to_string(cores));
    settle();
    if (next % 2) {
      kill();
    } else {
      ASSERT_EQ(end_cleanly(), "ok");
    }
    cores = next;
    ASSERT_EQ(start(), "ok") << damage;
  }
  for (uint64_t stream = 1; stream <= 12; ++stream) EXPECT_EQ(bounds(stream), "0..4..4");
  for (uint32_t shard = 0; shard < 8; ++shard) EXPECT_EQ(*store().table(shard).find("row"), "5");
}

TEST_F(a_store, a_cursor_survives_and_begins_where_its_log_did) {
  for (const char* v : {"a", "b", "c", "d"}) put(1, v);
  ASSERT_TRUE(log(1).trim(Offset(2)));
  store().cursor(CursorId(5), StreamId(1));
  store().change(CursorId(5), {Offset(3), Offset(4), Change::Kind::settle});
  settle();
  kill();
  ASSERT_EQ(start(), "ok");
  AckCursor& cursor = store().cursor(CursorId(5), StreamId(1));
  EXPECT_EQ(cursor.floor(), Offset(2)) << "what was trimmed before is nobody's to take";
  EXPECT_TRUE(cursor.is_done(Offset(3)));
}

TEST_F(a_store, what_was_noted_of_takes_survives) {
  for (const char* v : {"a", "b", "c", "d"}) put(1, v);
  AckCursor& before = store().cursor(CursorId(5), StreamId(1));
  before.take(Offset(4), HolderId(1), 5000);
  store().note_taken(CursorId(5), {Offset(0), Offset(1), 1, 4000, 5000});
  store().note_taken(CursorId(5), {Offset(2), Offset(4), 0, 0, 9000});
  store().note_taken(CursorId(6), {Offset(2), Offset(4), 0, 0, 9000});  // of nobody
  settle();
  for (bool clean : {false, true, false}) {
    if (clean) {
      ASSERT_EQ(end_cleanly(), "ok");
    } else {
      kill();
    }
    ASSERT_EQ(start(), "ok") << damage;
    AckCursor& cursor = store().cursor(CursorId(5), StreamId(1));
    EXPECT_EQ(cursor.held(Offset(0))->attempt, 1u);
    EXPECT_EQ(cursor.held(Offset(0))->deadline_ms, 5000);
    EXPECT_EQ(cursor.counts(Offset(4)).delayed, 2);
    EXPECT_EQ(cursor.counts(Offset(4)).ready, 1);
  }
}

TEST_F(a_store, level_os_survives_a_kill_and_keeps_its_offsets_after_power_loss) {
  LogSettings os{.durability = Durability::os, .segment_bytes = 2000};
  for (int round = 0; round < 12; ++round) {
    uint64_t stream = 20 + round;
    log(stream, os);
    for (int i = 0; i < 15; ++i) append(stream, {.values = {std::to_string(i)}, .pad = 300}), settle();
    std::string all = read_all(stream);
    if (round % 2) {
      kill();
      ASSERT_EQ(start(), "ok") << damage;
      EXPECT_EQ(read_all(stream), all);
    } else {
      lose_power();
      ASSERT_EQ(start(), "ok") << damage;
      // What survived is at its own offset, in order; the end of a segment may be missing before the next one.
      std::istringstream left(store().find(StreamId(stream)) ? read_all(stream) : "");
      int64_t last = -1;
      for (std::string one; left >> one;) {
        EXPECT_NE((" " + all + " ").find(" " + one + " "), std::string::npos) << one;
        EXPECT_GT(std::stoll(one), last);
        last = std::stoll(one);
      }
    }
  }
}

TEST_F(a_store, between_the_levels_nothing_is_lost_but_what_os_may_lose) {
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 4; ++i) {
      log(1, {.durability = i % 2 ? Durability::os : Durability::sync});
      append(1, {.values = {"v"}, .pad = 200});
      append(1, {.values = {"w"}, .pad = 200});
      for (int turns = 0; turns < round; ++turns) loop().turn();
    }
    settle();
    lose_power();
    ASSERT_EQ(start(), "ok") << damage;
    ASSERT_EQ(read_all(1).find("corrupt"), std::string::npos);
  }
}

TEST_F(a_store, a_full_disk_refuses_writes_serves_reads_and_heals) {
  put(1, "a", 1000);
  disk().set_space(0);
  std::string refused;
  for (int i = 0; i < 40 && refused != "full"; ++i) refused = append(1, {.values = {"b"}, .pad = 2000}), settle();
  EXPECT_EQ(refused, "full");
  EXPECT_EQ(append(1, {.values = {"c"}, .pad = 5000}), "full");
  EXPECT_EQ(read(1, 0, 1), "0:a");
  EXPECT_TRUE(fatal.empty());
  disk().set_space(UINT64_MAX);
  settle();
  EXPECT_FALSE(store().is_full());
  std::string offset = put(1, "d");
  EXPECT_EQ(bounds(1), "0.." + std::to_string(std::stoi(offset) + 1) + ".." + std::to_string(std::stoi(offset) + 1));
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_TRUE(read_all(1).ends_with(offset + ":d"));
}

TEST_F(a_store, more_logs_than_open_files_are_read_while_they_grow) {
  constexpr int logs = 12, rounds = 60;  // three times open_files_max
  std::map<int, int64_t> read_up_to;
  for (int round = 0; round < rounds; ++round) {
    for (int i = 1; i <= logs; ++i) append(i, {.values = {"v"}, .pad = 2000});
    for (int turns = round % 5; turns > 0; --turns) loop().turn();  // some appends are on their way still
    for (int i = 1; i <= logs; ++i) {
      Log* log = store().find(StreamId(i));
      for (int64_t& at = read_up_to[i]; at < log->bounds().high_watermark.value; ++at)
        EXPECT_EQ(read(i, at, 1), std::to_string(at) + ":v");
    }
    EXPECT_LE(store().files().open_count(), settings.open_files_max);
  }
  settle();
  for (int i = 1; i <= logs; ++i) EXPECT_EQ(bounds(i), "0..60..60");
}

TEST_F(a_store, on_a_full_disk_a_checkpoint_says_so_instead_of_waiting_for_ever) {
  put(1, "a");
  disk().set_space(0);
  store().table(3).put("k", std::string(40'000, 'x'));
  loop().run_for(100);
  ASSERT_TRUE(store().is_full());
  EXPECT_EQ(checkpoint(), "full");
}

TEST_F(a_store, a_disk_that_gets_full_at_the_very_end_does_not_hold_the_end_up) {
  put(1, "a");
  disk().set_space(0);
  store().table(3).put("k", std::string(40'000, 'x'));  // finds out only on its way
  EXPECT_EQ(checkpoint(), "full");
  auto abandoned = store().abandon();
  loop().run_for(5000);
  EXPECT_TRUE(abandoned.done());
  disk().set_space(UINT64_MAX);
  loop().run_for(5000);
  EXPECT_EQ(store().journal().durable() < store().journal().end(), true) << "it went on writing";
  kill();
  ASSERT_EQ(start(), "ok");
  EXPECT_EQ(read(1), "0:a");
}

TEST_F(a_store, a_checkpoint_without_space_is_tried_again) {
  for (int i = 0; i < 20; ++i) put(1, "v", 1000);
  uint64_t before = store().counters().checkpoints;
  disk().set_space(0);
  for (int i = 0; i < 40; ++i) store().table(3).put("k", std::string(700, 'x')), loop().run_for(20);
  disk().set_space(UINT64_MAX);
  settle();
  EXPECT_GT(store().counters().checkpoints, before);
  EXPECT_TRUE(fatal.empty());
  for (const std::string& name : files("journal")) EXPECT_FALSE(name.ends_with(".new")) << name;
}

TEST(store, a_checkpoint_that_is_tried_again_says_no_more_than_the_journal_has) {
  for_each_seed(400, [](uint64_t seed) {
    Engine engine(seed);
    Prng random(seed);
    ASSERT_EQ(engine.start(), "ok");
    engine.append(1, "v");
    engine.settle();
    engine.disk().set_out_of_files(true);
    for (int i = 0; i < 40; ++i) {
      engine.store().table(3).put("k", std::string(900, 'x'));
      engine.loop().run_for(5);
    }
    engine.disk().set_out_of_files(false);
    // Around the time of the second try the journal goes on to its next file, and power goes.
    engine.loop().run_for(random.below(1000));
    for (int i = 0; i < 40; ++i) engine.append(1, {.values = {"w"}, .pad = 1000});
    for (uint64_t turns = random.below(12); turns > 0; --turns) engine.loop().turn();
    engine.lose_power();
    ASSERT_EQ(engine.start(), "ok") << engine.damage;
    engine.append(1, "x");
    engine.settle();
    EXPECT_TRUE(engine.read_all(1).starts_with("0:v")) << engine.read_all(1);
    EXPECT_TRUE(engine.read_all(1).ends_with(":x")) << engine.read_all(1);
  });
}

TEST_F(a_store, without_descriptors_it_waits_instead_of_ending) {
  for (int i = 0; i < 5; ++i) put(1, "v", 1000);
  disk().set_out_of_files(true);
  for (int i = 0; i < 80; ++i) store().table(3).put("k", std::string(700, 'x')), loop().run_for(20);
  EXPECT_TRUE(fatal.empty());
  disk().set_out_of_files(false);
  settle();
  EXPECT_EQ(put(1, "w"), "5");
  EXPECT_TRUE(fatal.empty());
  kill();
  ASSERT_EQ(start(), "ok");
  EXPECT_EQ(row("k").size(), 700u);
}

TEST_F(a_store, a_failed_sync_is_fatal_and_nothing_is_confirmed_after_it) {
  put(1, "a");
  disk().fail_sync_in(0);
  append(1, "b");
  settle();
  ASSERT_EQ(fatal.size(), 1u);
  EXPECT_EQ(fatal[0].code, Code::io);
  EXPECT_EQ(bounds(1), "0..1..2");
  append(1, "c");
  settle();
  EXPECT_EQ(bounds(1), "0..1..3");
  EXPECT_EQ(fatal.size(), 1u) << "said once";
}

TEST_F(a_store, a_failed_sync_of_a_checkpoint_is_fatal_too) {
  append(1, "a");
  settle();
  disk().fail_sync_in(0);
  EXPECT_EQ(checkpoint(), "io");
  EXPECT_EQ(fatal.size(), 1u);
}

TEST_F(a_store, compacts_nothing_that_is_not_durable_yet) {
  log(1, {.compact = true});
  put(1, "k");
  append(1, "k");  // on its way when its segment is sealed
  ASSERT_TRUE(log(1, {.compact = true}).roll());
  auto freed = wait(compact(store(), StreamId(1), 64 * KiB, HashSecret{}));
  ASSERT_TRUE(freed) << freed.error().reason;
  EXPECT_EQ(*freed, 0u);
  settle();
  EXPECT_EQ(read_all(1), "0:k 1:k");
  freed = wait(compact(store(), StreamId(1), 64 * KiB, HashSecret{}));
  ASSERT_TRUE(freed) << freed.error().reason;
  EXPECT_GT(*freed, 0u);
  EXPECT_EQ(read_all(1), "1:k");
  settle();
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(read_all(1), "1:k");
}

TEST_F(a_store, compaction_keeps_the_headers_of_the_batches_that_a_producer_may_repeat) {
  log(1, {.compact = true});
  auto send = [&](int32_t sequence) {
    std::string got = append(1, {.values = {"k"}, .producer = 9, .sequence = sequence});
    settle();
    return got;
  };
  for (int32_t i = 0; i < 8; ++i) EXPECT_EQ(send(i), std::to_string(i));
  uint64_t batch = log(1, {.compact = true}).state().segments[0].bytes / 8;
  ASSERT_TRUE(log(1, {.compact = true}).roll());
  settle();
  ASSERT_TRUE(wait(compact(store(), StreamId(1), 64 * KiB, HashSecret{})));
  EXPECT_EQ(log(1, {.compact = true}).state().segments[0].bytes, 4 * batch_header_bytes + batch);
  settle();
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(send(3), "3") << "known: it gets the offset that it got";
  EXPECT_EQ(send(8), "8");
}

TEST_F(a_store, compaction_makes_no_segment_of_more_offsets_than_an_index_can_have) {
  Log& log = this->log(1, {.compact = true});
  put(1, "a");
  // As if billions of records had come and gone.
  const_cast<LogState&>(log.state()).end = Offset(5'000'000'000);
  ASSERT_TRUE(log.roll());
  put(1, "b");
  ASSERT_TRUE(log.roll());
  put(1, "b");
  ASSERT_TRUE(wait(compact(store(), StreamId(1), 64 * KiB, HashSecret{})));
  EXPECT_EQ(log.state().segments.size(), 3u);
  EXPECT_EQ(log.state().segments[1].base, Offset(5'000'000'000));
  EXPECT_EQ(read(1, 5'000'000'000), "5000000000:b");
}

TEST_F(a_store, compaction_that_has_no_room_for_new_keys_leaves_what_is_clean_alone) {
  Log& log = this->log(1, {.compact = true});
  put(1, "a"), put(1, "a");
  ASSERT_TRUE(log.roll());
  put(1, "b");
  ASSERT_TRUE(wait(compact(store(), StreamId(1), 64 * KiB, HashSecret{})));
  ASSERT_EQ(log.state().segments[0].version, 1u);
  for (int i = 0; i < 100; ++i) put(1, std::to_string(i));
  ASSERT_TRUE(log.roll());
  put(1, "c");
  auto freed = wait(compact(store(), StreamId(1), 16 * 24, HashSecret{}));
  ASSERT_FALSE(freed);
  EXPECT_EQ(freed.error().code, Code::busy);
  EXPECT_EQ(log.state().segments[0].version, 1u);
}

TEST_F(a_store, segments_of_a_compacted_log_have_no_more_records_than_compaction_has_memory_for) {
  Log& log = this->log(1, {.compact = true});
  BatchOf many{.values = std::vector<std::string>(60'000, "k")};
  for (int i = 0; i < 4; ++i) append(1, many), settle();
  EXPECT_EQ(log.state().segments.size(), 2u);
}

TEST_F(a_store, a_log_is_due_for_compaction_by_ratio_by_age_or_when_it_is_old_enough) {
  auto due = [&](LogSettings settings) {
    settings.compact = true;
    int64_t at = compaction_time(log(1, settings), 10'000);
    return at == io::never ? "never" : std::to_string(at);
  };
  EXPECT_EQ(due({}), "never");  // nothing there
  append(1, {.values = {"a"}, .timestamp = 9000});
  settle();
  EXPECT_EQ(due({}), "never");  // nothing sealed
  ASSERT_TRUE(log(1, {.compact = true}).roll());
  EXPECT_EQ(due({}), "10000");
  EXPECT_EQ(due({.min_cleanable_ratio = 1}), "never");
  EXPECT_EQ(due({.max_compaction_lag_ms = 3000, .min_cleanable_ratio = 1}), "12000");
  EXPECT_EQ(due({.max_compaction_lag_ms = 900, .min_cleanable_ratio = 1}), "10000");
  EXPECT_EQ(due({.min_compaction_lag_ms = 5000}), "14000");
  EXPECT_EQ(compaction_time(log(1, {.compact = false}), 10'000), io::never);
  ASSERT_TRUE(wait(compact(store(), StreamId(1), 64 * KiB, HashSecret{})));
  EXPECT_EQ(due({.max_compaction_lag_ms = 1}), "never");  // all of it is compacted
}

TEST_F(a_store, removes_nothing_by_age_before_it_is_told_how_long_to_keep) {
  log(1, {.retention_ms = -1});
  append(1, {.values = {"old"}, .timestamp = 1});
  settle();
  kill();
  ASSERT_EQ(start(), "ok");
  store().retain();
  settle();
  EXPECT_EQ(read_all(1), "0:old");
}

}  // namespace
}  // namespace naru
