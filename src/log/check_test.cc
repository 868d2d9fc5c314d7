#include "log/check.h"

#include "log/engine_testing.h"

namespace naru {
namespace {

class CheckTest : public ::testing::Test, public Engine {
 protected:
  /// Some of everything: several segments, a sealed and an active one, rows, what only the journal has.
  void fill() {
    ASSERT_EQ(start(), "ok");
    for (uint64_t stream : {1, 2}) {
      log(stream, {.segment_bytes = 300});
      for (int i = 0; i < 6; ++i) append(stream, {.values = {"v" + std::to_string(i)}, .pad = 40}), settle();
    }
    store().table(3).put("k", "v");
    EXPECT_TRUE(wait(store().checkpoint()));
    for (int i = 0; i < 3; ++i) append(1, {.values = {"w" + std::to_string(i)}, .pad = 40}), settle();
    store().table(3).put("k", "w");
    settle();
  }
  /// "whole", or the damages, each as "file@offset".
  std::string check() { return check(disk()); }
  std::string check(io::Disk& of) {
    std::string damages;
    notes.clear();
    CheckEvents events{.found =
                           [&](const Finding& f) {
                             std::string line = f.file + (f.at ? "@" + std::to_string(*f.at) : "");
                             (f.kind == Finding::Kind::damage ? damages : notes) += line + " ";
                           },
                       .progress = {}};
    auto done = check_folder(of, events);
    if (!done) return outcome(done.error());
    facts_checked = *done;
    EXPECT_EQ(done->damages > 0, !damages.empty());
    return damages.empty() ? "whole" : damages;
  }
  std::string segment(size_t n) { return "segments/" + files("segments")[n]; }
  Bytes& bytes(const std::string& path) { return *disk().contents(path); }

  std::string notes;
  CheckFacts facts_checked;
};
using a_check = CheckTest;

TEST_F(a_check, finds_a_folder_whole_after_every_kind_of_end) {
  fill();
  ASSERT_EQ(end_cleanly(), "ok");
  EXPECT_EQ(check(), "whole");
  EXPECT_EQ(facts_checked.records, 15u);
  EXPECT_EQ(facts_checked.journal_entries, 0u);
  ASSERT_EQ(start(), "ok");
  append(1, "x");
  settle();
  kill();
  EXPECT_EQ(check(), "whole");
  EXPECT_EQ(facts_checked.records, 16u);
  EXPECT_GT(facts_checked.journal_entries, 0u);
  ASSERT_EQ(start(), "ok");
  append(1, "y");
  settle();
  append(1, "z");  // on its way
  lose_power();
  EXPECT_EQ(check(), "whole");
}

TEST_F(a_check, bytes_that_only_the_journal_has_are_no_damage) {
  fill();
  // The last segment lost all that no checkpoint had synced: the journal has it.
  lose_power();
  EXPECT_EQ(check(), "whole");
  EXPECT_EQ(facts_checked.records, 15u);
}

TEST_F(a_check, writes_nothing) {
  fill();
  kill();
  std::map<std::string, Bytes> before;
  for (const std::string& path : disk().paths()) before[path] = bytes(path);
  check();
  std::map<std::string, Bytes> after;
  for (const std::string& path : disk().paths()) after[path] = bytes(path);
  EXPECT_EQ(before, after);
}

TEST_F(a_check, names_file_and_place_of_a_damaged_batch_and_goes_on) {
  fill();
  ASSERT_EQ(end_cleanly(), "ok");
  size_t second = peek_header(bytes(segment(0)))->size_bytes();
  bytes(segment(0))[second + 70] ^= 1;
  bytes(segment(1))[70] ^= 1;
  EXPECT_EQ(check(), segment(0) + "@" + std::to_string(second) + " " + segment(1) + "@0 ");
}

TEST_F(a_check, offsets_and_epochs_are_held_against_what_surrounds_them) {
  fill();
  ASSERT_EQ(end_cleanly(), "ok");
  bytes(segment(0))[7] ^= 1;  // base offset
  EXPECT_NE(check(), "whole");
  bytes(segment(0))[7] ^= 1;
  bytes(segment(0))[15] ^= 1;  // leader epoch
  EXPECT_NE(check(), "whole");
}

TEST_F(a_check, tells_what_is_missing_cut_and_left_over) {
  fill();
  ASSERT_EQ(end_cleanly(), "ok");
  bytes(segment(0)).resize(100);
  EXPECT_TRUE(check().starts_with(segment(0) + "@")) << check();
  std::string gone = segment(0);
  ASSERT_TRUE(disk().remove(gone));
  EXPECT_EQ(check(), gone + "@0 ");
  ASSERT_TRUE(disk().open("segments/0000000000000063-00000000000000000000-000", io::Open::create_new));
  check();
  EXPECT_NE(notes.find("0000000000000063"), std::string::npos);
}

TEST_F(a_check, a_damaged_index_is_a_note) {
  fill();
  ASSERT_EQ(end_cleanly(), "ok");
  bytes(segment(0)).back() ^= 1;
  EXPECT_EQ(check(), "whole");
  EXPECT_NE(notes.find(segment(0)), std::string::npos);
}

TEST_F(a_check, where_there_is_nothing_it_says_so) { EXPECT_EQ(check(), "not_found"); }

TEST_F(a_check, any_flipped_byte_is_reported_or_changes_nothing) {
  fill();
  kill();
  std::unique_ptr<sim::SimDisk> healthy = disk().restarted(1);
  auto contents = [](io::Disk& of) -> std::string {
    std::string where, out;
    auto recovered = recover(of, where);
    if (!recovered) return "broken";
    std::map<StreamId, LogState> logs(std::make_move_iterator(recovered->state.logs.begin()),
                                      std::make_move_iterator(recovered->state.logs.end()));
    for (auto& [stream, log] : logs)
      for (const Segment& s : log.segments) {
        auto file = io::read_file(of, segment_path({stream, s.base, s.version}), 1 * MiB);
        if (!file || file->size() < s.bytes) return "short";
        out += std::string(text(ByteView(*file).first(s.bytes)));
      }
    for (auto& rows : recovered->state.tables)
      for (auto& [key, value] : rows) out += key + "=" + value + ";";
    return out;
  };
  auto first = healthy->restarted(2);
  std::string whole = contents(*first);
  uint64_t reported = 0, harmless = 0, tails = 0;
  for (const std::string& path : healthy->paths()) {
    size_t size = healthy->contents(path)->size();
    for (size_t at = 0; at < size; at += size > 4000 ? 7 : 3) {
      auto damaged = healthy->restarted(at);
      (*damaged->contents(path))[at] ^= static_cast<uint8_t>(1u << at % 8);
      if (check(*damaged) != "whole") {
        ++reported;
      } else if (contents(*damaged) == whole) {
        ++harmless;
      } else {
        // The last write of a journal that nobody followed: the same as a write that power loss cut.
        EXPECT_TRUE(path.starts_with("journal/")) << path << " at " << at;
        ++tails;
      }
    }
  }
  EXPECT_GT(reported, 500u);
  EXPECT_GT(harmless, 500u);
  EXPECT_LT(tails, reported);
}

}  // namespace
}  // namespace naru
