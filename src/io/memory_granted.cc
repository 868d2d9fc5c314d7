#include "io/memory_granted.h"

#include <algorithm>
#include <fstream>

namespace naru::io {
namespace {

/// The number in a file; without one ("max") or without the file there is no limit.
uint64_t limit_in(const std::string& path) {
  uint64_t limit = 0;
  std::ifstream file(path);
  return file >> limit && limit > 0 ? limit : UINT64_MAX;
}

/// A group has the limits of all that it is in. What lies outside of a container's own view is simply not found.
uint64_t smallest_upwards(const std::string& mount, std::string group, const char* file) {
  uint64_t smallest = UINT64_MAX;
  while (true) {
    if (group == "/") group.clear();
    smallest = std::min(smallest, limit_in(mount + group + file));
    if (group.empty()) return smallest;
    group.erase(std::min(group.rfind('/'), group.size()));
  }
}

/// "memory" among "cpu,memory".
bool has_memory(std::string_view controllers) {
  while (!controllers.empty()) {
    size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == "memory") return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

}  // namespace

uint64_t memory_granted(const std::string& root) {
  std::string mount = root + "/sys/fs/cgroup";
  uint64_t smallest = std::min(limit_in(mount + "/memory.max"), limit_in(mount + "/memory/memory.limit_in_bytes"));
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "0::/system.slice/naru.service", "4:cpu,memory:/docker/1f"
    size_t first = line.find(':'), second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string group = line.substr(second + 1);
    if (group.empty() || group[0] != '/') continue;
    std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
    if (controllers.empty()) smallest = std::min(smallest, smallest_upwards(mount, group, "/memory.max"));
    if (has_memory(controllers))
      smallest = std::min(smallest, smallest_upwards(mount + "/memory", group, "/memory.limit_in_bytes"));
  }
  return smallest;
}

}  // namespace naru::io
