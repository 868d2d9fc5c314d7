// Every disk keeps the same promises: the machine's, the simulated one, and the overlay where it can.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>

#include "io/folder_testing.h"
#include "io/overlay_disk.h"
#include "io/posix_disk.h"
#include "sim/sim_disk.h"

namespace naru::io {
namespace {

enum class Kind { posix, sim, overlay };

class AnyDisk : public ::testing::TestWithParam<Kind> {
 protected:
  AnyDisk() {
    if (GetParam() == Kind::posix) {
      own_ = *open_disk(folder_.path + "/data");
    } else {
      own_ = std::make_unique<sim::SimDisk>(1);
    }
    disk = own_.get();
    if (GetParam() == Kind::overlay) {
      overlay_ = std::make_unique<OverlayDisk>(*own_);
      disk = overlay_.get();
    }
  }
  std::string write(const std::string& path, std::string_view text, uint64_t at = 0) {
    auto file = disk->open(path, Open::create);
    if (!file) return name(file.error().code);
    auto written = (*file)->write(at, view(text));
    return written ? "ok" : name(written.error().code);
  }
  std::string read(const std::string& path) {
    auto contents = read_file(*disk, path, 1 * MiB);
    return contents ? std::string(text(*contents)) : name(contents.error().code);
  }
  std::string list(const std::string& folder) {
    auto names = disk->list(folder);
    if (!names) return name(names.error().code);
    std::string out;
    for (const std::string& n : *names) out += n + " ";
    return out;
  }
  bool is_overlay() const { return GetParam() == Kind::overlay; }

  Disk* disk = nullptr;

 private:
  TempFolder folder_;
  std::unique_ptr<Disk> own_, overlay_;
};
INSTANTIATE_TEST_SUITE_P(
    disks, AnyDisk, ::testing::Values(Kind::posix, Kind::sim, Kind::overlay), [](const auto& info) {
      return std::string(info.param == Kind::posix ? "posix" : info.param == Kind::sim ? "sim" : "overlay");
    });

TEST_P(AnyDisk, gives_back_what_was_written) {
  EXPECT_EQ(write("f", "hello"), "ok");
  EXPECT_EQ(write("f", "J"), "ok");
  EXPECT_EQ(read("f"), "Jello");
  EXPECT_EQ(write("f", "!", 7), "ok");
  EXPECT_EQ(read("f"), std::string_view("Jello\0\0!", 8));
}

TEST_P(AnyDisk, pieces_follow_one_another) {
  auto file = *disk->open("f", Open::create);
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i) texts.push_back(std::to_string(i) + ",");
  std::vector<ByteView> pieces;
  std::string whole;
  for (const std::string& t : texts) pieces.push_back(view(t)), pieces.push_back({}), whole += t;
  ASSERT_TRUE(file->write(3, pieces));
  EXPECT_EQ(read("f").substr(3), whole);
}

TEST_P(AnyDisk, open_modes_say_what_may_be_missing) {
  EXPECT_EQ(disk->open("f", Open::read).error().code, Code::not_found);
  EXPECT_EQ(disk->open("f", Open::write).error().code, Code::not_found);
  write("f", "text");
  EXPECT_TRUE(disk->open("f", Open::create));
  EXPECT_EQ(read("f"), "text");
  EXPECT_TRUE(disk->open("f", Open::create_new));
  EXPECT_EQ(read("f"), "");
}

TEST_P(AnyDisk, a_read_past_the_end_is_out_of_range) {
  write("f", "text");
  auto file = *disk->open("f", Open::read);
  Bytes into(5);
  EXPECT_EQ(file->read(0, into).error().code, Code::out_of_range);
  EXPECT_EQ(file->read(9, std::span(into).first(1)).error().code, Code::out_of_range);
  EXPECT_TRUE(file->read(4, std::span(into).first(0)));
}

TEST_P(AnyDisk, truncating_cuts_and_what_grows_back_is_zeros) {
  write("f", "hello");
  auto file = *disk->open("f", Open::write);
  ASSERT_TRUE(file->truncate(2));
  EXPECT_EQ(*file->size(), 2u);
  EXPECT_EQ(read("f"), "he");
  ASSERT_TRUE(file->truncate(4));
  EXPECT_EQ(read("f"), std::string_view("he\0\0", 4));
}

TEST_P(AnyDisk, names_are_listed_sorted_and_go_when_removed) {
  EXPECT_EQ(list("folder"), "not_found");
  if (is_overlay()) return;
  ASSERT_TRUE(disk->make_folder("folder"));
  ASSERT_TRUE(disk->make_folder("folder"));
  EXPECT_EQ(list("folder"), "");
  for (const char* name : {"folder/b", "folder/a", "folder/c"}) write(name, "x");
  EXPECT_EQ(list("folder"), "a b c ");
  ASSERT_TRUE(disk->remove("folder/b"));
  EXPECT_EQ(list("folder"), "a c ");
  EXPECT_EQ(disk->remove("folder/b").error().code, Code::not_found);
}

TEST_P(AnyDisk, an_open_file_outlives_its_name) {
  write("f", "text");
  auto file = *disk->open("f", Open::read);
  ASSERT_TRUE(disk->remove("f"));
  Bytes into(4);
  EXPECT_TRUE(file->read(0, into));
  EXPECT_EQ(read("f"), "not_found");
}

TEST_P(AnyDisk, renaming_replaces) {
  if (is_overlay()) return;
  write("old", "1");
  write("new", "2");
  ASSERT_TRUE(disk->rename("old", "new"));
  EXPECT_EQ(read("new"), "1");
  EXPECT_EQ(read("old"), "not_found");
  EXPECT_EQ(disk->rename("old", "new").error().code, Code::not_found);
}

TEST_P(AnyDisk, replaced_files_are_whole_and_leave_nothing_beside_them) {
  if (is_overlay()) return;
  ASSERT_TRUE(replace_file(*disk, "", "f", view("first")));
  ASSERT_TRUE(replace_file(*disk, "", "f", view("second")));
  EXPECT_EQ(read("f"), "second");
  EXPECT_EQ(read("f.new"), "not_found");
}

TEST_P(AnyDisk, a_file_over_the_limit_is_not_read_at_all) {
  write("f", "12345");
  EXPECT_EQ(read_file(*disk, "f", 4).error().code, Code::too_large);
  EXPECT_TRUE(read_file(*disk, "f", 5));
}

TEST_P(AnyDisk, past_the_page_cache_the_same_bytes_arrive) {
  auto file = *disk->open("f", Open::create, Cache::direct);
  void* memory = std::aligned_alloc(direct_align, 2 * direct_align);
  std::memset(memory, 'x', 2 * direct_align);
  ByteView bytes(static_cast<uint8_t*>(memory), 2 * direct_align);
  ASSERT_TRUE(file->write(direct_align, bytes));
  ASSERT_TRUE(file->sync());
  std::free(memory);
  EXPECT_EQ(read("f"), std::string(direct_align, '\0') + std::string(2 * direct_align, 'x'));
}

/// What the kernel says in another way, which reads nothing: whether the first page of a file is in memory.
bool is_resident(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  void* page = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  unsigned char resident = 0;
  EXPECT_NE(page, MAP_FAILED);
  EXPECT_EQ(::mincore(page, 4096, &resident), 0);
  ::munmap(page, 4096);
  return (resident & 1) != 0;
}

TEST(posix_disk, what_memory_does_not_hold_is_known_and_can_be_loaded) {
  TempFolder folder;
  auto disk = *open_disk(folder.path + "/data");
  constexpr size_t size = 2 * MiB;
  // Written past the page cache: what the kernel forgets, and when, is up to the kernel.
  auto uncached = [&] {
    auto past_cache = *disk->open("f", Open::create_new, Cache::direct);
    std::unique_ptr<void, decltype(&std::free)> memory(std::aligned_alloc(direct_align, size), std::free);
    std::memset(memory.get(), 7, size);
    EXPECT_TRUE(past_cache->write(0, ByteView(static_cast<uint8_t*>(memory.get()), size)));
    return *disk->open("f", Open::write);
  };
  // Asking makes the kernel start to read, and a fast disk may be done before the answer: hence several attempts.
  auto in_one_of_many = [&](auto is_so) {
    for (int attempt = 0; attempt < 100; ++attempt)
      if (is_so(*uncached())) return true;
    return false;
  };
  uncached();
  if (is_resident(folder.path + "/data/f")) GTEST_SKIP() << "this file system has everything in memory";
  EXPECT_TRUE(in_one_of_many([](File& file) { return !file.is_cached(0, 1); }));
  auto first_page_alone = [](File& file) {
    file.load(0, 100);
    EXPECT_TRUE(file.is_cached(0, 1));
    return !file.is_cached(0, size);
  };
  EXPECT_TRUE(in_one_of_many(first_page_alone)) << "the last page is looked at too";

  auto file = uncached();
  file->load(MiB, 5 * MiB);  // past the end
  EXPECT_TRUE(file->is_cached(MiB, MiB));
  EXPECT_TRUE(file->is_cached(size + MiB, 1)) << "behind the end there is nothing to wait for";
  file->forget(0, size);
  Bytes into(size);
  ASSERT_TRUE(file->read(0, into));
  EXPECT_TRUE(into == Bytes(size, 7)) << "what is forgotten is still on the disk";
}

TEST(posix_disk, one_broker_at_a_time_and_readers_among_themselves) {
  TempFolder folder;
  std::string data = folder.path + "/a/b";
  EXPECT_EQ(open_disk_for_reading(data).error().code, Code::not_found) << "reading makes no folder";
  {
    auto first = open_disk(data);
    ASSERT_TRUE(first);
    EXPECT_EQ(open_disk(data).error().code, Code::busy);
    EXPECT_EQ(open_disk_for_reading(data).error().code, Code::busy);
  }
  auto reader = open_disk_for_reading(data), other = open_disk_for_reading(data);
  EXPECT_TRUE(reader && other);
  EXPECT_EQ(open_disk(data).error().code, Code::busy);
}

TEST(posix_disk, opened_for_reading_nothing_can_be_changed) {
  TempFolder folder;
  std::ofstream(folder.path + "/f") << "text";
  auto disk = *open_disk_for_reading(folder.path);
  EXPECT_TRUE(disk->open("f", Open::read));
  EXPECT_FALSE(disk->open("f", Open::write));
  EXPECT_FALSE(disk->open("g", Open::create));
  EXPECT_FALSE(disk->remove("f"));
  EXPECT_FALSE(disk->rename("f", "g"));
  EXPECT_FALSE(disk->make_folder("h"));
}

TEST(posix_disk, punched_space_reads_as_zeros_and_comes_back) {
  TempFolder folder;
  auto disk = *open_disk(folder.path);
  auto file = *disk->open("f", Open::create);
  Bytes bytes(256 * KiB, 'x');
  ASSERT_TRUE(file->write(0, ByteView(bytes)));
  ASSERT_TRUE(file->punch(64 * KiB, 64 * KiB));
  Bytes into(256 * KiB);
  ASSERT_TRUE(file->read(0, into));
  EXPECT_EQ(into[64 * KiB - 1], 'x');
  EXPECT_EQ(into[64 * KiB], 0);
  EXPECT_EQ(into[128 * KiB - 1], 0);
  EXPECT_EQ(into[128 * KiB], 'x');
}

TEST(posix_disk, allocated_space_is_taken_or_refused_as_a_whole) {
  TempFolder folder;
  auto disk = *open_disk(folder.path);
  auto file = *disk->open("f", Open::create);
  auto taken = file->allocate(1 * MiB);
  if (!taken && taken.error().code == Code::unsupported) GTEST_SKIP() << "this file system cannot tell";
  ASSERT_TRUE(taken);
  EXPECT_EQ(*file->size(), 1 * MiB);
  auto refused = file->allocate(uint64_t{1} << 50);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::full);
}

TEST(overlay_disk, changes_nothing_below) {
  sim::SimDisk below(1);
  auto file = *below.open("f", Open::create);
  ASSERT_TRUE(file->write(0, view("below")));
  OverlayDisk disk(below);
  auto over = *disk.open("f", Open::write);
  ASSERT_TRUE(over->write(3, view("ieve it")));
  EXPECT_EQ(text(*read_file(disk, "f", 100)), "believe it");
  EXPECT_EQ(text(*read_file(below, "f", 100)), "below");
  ASSERT_TRUE(disk.open("g", Open::create));
  ASSERT_TRUE(disk.remove("f"));
  EXPECT_EQ(*disk.list(""), std::vector<std::string>{"g"});
  EXPECT_EQ(*below.list(""), std::vector<std::string>{"f"});
}

TEST(overlay_disk, is_the_same_as_a_disk_for_any_sequence_of_writes_and_cuts) {
  Prng random(7);
  for (int round = 0; round < 200; ++round) {
    sim::SimDisk below(1), plain(1);
    Bytes begin(random.below(20'000), 'b');
    for (Disk* disk : {static_cast<Disk*>(&below), static_cast<Disk*>(&plain)})
      ASSERT_TRUE((*disk->open("f", Open::create))->write(0, ByteView(begin)));
    OverlayDisk disk(below);
    auto a = *disk.open("f", Open::write);
    auto b = *plain.open("f", Open::write);
    for (int step = 0; step < 8; ++step) {
      uint64_t at = random.below(20'000);
      if (random.chance(0.2)) {
        ASSERT_TRUE(a->truncate(at) && b->truncate(at));
        continue;
      }
      Bytes bytes(random.below(9000), static_cast<uint8_t>('c' + step));
      ASSERT_TRUE(a->write(at, ByteView(bytes)) && b->write(at, ByteView(bytes)));
    }
    ASSERT_EQ(*read_file(disk, "f", 1 * MiB), *read_file(plain, "f", 1 * MiB)) << round;
  }
}

}  // namespace
}  // namespace naru::io
