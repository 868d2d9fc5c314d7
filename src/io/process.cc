#include "io/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdio>

namespace naru::io {

uint64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (!file) return 0;
  unsigned long long total = 0, resident = 0;
  int fields = std::fscanf(file, "%llu %llu", &total, &resident);
  std::fclose(file);
  return fields == 2 ? resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

uint64_t memory_used() {
  int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[200] = {};
  ssize_t n = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  unsigned long long size = 0, resident = 0, shared = 0;  // in pages
  if (n <= 0 || std::sscanf(text, "%llu %llu %llu", &size, &resident, &shared) != 3 || resident < shared) return 0;
  return (resident - shared) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

int process_id() { return ::getpid(); }

Descriptors descriptors() {
  Descriptors out;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) out.most = limit.rlim_cur;
  struct stat facts{};
  if (::stat("/proc/self/fd", &facts) == 0) out.used = static_cast<uint64_t>(facts.st_size);  // Linux 6.2 says how many
  if (out.used > 0) return out;
  if (DIR* folder = ::opendir("/proc/self/fd")) {
    while (const dirent* one = ::readdir(folder)) out.used += one->d_name[0] != '.';
    ::closedir(folder);
    if (out.used > 0) --out.used;  // the folder's own
  }
  return out;
}

void give_memory_back() { ::malloc_trim(0); }

Space space_of(const std::string& folder) {
  struct statvfs facts{};
  if (::statvfs(folder.c_str(), &facts) != 0) return {};
  return {.free = facts.f_bavail * facts.f_frsize, .total = facts.f_blocks * facts.f_frsize};
}

}  // namespace naru::io
