#include "io/memory_granted.h"

#include <gtest/gtest.h>

#include <fstream>

#include "io/folder_testing.h"

namespace naru::io {
namespace {

class MemoryGrantedTest : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    std::string file = folder.path + path;
    ASSERT_EQ(std::system(("mkdir -p '" + file.substr(0, file.rfind('/')) + "'").c_str()), 0);
    std::ofstream(file) << text << "\n";
  }
  uint64_t granted() { return memory_granted(folder.path); }
  TempFolder folder;
};
using memory_granted_of = MemoryGrantedTest;

TEST_F(memory_granted_of, a_machine_without_groups_is_all) { EXPECT_EQ(granted(), UINT64_MAX); }

TEST_F(memory_granted_of, a_container_is_what_its_root_says) {
  write("/proc/self/cgroup", "0::/");
  write("/sys/fs/cgroup/memory.max", "1000");
  EXPECT_EQ(granted(), 1000u);
}

TEST_F(memory_granted_of, a_service_is_the_least_of_its_group_and_those_around_it) {
  write("/proc/self/cgroup", "0::/system.slice/naru.service");
  write("/sys/fs/cgroup/system.slice/naru.service/memory.max", "max");
  EXPECT_EQ(granted(), UINT64_MAX);
  write("/sys/fs/cgroup/system.slice/memory.max", "3000");
  EXPECT_EQ(granted(), 3000u);
  write("/sys/fs/cgroup/system.slice/naru.service/memory.max", "2000");
  EXPECT_EQ(granted(), 2000u);
}

TEST_F(memory_granted_of, the_first_version_of_groups_has_its_own_files) {
  write("/proc/self/cgroup", "5:cpuset:/other\n4:cpu,memory:/docker/1f\n0::/");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  write("/sys/fs/cgroup/memory/docker/1f/memory.limit_in_bytes", "4000");
  EXPECT_EQ(granted(), 4000u);
}

TEST_F(memory_granted_of, a_container_that_sees_its_hosts_path_has_its_own_root) {
  write("/proc/self/cgroup", "4:memory:/docker/1f");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4000");
  EXPECT_EQ(granted(), 4000u);
}

}  // namespace
}  // namespace naru::io
