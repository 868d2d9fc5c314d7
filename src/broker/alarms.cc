#include "broker/alarms.h"

#include "io/logger.h"
#include "io/process.h"

namespace naru {
namespace {

constexpr io::Millis look_ms = 100;
constexpr uint64_t disk_free = 50'000'000;  // RabbitMQ: disk_free_limit; on small disks a twentieth of them

}  // namespace

Alarms::Alarms(io::Loop& loop, std::string folder, uint64_t limit, uint64_t total)
    : memory_limit(limit),
      memory_total(total),
      loop_(loop),
      folder_(std::move(folder)),
      memory_max_(limit),
      disk_free_min_(std::min(disk_free, io::space_of(folder_).total / 20)) {}

bool Alarms::raised() {
  if (loop_.now() >= next_look_) look();
  return low_on_memory_ || low_on_disk_;
}

void Alarms::look() {
  next_look_ = loop_.now() + look_ms;
  // Off again only a little below, so that it does not flutter.
  uint64_t max = low_on_memory_ ? memory_max_ - memory_max_ / 20 : memory_max_;
  uint64_t used = io::memory_used();
  if (used > max) {
    io::give_memory_back();  // what was freed lately is no reason to make anybody wait
    used = io::memory_used();
  }
  note(low_on_memory_, used > max, "memory", used, memory_max_);
  uint64_t min = low_on_disk_ ? disk_free_min_ + disk_free_min_ / 20 : disk_free_min_;
  uint64_t free = io::space_of(folder_).free;
  note(low_on_disk_, free < min, "disk space", free, disk_free_min_);
}

void Alarms::note(bool& state, bool now, const char* what, uint64_t value, uint64_t limit) {
  if (std::exchange(state, now) == now) return;
  if (now) {
    io::log(io::Level::warning, "alarm: AMQP publishers wait", {{"low_on", what}, {"bytes", value}, {"limit", limit}});
  } else {
    io::log(io::Level::info, "alarm is over: AMQP publishers go on",
            {{"low_on", what}, {"bytes", value}, {"limit", limit}});
  }
}

std::string Alarms::reason() const {
  if (low_on_memory_ && low_on_disk_) return "low on memory & disk";
  return low_on_memory_ ? "low on memory" : "low on disk";
}

void Alarms::set_memory_max(uint64_t bytes) {
  memory_max_ = bytes;
  next_look_ = 0;
}

void Alarms::set_disk_free_min(uint64_t bytes) {
  disk_free_min_ = bytes;
  next_look_ = 0;
}

}  // namespace naru
