#include "sim/sim_disk.h"

#include <gtest/gtest.h>

#include "sim/sim_loop.h"

namespace naru::sim {
namespace {

std::string contents(SimDisk& disk, const std::string& path) {
  Bytes* bytes = disk.contents(path);
  return bytes ? std::string(text(*bytes)) : "missing";
}
/// How often, of 200 power losses, the story ends in each way.
std::map<std::string, int> after_power_loss(const std::function<void(SimDisk&)>& story, const std::string& path = "f") {
  std::map<std::string, int> ends;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SimDisk disk(seed);
    story(disk);
    disk.lose_power();
    ++ends[contents(*disk.restarted(1), path)];
  }
  return ends;
}
void write(SimDisk& disk, const std::string& path, std::string_view text) {
  ASSERT_TRUE((*disk.open(path, io::Open::create))->write(0, view(text)));
}

TEST(sim_disk, a_synced_file_with_a_synced_name_survives) {
  auto ends = after_power_loss([](SimDisk& disk) {
    write(disk, "f", "text");
    ASSERT_TRUE((*disk.open("f", io::Open::write))->sync());
    ASSERT_TRUE(disk.sync_folder(""));
  });
  EXPECT_EQ(ends, (std::map<std::string, int>{{"text", 200}}));
}

TEST(sim_disk, without_a_synced_name_the_file_may_be_missing_and_without_a_sync_empty) {
  auto names = after_power_loss([](SimDisk& disk) {
    write(disk, "f", "text");
    ASSERT_TRUE((*disk.open("f", io::Open::write))->sync());
  });
  EXPECT_GT(names["missing"], 0);
  EXPECT_GT(names["text"], 0);
  auto texts = after_power_loss([](SimDisk& disk) {
    write(disk, "f", "text");
    ASSERT_TRUE(disk.sync_folder(""));
  });
  EXPECT_GT(texts[""], 0);
  EXPECT_GT(texts["text"], 0);
}

TEST(sim_disk, a_long_write_can_be_torn_at_sectors) {
  auto ends = after_power_loss([](SimDisk& disk) {
    write(disk, "f", std::string(4096, 'o'));
    ASSERT_TRUE(disk.sync_all());
    write(disk, "f", std::string(4096, 'n'));
  });
  EXPECT_GT(ends.size(), 20u);
}

TEST(sim_disk, a_kill_keeps_what_was_written_and_a_later_power_loss_does_not) {
  SimDisk disk(3);
  write(disk, "f", "text");
  ASSERT_TRUE(disk.sync_folder(""));
  disk.kill();
  EXPECT_FALSE(disk.open("f", io::Open::read));
  std::set<std::string> ends;
  for (uint64_t seed = 1; seed < 50; ++seed) {
    auto next = disk.restarted(seed);
    EXPECT_EQ(contents(*next, "f"), "text");
    next->lose_power();
    ends.insert(contents(*next->restarted(1), "f"));
  }
  EXPECT_EQ(ends, (std::set<std::string>{"", "text"}));
}

TEST(sim_disk, a_full_disk_takes_what_fits_and_heals) {
  SimDisk disk(1);
  disk.set_space(6);
  auto file = *disk.open("f", io::Open::create);
  EXPECT_EQ(file->write(0, view("too long")).error().code, Code::full);
  EXPECT_EQ(contents(disk, "f"), "too lo");
  EXPECT_TRUE(file->write(0, view("TOO"))) << "what stands there already needs no space";
  disk.set_space(UINT64_MAX);
  EXPECT_TRUE(file->write(0, view("too long")));
}

TEST(sim_disk, faults_come_when_they_were_ordered) {
  SimDisk disk(1);
  write(disk, "f", "text");
  auto file = *disk.open("f", io::Open::write);
  disk.fail_sync_in(1);
  EXPECT_TRUE(file->sync());
  EXPECT_FALSE(file->sync());
  EXPECT_TRUE(file->sync());
  disk.set_out_of_files(true);
  EXPECT_EQ(disk.open("f", io::Open::read).error().code, Code::busy);
  disk.set_out_of_files(false);
  disk.lose_power_in(1);
  EXPECT_TRUE(file->size());
  EXPECT_FALSE(file->size());
  EXPECT_TRUE(disk.is_dead());
}

TEST(sim_loop, time_stands_still_while_there_is_something_to_do_and_one_seed_is_one_order) {
  auto story = [](uint64_t seed) {
    SimLoop loop(seed);
    std::string order;
    for (char c : {'a', 'b', 'c', 'd'})
      loop.work(c < 'c' ? io::Lane::journal : io::Lane::bulk, [] {}, [&order, c] { order += c; });
    io::Timer timer(loop, [&] { order += 't'; });
    timer.arm(2);
    loop.run();
    return order;
  };
  EXPECT_EQ(story(1), story(1));
  std::set<std::string> orders;
  for (uint64_t seed = 1; seed < 60; ++seed) {
    std::string order = story(seed);
    EXPECT_LT(order.find('a'), order.find('b')) << "a lane works in order";
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 5u);
}

}  // namespace
}  // namespace naru::sim
