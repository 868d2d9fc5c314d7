#pragma once
// The engine of `naru check DIR`: is this data folder whole? Recovery's own code says what a start would make of it, on
// an overlay that keeps its changes in memory; then every batch of every log is looked at. Nothing is written.
#include <functional>
#include <optional>
#include <string>

#include "io/disk.h"

namespace naru {

/// One thing to tell about a file.
struct Finding {
  enum class Kind : uint8_t {
    damage,  // something that was durable is not as it was
    note,    // nothing is lost: leftovers of a crash, hints that are built again
  };
  Kind kind;
  std::string file;            // path in the data folder
  std::optional<uint64_t> at;  // byte in the file
  std::string what;            // one sentence: what is wrong and what it means
};

struct CheckFacts {
  uint64_t logs = 0, segments = 0, batches = 0, records = 0, bytes = 0;
  uint64_t journal_entries = 0;  // that the next start replays
  uint64_t damages = 0, notes = 0;
};

struct CheckEvents {
  std::function<void(const Finding&)> found;
  std::function<void(uint64_t bytes_done, uint64_t bytes_total)> progress;  // now and then
};

/// Fails only where there is nothing to check (Code::not_found) or a newer naru wrote it (Code::unsupported).
Result<CheckFacts> check_folder(io::Disk& disk, const CheckEvents& events);

}  // namespace naru
