#pragma once
// Finding a record by its time. The facts of a segment say whether it may have the record; which batch has it is said
// by the headers, of which a segment may have millions, and the batch may have to be inflated: another thread looks.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "io/disk.h"
#include "io/loop.h"
#include "log/log_state.h"
#include "log/record_batch.h"

namespace naru {

class Log;
class SegmentWalk;

struct FoundRecord {
  Offset offset;
  int64_t timestamp;
  int32_t epoch;
};
using MaybeRecord = std::optional<FoundRecord>;

/// Batches that lie in a file one after another, but for holes.
struct SegmentPart {
  std::shared_ptr<io::File> file;
  Offset segment{};
  uint32_t version = 0;  // of the segment
  uint64_t from = 0, to = 0;
  std::span<const Hole> holes;
};

/// What is looked for: the first record that is not older than a time; nothing: the first of the newest ones.
using WantedTime = std::optional<int64_t>;

/// What is known of the segments that a search came to.
class TimeSearch {
 public:
  explicit TimeSearch(WantedTime wanted) : wanted(wanted) {}
  const WantedTime wanted;

  /// The record that is wanted, of those of the part that are not below `begin`. Code::busy if look() has to be called
  /// first. What was appended since the search came there is not looked for.
  Result<MaybeRecord> in(const SegmentPart& part, Offset begin, WantedTime time);
  /// Takes some milliseconds, and a disk; may be called by any thread.
  void look();
  /// The greatest time that a segment had when the search came to it: one that grows would be looked at for ever.
  int64_t greatest_time(const Segment& segment);

 private:
  using Version = std::pair<Offset, uint32_t>;  // of a segment
  std::map<std::pair<Version, WantedTime>, std::shared_ptr<SegmentWalk>> walks_;
  std::map<Version, int64_t> greatest_;
  SegmentWalk* next_ = nullptr;
};

/// Searches the log that `log` gives, which is asked again after every wait; null says that it is gone (Code::closed).
/// Other threads read and inflate for it.
io::Task<Result<MaybeRecord>> find_by_time(io::Loop& loop, std::function<Log*()> log, WantedTime wanted);

}  // namespace naru
