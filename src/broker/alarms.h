#pragma once
// Whether memory or space on the disk run short: then who publishes waits, and who consumes goes on, which is what
// helps.
#include <string>

#include "io/loop.h"

namespace naru {

class Alarms {
 public:
  /// Watches the disk that `folder` is on. Bytes of memory: what the process may take, what the machine has.
  Alarms(io::Loop& loop, std::string folder, uint64_t memory_limit, uint64_t memory_total);

  const uint64_t memory_limit, memory_total;

  /// Anybody may ask at any time: it looks ten times a second at most.
  bool raised();
  bool low_on_memory() const { return low_on_memory_; }
  bool low_on_disk() const { return low_on_disk_; }
  /// "low on memory", "low on disk", "low on memory & disk".
  std::string reason() const;

  uint64_t memory_max() const { return memory_max_; }
  uint64_t disk_free_min() const { return disk_free_min_; }
  void set_memory_max(uint64_t bytes);
  void set_disk_free_min(uint64_t bytes);

 private:
  void look();
  void note(bool& state, bool now, const char* what, uint64_t value, uint64_t limit);

  io::Loop& loop_;
  const std::string folder_;
  uint64_t memory_max_, disk_free_min_;
  bool low_on_memory_ = false, low_on_disk_ = false;
  io::Millis next_look_ = 0;
};

}  // namespace naru
