#pragma once
// Runs log compaction (compact.h) on a log's sealed segments: reads and rewrites them on the bulk lane, then has the
// store put the new files in the place of the old ones in one journaled step.
#include "log/compact.h"
#include "log/store.h"

namespace naru {

/// When the log is due, on the wall clock: now if enough of its sealed bytes are new since it was last compacted
/// (min.cleanable.dirty.ratio), or any is older than max.compaction.lag.ms; later if only time is missing; io::never if
/// nothing happens without more appends.
int64_t compaction_time(const Log& log, int64_t wall_ms);

/// Compacts what it can with `map_bytes` of memory for keys. Returns how many bytes the log lost; 0 if it changed
/// meanwhile. The log may be deleted while this runs.
io::Task<Result<uint64_t>> compact(Store& store, StreamId stream, size_t map_bytes, HashSecret secret);

}  // namespace naru
