#pragma once
// Finding a record by its time. The headers of batches say which batch has it; the batch itself may have to be
// inflated, which may take long: a search stops there, and goes on when another thread has looked into the batch.
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "io/disk.h"
#include "io/loop.h"
#include "log/record_batch.h"

namespace naru {

class Log;

struct FoundRecord {
  Offset offset;
  int64_t timestamp;
  int32_t epoch;
};
using MaybeRecord = std::optional<FoundRecord>;

/// Where a batch lies.
struct BatchPlace {
  std::shared_ptr<io::File> file;
  uint64_t at = 0;
  BatchHeader header;
};

/// What is looked for: the first record that is not older than a time; nothing: the first of the newest ones.
using WantedTime = std::optional<int64_t>;

/// What is known of the batches that a search came to.
class TimeSearch {
 public:
  explicit TimeSearch(WantedTime wanted) : wanted(wanted) {}
  const WantedTime wanted;

  /// The record of the batch that is wanted, from `begin` on. Code::busy if look() has to be called first, which may
  /// take long and may be done by any thread.
  Result<MaybeRecord> in(const BatchPlace& batch, Offset begin, WantedTime time);
  void look();

 private:
  using Key = std::pair<Offset, WantedTime>;  // of a batch
  std::map<Key, Result<MaybeRecord>> known_;
  BatchPlace next_;
  Offset next_begin_{};
  WantedTime next_time_;
};

/// Searches the log that `log` gives, which is asked again after every wait; null says that it is gone (Code::closed).
/// What has to be read or inflated for it is so by other threads.
io::Task<Result<MaybeRecord>> find_by_time(io::Loop& loop, std::function<Log*()> log, WantedTime wanted);

}  // namespace naru
