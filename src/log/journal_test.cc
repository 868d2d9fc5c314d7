#include "log/journal.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/crc32c.h"
#include "base/endian.h"
#include "sim/sim_disk.h"
#include "sim/sim_loop.h"

namespace naru {
namespace {

/// A journal in one line per step: texts go in, and come back from the files in order.
class JournalTest {
 public:
  explicit JournalTest(Journal::Limits limits = {.file_bytes = 32 * KiB,
                                                 .write_bytes = 8 * KiB,
                                                 .waiting_bytes = 64 * KiB})
      : limits_(limits) {}
  ~JournalTest() { end(); }

  std::string start(JournalId id = {1, 0}, std::vector<std::string> spares = {}) {
    end();
    id_ = id;
    loop_ = std::make_unique<sim::SimLoop>(7);
    journal_ =
        std::make_unique<Journal>(*loop_, disk, id, limits_,
                                  Journal::Events{.durable = [this](JournalPosition) { ++syncs; },
                                                  .file_full = [this] { ++files_begun; },
                                                  .failed = [this](Error error) { failure = name(error.code); }});
    auto started = journal_->start(std::move(spares));
    return started ? "ok" : name(started.error().code);
  }
  JournalPosition append(const std::string& text) { return journal_->append(EntryKind::rows, view(text)); }
  void settle() { loop_->run_for(100); }
  /// Appends and waits until it is on disk.
  void write(const std::string& text) {
    append(text);
    settle();
  }
  /// Notes `label` when `position` is durable, "!label" if it never will be.
  void note_when_durable(const std::string& label, JournalPosition position) {
    [](JournalTest& test, std::string l, JournalPosition at) -> io::Task<> {
      auto durable = co_await test.journal_->wait(at);
      test.happened += (durable ? "" : "!") + l;
    }(*this, label, position)
                                                                    .detach();
  }

  std::string path(uint32_t number = 0) { return journal_file_name(id_, number); }
  Bytes& bytes(uint32_t number = 0) { return *disk.contents(path(number)); }
  /// The texts in a file, then how it ends.
  std::string read(uint32_t number = 0) {
    auto file = disk.open(path(number), io::Open::read);
    if (!file) return "no file";
    std::ostringstream out;
    auto end = read_journal(**file, id_, number, [&](const JournalEntry& entry) -> Result<void> {
      std::string_view payload = text(entry.payload);
      out << (payload.size() > 40 ? payload.substr(0, 3) : payload) << " ";
      return {};
    });
    if (!end) return out.str() + name(end.error().code);
    if (end->damaged_before > 0) return out.str() + "damaged";
    return out.str() + (end->torn ? "torn" : "end");
  }
  /// Where the text's entry has its payload.
  size_t place_of(const std::string& text, uint32_t number = 0) {
    Bytes& in = bytes(number);
    auto found = std::search(in.begin(), in.end(), text.begin(), text.end());
    EXPECT_NE(found, in.end());
    return static_cast<size_t>(found - in.begin());
  }
  void end() {
    if (!journal_) return;
    disk.set_space(UINT64_MAX);
    loop_->run_for(2000);
    journal_.reset();
  }

  Journal& journal() { return *journal_; }
  sim::SimDisk disk{1};
  int syncs = 0, files_begun = 0;
  std::string failure, happened;

 private:
  Journal::Limits limits_;
  JournalId id_;
  std::unique_ptr<sim::SimLoop> loop_;
  std::unique_ptr<Journal> journal_;
};

TEST(journal, gives_back_what_went_in) {
  JournalTest j;
  j.start();
  EXPECT_EQ(j.read(), "end");
  j.write("a");
  j.append("b");
  j.append("");
  j.write("c");
  EXPECT_EQ(j.read(), "a b  c end");
}

TEST(journal, one_sync_serves_all_of_a_turn_and_the_next_all_who_came_meanwhile) {
  JournalTest j;
  j.start();
  for (const char* text : {"a", "b", "c"}) j.note_when_durable(text, j.append(text));
  EXPECT_EQ(j.happened, "");
  j.settle();
  EXPECT_EQ(j.happened, "abc");
  EXPECT_EQ(j.syncs, 1);
}

TEST(journal, torn_tail_is_the_end_not_damage) {
  JournalTest j;
  j.start();
  j.write("first");
  j.append("second");
  j.write("third");
  for (size_t cut = j.place_of("third"); cut < j.place_of("third") + 5; ++cut) {
    Bytes whole = j.bytes();
    std::fill(j.bytes().begin() + static_cast<long>(cut), j.bytes().end(), uint8_t{0});
    EXPECT_EQ(j.read(), "first second torn");
    j.bytes() = whole;
  }
}

TEST(journal, a_file_that_is_cut_anywhere_gives_a_prefix) {
  JournalTest j;
  j.start();
  for (const char* text : {"a", "b", "c", "d"}) j.write(text);
  Bytes whole = j.bytes();
  for (size_t size = 0; size <= whole.size(); size += 97) {
    j.bytes().assign(whole.begin(), whole.begin() + static_cast<long>(size));
    std::string got = j.read();
    got.resize(got.rfind(' ') == std::string::npos ? 0 : got.rfind(' '));
    EXPECT_TRUE(std::string("a b c d").starts_with(got)) << got;
  }
}

TEST(journal, damage_before_a_later_write_is_reported) {
  JournalTest j;
  j.start();
  for (const char* text : {"first", "second", "third"}) j.write(text);
  j.bytes()[j.place_of("second")] ^= 1;
  EXPECT_EQ(j.read(), "first damaged");
  j.bytes()[0] ^= 1;  // the head of the whole file
  EXPECT_EQ(j.read(), "damaged");
}

TEST(journal, stale_bytes_of_a_recycled_file_never_verify) {
  JournalTest j;
  j.start({1, 0});
  for (const char* text : {"a", "b", "c", "d"}) j.write(text);
  std::string old = j.path();
  EXPECT_EQ(j.start({2, 0}, {old}), "ok");
  EXPECT_EQ(j.disk.contents(old), nullptr);
  EXPECT_EQ(j.read(), "end");
  j.write("new");
  EXPECT_EQ(j.read(), "new end");
}

TEST(journal, an_entry_belongs_to_its_place) {
  JournalTest j;
  j.start();
  j.write("a");
  j.write("b");
  // A write that went astray: the second group once more behind itself.
  Bytes& bytes = j.bytes();
  bytes.insert(bytes.end(), bytes.begin() + journal_align, bytes.end());
  EXPECT_EQ(j.read(), "a b end");
}

TEST(journal, goes_on_in_a_new_file_and_numbers_go_on_too) {
  JournalTest j;
  j.start();
  std::string large(10 * KiB, 'x');
  for (int i = 0; i < 4; ++i) j.write(large);
  EXPECT_EQ(j.files_begun, 1);
  EXPECT_EQ(j.read(0), "xxx xxx end");
  EXPECT_EQ(j.read(1), "xxx xxx end");
  EXPECT_EQ(j.journal().files_in_use(), 2u);
}

TEST(journal, an_entry_larger_than_a_file_gets_one_of_its_own) {
  JournalTest j;
  j.start();
  j.write("small");
  j.write(std::string(100 * KiB, 'y'));
  j.write("next");
  EXPECT_EQ(j.read(0), "small end");
  EXPECT_EQ(j.read(1), "yyy end");
  EXPECT_EQ(j.read(2), "next end");
}

TEST(journal, a_covered_file_is_written_again_under_its_new_name) {
  JournalTest j;
  j.start();
  std::string large(20 * KiB, 'x');
  j.write(large);
  j.write(large);
  j.journal().recycle_below(1);
  EXPECT_EQ(j.journal().files_in_use(), 1u);
  EXPECT_NE(j.disk.contents(j.path(0)), nullptr) << "a spare keeps its name";
  j.write(large);
  EXPECT_EQ(j.disk.contents(j.path(0)), nullptr);
  EXPECT_EQ(j.read(2), "xxx end");
}

TEST(journal, a_full_disk_makes_it_wait_and_it_heals_by_itself) {
  JournalTest j;
  j.start();
  j.write("a");
  j.disk.set_space(0);
  j.note_when_durable("b", j.append(std::string(40 * KiB, 'b')));
  j.settle();
  EXPECT_TRUE(j.journal().is_full());
  EXPECT_EQ(j.happened, "");
  EXPECT_EQ(j.read(), "a end");
  j.disk.set_space(UINT64_MAX);
  j.end();
  EXPECT_EQ(j.happened, "b");
  EXPECT_EQ(j.failure, "");
  EXPECT_EQ(j.read(1), "bbb end");
}

TEST(journal, takes_zeros_along_so_that_small_groups_write_where_something_was_written) {
  JournalTest j({.file_bytes = 4 * MiB, .write_bytes = 8 * KiB, .waiting_bytes = 64 * KiB});
  j.start();
  j.write("a");
  size_t size = j.bytes().size();
  EXPECT_GT(size, 512 * KiB);
  for (int i = 0; i < 100; ++i) j.write("b");
  EXPECT_EQ(j.bytes().size(), size);
  for (int i = 0; i < 200; ++i) j.write("c");
  EXPECT_GT(j.bytes().size(), size);
  EXPECT_TRUE(j.read().ends_with("c end"));
}

TEST(journal, has_no_zeros_behind_the_end_of_a_file_or_behind_a_large_group) {
  JournalTest j;
  j.start();
  j.write("a");
  EXPECT_EQ(j.bytes().size(), 32 * KiB);
  JournalTest large({.file_bytes = 4 * MiB, .write_bytes = 8 * KiB, .waiting_bytes = 64 * KiB});
  large.start();
  large.write(std::string(40 * KiB, 'x'));
  EXPECT_EQ(large.bytes().size(), 44 * KiB);
}

TEST(journal, where_there_is_no_space_for_zeros_entries_are_written_all_the_same) {
  JournalTest j;
  j.start();
  j.disk.set_space(j.disk.used() + 3 * journal_align);
  for (const char* text : {"a", "b", "c"}) j.write(text);
  EXPECT_FALSE(j.journal().is_full());
  EXPECT_EQ(j.read(), "a b c end");
}

TEST(journal, without_descriptors_for_the_next_file_it_waits_too) {
  JournalTest j;
  j.start();
  j.write(std::string(30 * KiB, 'x'));
  j.disk.set_out_of_files(true);
  j.note_when_durable("b", j.append("b"));
  j.settle();
  EXPECT_EQ(j.failure, "");
  EXPECT_EQ(j.happened, "");
  j.disk.set_out_of_files(false);
  j.end();
  EXPECT_EQ(j.happened, "b");
}

TEST(journal, a_failed_sync_is_final) {
  JournalTest j;
  j.start();
  j.write("a");
  j.disk.fail_sync_in(0);
  j.note_when_durable("b", j.append("b"));
  j.settle();
  EXPECT_EQ(j.failure, "io");
  EXPECT_EQ(j.happened, "!b");
  j.note_when_durable("c", j.append("c"));
  j.settle();
  EXPECT_EQ(j.happened, "!b!c") << "no later sync may say that all is well";
}

TEST(journal, whoever_waits_for_less_is_not_held_up_by_who_waits_for_more) {
  JournalTest j;
  j.start();
  auto a = j.append("a");
  j.settle();
  j.disk.set_space(0);
  auto b = j.append(std::string(40 * KiB, 'b'));
  j.note_when_durable("b", b);
  j.settle();
  j.note_when_durable("a", a);
  EXPECT_EQ(j.happened, "a");
  j.disk.set_space(UINT64_MAX);
  j.settle();

  auto c = j.append("c");
  auto file_of_its_own = j.append(std::string(40 * KiB, 'x'));  // so it is another write
  j.note_when_durable("d", file_of_its_own);
  j.note_when_durable("c", c);
  j.end();
  EXPECT_EQ(j.happened, "abcd");
}

TEST(journal, room_comes_back_when_what_waits_is_written) {
  JournalTest j;
  j.start();
  while (j.journal().has_room()) j.append(std::string(1000, 'x'));
  [](JournalTest& test) -> io::Task<> {
    co_await test.journal().room();
    test.happened += "room";
  }(j)
                               .detach();
  EXPECT_EQ(j.happened, "");
  j.settle();
  EXPECT_EQ(j.happened, "room");
}

/// Counts what is read, so that hostile contents cannot make the start take hours.
class CountingFile final : public io::File {
 public:
  explicit CountingFile(Bytes contents) : contents_(std::move(contents)) {}
  Result<void> read(uint64_t at, std::span<uint8_t> into) override {
    bytes_read += into.size();
    if (at + into.size() > contents_.size()) return fail(Code::out_of_range);
    std::memcpy(into.data(), contents_.data() + at, into.size());
    return {};
  }
  Result<void> write(uint64_t, std::span<const ByteView>) override { return fail(Code::unsupported); }
  Result<void> sync() override { return {}; }
  Result<uint64_t> size() override { return contents_.size(); }
  Result<void> truncate(uint64_t) override { return fail(Code::unsupported); }
  Result<void> punch(uint64_t, uint64_t) override { return fail(Code::unsupported); }
  void write_behind(uint64_t, uint64_t) override {}
  void forget(uint64_t, uint64_t) override {}
  uint64_t bytes_read = 0;

 private:
  Bytes contents_;
};

TEST(journal, records_that_look_like_long_entries_do_not_slow_the_start_down) {
  Bytes contents(16 * MiB);  // what a client may have sent, in a recycled file
  for (size_t at = 0; at < contents.size(); at += journal_align) {
    store_le(contents.data() + at + 4, static_cast<uint32_t>(contents.size() - at - entry_header_bytes));
    store_le(contents.data() + at + 8, static_cast<uint32_t>(EntryKind::rows));
  }
  CountingFile file(std::move(contents));
  auto end = read_journal(file, {1, 0}, 0, [](const JournalEntry&) { return Result<void>(); });
  ASSERT_TRUE(end);
  EXPECT_LT(file.bytes_read, 100 * MiB);
}

}  // namespace
}  // namespace naru
