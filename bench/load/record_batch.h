// Record batches, format v2: built once and sent many times, or built small and often.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace naru::load {

/// One batch with as many records of `value_bytes` as fit in `batch_bytes`, at least one.
struct Batch {
  std::string bytes;
  uint32_t records = 0;
};
Batch full_batch(size_t value_bytes, size_t batch_bytes);

/// What a value begins with when the delay of its record is measured.
struct Stamp {
  int64_t scheduled_ns;  // CLOCK_MONOTONIC when the record should have been sent
  int64_t sequence;      // counts the records of this run
};
inline constexpr size_t stamp_bytes = 16;

/// One batch with a record per stamp; what is left of each value is filler.
Batch stamped_batch(const std::vector<Stamp>& stamps, size_t value_bytes);

/// A batch's header, as found in a fetch answer.
struct BatchView {
  int64_t base_offset;
  int32_t last_offset_delta;
  uint32_t records;
  std::string_view body;  // the records
  int64_t next_offset() const { return base_offset + last_offset_delta + 1; }
};

/// Takes the first whole batch off `records`; false when the rest is none (a fetch may cut the last one).
bool next_batch(std::string_view& records, BatchView& into);

/// Calls `each(stamp)` for every record of a batch of `stamped_batch`s.
template <typename Each>
void for_each_stamp(const BatchView& batch, Each each);

/// The value of the next record; moves `body` past the record.
std::string_view next_value(std::string_view& body);
Stamp stamp_of(std::string_view value);

template <typename Each>
void for_each_stamp(const BatchView& batch, Each each) {
  std::string_view body = batch.body;
  for (uint32_t i = 0; i < batch.records; ++i) each(stamp_of(next_value(body)));
}

}  // namespace naru::load
