#pragma once
// Which bytes of a sealed segment nobody needs any more: whole batches whose records every cursor has settled.
#include <optional>

#include "log/ack_cursor.h"
#include "log/log_state.h"

namespace naru {

namespace io {
class File;
}

/// Records [first, last) that all cursors have settled.
struct SettledRun {
  Offset first, last;
};

/// The first such run in [from, limit), as long as it gets. Nothing if there is none, or no cursor.
std::optional<SettledRun> next_settled(std::span<const AckCursor* const> cursors, Offset from, Offset limit);

/// What is known of a segment and its runs, so that it can be looked at where blocking is allowed.
struct SettledSegment {
  Segment segment;
  Offset limit;             // where its records end
  std::vector<Hole> holes;  // that it has already
  std::vector<SettledRun> runs;
};

/// A hole for each run that has `bytes_min` to give. One that takes in older holes has to gain a quarter of that.
Result<std::vector<Hole>> find_holes(io::File& file, const SettledSegment& settled, uint64_t bytes_min);

}  // namespace naru
