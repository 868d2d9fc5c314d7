#pragma once
// Builds record batches: for the protocols that bring single messages, for compaction, and for tests.
#include <optional>
#include <span>

#include "base/bytes.h"
#include "log/record.h"
#include "log/record_batch.h"

namespace naru {

/// What a batch says of itself beside its records. The defaults are those of a producer without idempotence.
struct BatchOptions {
  Offset base_offset{};
  Codec codec = Codec::none;
  std::optional<int> level{};  // of the codec; see Compression
  int32_t leader_epoch = -1;
  int64_t producer_id = no_producer;
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
  bool transactional = false, control = false;
  /// Instead of the greatest timestamp of the records: the broker's clock (then every record has this time).
  std::optional<int64_t> log_append_time_ms{};
  /// When the tombstones in here may go; set by compaction alone.
  std::optional<int64_t> delete_horizon_ms{};
};

/// One record to add. Borrows everything until add returns.
struct NewRecord {
  int64_t timestamp = 0;  // ms since 1970
  std::optional<ByteView> key{}, value{};
  std::span<const Header> headers{};
};

/// Records are encoded as they come, into the buffer that finish hands out: no copy where there is no compression.
///
///   BatchBuilder builder({.codec = Codec::lz4});
///   builder.add({.timestamp = now, .value = body});
///   Bytes batch = TRY(builder.finish());
class BatchBuilder {
 public:
  explicit BatchBuilder(const BatchOptions& options);

  /// Adds a record at the next offset.
  void add(const NewRecord& record);
  /// Adds a record that exists already, at its own offset, which is above all others here and not below the base.
  void copy(const Record& record);

  int32_t count() const { return header_.count; }
  /// What the batch takes so far, before compression.
  size_t bytes() const { return out_.size(); }
  /// Compresses, writes the header and hands the batch out; the builder is used up. Code::too_large if that passes what
  /// a length on the wire can say.
  Result<Bytes> finish();
  /// As finish, for a batch that goes on behind its last record: compaction keeps the last offset of a batch, so that
  /// readers and sequence numbers step over what is gone. `max_timestamp` counts where no record is left.
  Result<Bytes> finish_at(Offset last, int64_t max_timestamp = no_timestamp);

 private:
  void add_encoded(Offset offset, int64_t timestamp, std::optional<ByteView> key, std::optional<ByteView> value,
                   ByteView headers_raw, int32_t header_count);

  BatchHeader header_;
  const std::optional<int> level_;
  bool fixed_base_timestamp_;
  Offset next_;
  Bytes out_;      // room for the header, then the records
  Bytes headers_;  // scratch, so that adding does not allocate per record
};

}  // namespace naru
