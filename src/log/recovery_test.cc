// From a data folder to its state: what each crash point leaves, and what is damage.
#include "log/recovery.h"

#include "log/engine_testing.h"

namespace naru {
namespace {

class RecoveryTest : public ::testing::Test, public Engine {
 protected:
  void put(uint64_t stream, const std::string& value, size_t pad = 0) {
    append(stream, {.values = {value}, .pad = pad});
    settle();
  }
  std::string checkpoint() {
    auto stored = wait(store().checkpoint());
    return stored ? "ok" : outcome(stored.error());
  }
  /// The one file in the folder whose name ends so.
  std::string file(const std::string& folder, const std::string& end) {
    for (const std::string& name : files(folder))
      if (name.ends_with(end)) return folder + "/" + name;
    ADD_FAILURE() << "no file " << end;
    return "";
  }
};
using recovery = RecoveryTest;

TEST_F(recovery, a_start_may_be_cut_short_anywhere) {
  ASSERT_EQ(start(), "ok");
  put(1, "a");
  int calls = 0;
  for (bool whole = false; !whole; ++calls) {
    cores = 1 + static_cast<uint32_t>(calls) % 3;
    kill();
    disk().lose_power_in(calls);
    whole = start() == "ok" && !disk().is_dead();
    disk().lose_power_in(-1);
    if (!whole) lose_power();
  }
  EXPECT_GT(calls, 10);
  EXPECT_EQ(read_all(1), "0:a");
  put(1, "b");
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(read_all(1), "0:a 1:b");
}

TEST_F(recovery, what_a_cut_start_left_is_not_taken_for_old_when_it_is_valid_again) {
  ASSERT_EQ(start(), "ok");
  put(1, "a");
  kill();
  {  // a start that dies between its checkpoint and its MANIFEST
    std::string where;
    auto recovered = recover(disk(), where);
    ASSERT_TRUE(recovered);
    Bytes manifest_before = *disk().contents("MANIFEST");
    ASSERT_TRUE(begin_generation(disk(), *recovered, 1, [](uint32_t) { return 0u; }, Uuid{}));
    *disk().contents("MANIFEST") = manifest_before;
  }
  ASSERT_EQ(start(), "ok") << damage;
  put(1, "b");
  kill();
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(read_all(1), "0:a 1:b");
}

TEST_F(recovery, a_batch_that_nobody_confirmed_does_not_rise_from_the_dead_behind_a_newer_one) {
  ASSERT_EQ(start(), "ok");
  put(1, "a");
  ASSERT_EQ(checkpoint(), "ok");
  // Both are in the segment when the process dies, neither in the journal.
  append(1, "b");
  append(1, "c");
  kill();
  ASSERT_EQ(start(), "ok");
  ASSERT_EQ(read_all(1), "0:a");
  put(1, "d");  // as long as b was
  kill();
  ASSERT_EQ(start(), "ok");
  EXPECT_EQ(read_all(1), "0:a 1:d");
}

TEST_F(recovery, a_damaged_checkpoint_is_not_passed_over_for_an_older_one) {
  ASSERT_EQ(start(), "ok");
  Bytes first = *disk().contents(file("journal", ".checkpoint"));
  std::string name = file("journal", ".checkpoint");
  for (int i = 0; i < 100; ++i) put(1, "v", 1000);
  ASSERT_EQ(checkpoint(), "ok");
  kill();
  // The removal of the older one never reached the disk, and the newer one is damaged.
  auto old = disk().open(name, io::Open::create_new);
  ASSERT_TRUE((*old)->write(0, ByteView(first)));
  std::string newest;
  for (const std::string& n : files("journal"))
    if (n.ends_with(".checkpoint")) newest = "journal/" + n;
  ASSERT_NE(newest, name);
  disk().contents(newest)->back() ^= 1;
  EXPECT_EQ(start(), "corrupt");
  EXPECT_EQ(damage, newest);
  EXPECT_FALSE(files("segments").empty()) << "nothing may be deleted on such grounds";
}

TEST_F(recovery, a_missing_journal_file_is_damage) {
  settings.journal.file_bytes = 16 * KiB;
  ASSERT_EQ(start(), "ok");
  disk().set_out_of_files(false);
  for (int i = 0; i < 3; ++i) put(1, "v", 9000);
  // Keep what a checkpoint would have made superfluous: stop right after the switch.
  append(1, {.values = {"w"}, .pad = 9000});
  while (store().journal().durable() < store().journal().end()) loop().turn();
  kill();
  std::vector<std::string> journals;
  for (const std::string& n : files("journal"))
    if (n.size() == 25) journals.push_back("journal/" + n);
  ASSERT_GE(journals.size(), 2u);
  uint32_t first = 0;
  for (const std::string& n : files("journal"))
    if (n.ends_with(".checkpoint")) first = static_cast<uint32_t>(std::stoul(n.substr(15, 10)));
  std::string needed = journal_file_name({manifest.generation, 0}, first);
  if (disk().contents(needed) && journals.back() != needed) {
    ASSERT_TRUE(disk().remove(needed));
    EXPECT_EQ(start(), "corrupt");
  }
}

TEST_F(recovery, a_missing_manifest_does_not_make_a_folder_new) {
  ASSERT_EQ(start(), "ok");
  put(1, "a");
  kill();
  Bytes manifest_before = *disk().contents("MANIFEST");
  ASSERT_TRUE(disk().remove("MANIFEST"));
  EXPECT_EQ(start(), "corrupt");
  auto again = disk().open("MANIFEST", io::Open::create_new);
  ASSERT_TRUE((*again)->write(0, ByteView(manifest_before)));
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(read_all(1), "0:a");
}

TEST_F(recovery, the_very_first_start_may_be_cut_short_anywhere) {
  for (int calls = 0; calls < 40; ++calls) {
    Engine fresh(static_cast<uint64_t>(calls) + 1);
    fresh.disk().lose_power_in(calls);
    bool whole = fresh.start() == "ok" && !fresh.disk().is_dead();
    fresh.disk().lose_power_in(-1);
    if (!whole) {
      fresh.lose_power();
      ASSERT_EQ(fresh.start(), "ok") << fresh.damage << " after " << calls;
    }
    fresh.append(1, "a");
    fresh.settle();
    EXPECT_EQ(fresh.read_all(1), "0:a");
  }
}

TEST_F(recovery, a_missing_segment_is_damage_and_names_the_file) {
  ASSERT_EQ(start(), "ok");
  put(1, "a");
  ASSERT_EQ(checkpoint(), "ok");
  put(1, "b");
  kill();
  std::string segment = "segments/" + files("segments")[0];
  ASSERT_TRUE(disk().remove(segment));
  EXPECT_EQ(start(), "corrupt");
  EXPECT_EQ(damage, segment);
}

TEST_F(recovery, a_damaged_journal_is_reported_with_its_name) {
  ASSERT_EQ(start(), "ok");
  for (const char* v : {"a", "b", "c"}) put(1, v);
  kill();
  std::string journal = journal_file_name({manifest.generation, 0}, 0);
  (*disk().contents(journal))[5000] ^= 1;
  EXPECT_EQ(start(), "corrupt");
  EXPECT_EQ(damage, journal);
}

TEST_F(recovery, files_that_nobody_knows_go_after_an_unclean_end) {
  ASSERT_EQ(start(), "ok");
  put(1, "a");
  kill();
  ASSERT_TRUE(disk().open(segment_path({StreamId(77), Offset(0), 0}), io::Open::create_new));
  ASSERT_EQ(start(), "ok");
  EXPECT_EQ(facts.orphans, 1u);
  EXPECT_EQ(files("segments").size(), 1u);
}

TEST_F(recovery, the_space_that_the_last_run_kept_for_itself_is_there_for_the_next_start) {
  cores = 2;
  ASSERT_EQ(start(), "ok");
  for (int i = 0; i < 200; ++i) store().table(4).put("k" + std::to_string(i), std::string(900, 'x'));
  settle();
  kill();
  disk().set_space(disk().used());
  ASSERT_EQ(start(), "ok") << damage;
  EXPECT_EQ(store().table(4).rows().size(), 200u);
}

TEST_F(recovery, starts_that_fail_for_want_of_space_leave_nothing_behind) {
  cores = 2;
  ASSERT_EQ(start(), "ok");
  for (int i = 0; i < 600; ++i) store(i % 2).table(4 + i % 2).put("k" + std::to_string(i), std::string(900, 'x'));
  settle();
  kill();
  for (const std::string& name : files("journal"))
    if (name.ends_with(".reserve")) ASSERT_TRUE(disk().remove("journal/" + name));
  uint64_t used = disk().used();
  for (int i = 0; i < 3; ++i) {
    disk().set_space(used + 350'000);  // for the checkpoint of one core, not of both
    EXPECT_EQ(start(), "full");
    kill();
    EXPECT_EQ(disk().used(), used);
  }
  disk().set_space(UINT64_MAX);
  ASSERT_EQ(start(), "ok") << damage;
}

TEST_F(recovery, recovering_again_and_again_changes_nothing) {
  ASSERT_EQ(start(), "ok");
  for (const char* v : {"a", "b", "c"}) put(1, v);
  std::string all = read_all(1);
  for (int i = 0; i < 5; ++i) {
    kill();
    ASSERT_EQ(start(), "ok");
    EXPECT_EQ(read_all(1), all);
  }
}

}  // namespace
}  // namespace naru
