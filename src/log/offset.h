#pragma once
#include <cstdint>

#include "base/strong.h"

namespace naru {

/// Counts records in one log, from zero, never reused. Signed as on Kafka's wire, where negative numbers have meanings
/// of their own (earliest, latest); inside naru an Offset that names a record is never negative.
using Offset = Strong<int64_t, struct OffsetTag>;

/// Names one log for ever. Names of topics and queues never enter a log; the catalog maps them to stream ids.
using StreamId = Strong<uint64_t, struct StreamTag>;

/// Names one cursor (a group's, a queue's) for ever, over whatever log it reads.
using CursorId = Strong<uint64_t, struct CursorTag>;

}  // namespace naru
