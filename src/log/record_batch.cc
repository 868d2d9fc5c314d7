#include "log/record_batch.h"

#include <algorithm>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "log/record.h"

namespace naru {
namespace {

// Where the fields lie; the picture is in the header.
enum Place : size_t {
  base_offset_at = 0,
  length_at = 8,
  leader_epoch_at = 12,
  magic_at = 16,
  crc_at = 17,
  attributes_at = 21,  // the checksum covers everything from here on
  last_offset_delta_at = 23,
  base_timestamp_at = 27,
  max_timestamp_at = 35,
  producer_id_at = 43,
  producer_epoch_at = 51,
  base_sequence_at = 53,
  count_at = 57,
};
static_assert(count_at + sizeof(int32_t) == batch_header_bytes);
constexpr int32_t batch_length_min = batch_header_bytes - batch_prefix_bytes;

BatchHeader decode(const uint8_t* at) {
  return {.base_offset = Offset(load_be<int64_t>(at + base_offset_at)),
          .batch_length = load_be<int32_t>(at + length_at),
          .leader_epoch = load_be<int32_t>(at + leader_epoch_at),
          .magic = static_cast<int8_t>(at[magic_at]),
          .crc = load_be<uint32_t>(at + crc_at),
          .attributes = load_be<int16_t>(at + attributes_at),
          .last_offset_delta = load_be<int32_t>(at + last_offset_delta_at),
          .base_timestamp = load_be<int64_t>(at + base_timestamp_at),
          .max_timestamp = load_be<int64_t>(at + max_timestamp_at),
          .producer_id = load_be<int64_t>(at + producer_id_at),
          .producer_epoch = load_be<int16_t>(at + producer_epoch_at),
          .base_sequence = load_be<int32_t>(at + base_sequence_at),
          .count = load_be<int32_t>(at + count_at)};
}

// The magic first: in the formats before v2 the other fields lie elsewhere.
Result<void> check_magic_and_length(const BatchHeader& header) {
  if (header.magic == 0 || header.magic == 1) return fail(Code::unsupported, "message format before v2", header.magic);
  if (header.magic != 2) return fail(Code::corrupt, "unknown magic", header.magic);
  if (header.batch_length < batch_length_min) return fail(Code::corrupt, "batch length too small", header.batch_length);
  if (header.batch_length > INT32_MAX - static_cast<int32_t>(batch_prefix_bytes))
    return fail(Code::corrupt, "batch length too large", header.batch_length);
  return {};
}

bool offsets_fit(const BatchHeader& header) {
  return header.last_offset_delta >= 0 && header.base_offset.value < INT64_MAX - header.last_offset_delta;
}

void store_crc(std::span<uint8_t> batch) {
  store_be(batch.data() + crc_at, crc32c(ByteView(batch).subspan(attributes_at)));
}

// What both kinds of batches have in common: whole, undamaged, with a body that can be understood.
Result<BatchHeader> validate_frame(ByteView batch) {
  if (batch.size() < batch_header_bytes)
    return fail(Code::invalid, "no whole batch", static_cast<int64_t>(batch.size()));
  BatchHeader header = decode(batch.data());
  TRY_VOID(check_magic_and_length(header));
  if (header.size_bytes() != batch.size()) return fail(Code::invalid, "not exactly one batch", header.batch_length);
  if (header.crc != crc32c(batch.subspan(attributes_at))) return fail(Code::corrupt, "checksum of the batch");
  if (header.attributes & ~Attribute::known) return fail(Code::invalid, "unknown attributes", header.attributes);
  if ((header.attributes & Attribute::codec_mask) >= codecs)
    return fail(Code::invalid, "unknown codec", header.attributes);
  if (!offsets_fit(header)) return fail(Code::invalid, "offsets out of range", header.last_offset_delta);
  if (header.has_producer() && header.producer_epoch < 0) return fail(Code::invalid, "producer without epoch");
  if (header.is_transactional() && !header.has_producer()) return fail(Code::invalid, "transaction without producer");
  return header;
}

}  // namespace

Result<BatchHeader> peek_header(ByteView bytes) {
  if (bytes.size() < batch_header_bytes) return fail(Code::out_of_range, "less than a header", batch_header_bytes);
  BatchHeader header = decode(bytes.data());
  TRY_VOID(check_magic_and_length(header));
  if (!offsets_fit(header) || header.count < 0)
    return fail(Code::corrupt, "offsets out of range", header.base_offset.value);
  return header;
}

Result<BatchHeader> validate(ByteView batch, Walk walk, RecordFacts* facts) {
  BatchHeader header = TRY(validate_frame(batch));
  if (header.is_control()) return fail(Code::invalid, "control batch from a producer");
  if (header.has_delete_horizon()) return fail(Code::invalid, "delete horizon from a producer");
  if (header.count <= 0) return fail(Code::invalid, "no records", header.count);
  if (header.last_offset_delta != header.count - 1)
    return fail(Code::invalid, "count and offsets differ", header.count);
  if (header.has_producer() && header.base_sequence < 0) return fail(Code::invalid, "producer without sequence");
  if (walk == Walk::records && header.codec() == Codec::none) {
    RecordFacts found = TRY(walk_records(header, batch.subspan(batch_header_bytes), Origin::producer));
    if (facts) *facts = found;
  }
  return header;
}

Result<BatchHeader> validate_stored(ByteView batch, Walk walk) {
  BatchHeader header = TRY(validate_frame(batch));
  if (header.base_offset.value < 0) return fail(Code::invalid, "negative offset", header.base_offset.value);
  if (header.count < 0 || header.count - 1 > header.last_offset_delta)
    return fail(Code::invalid, "count and offsets differ", header.count);
  if (walk == Walk::records && header.codec() == Codec::none)
    TRY(walk_records(header, batch.subspan(batch_header_bytes), Origin::stored));
  return header;
}

Result<RecordFacts> walk_records(const BatchHeader& header, ByteView records, Origin origin) {
  RecordFacts facts;
  RawRecord record;
  const uint8_t *at = records.data(), *end = at + records.size();
  int32_t before = -1;
  int64_t max_delta = INT64_MIN, earliest = INT64_MAX;
  for (int32_t i = 0; i < header.count; ++i) {
    at = parse_record(at, end, &record);
    if (!at) return fail(Code::invalid, "record is malformed", i);
    if (origin == Origin::producer ? record.offset_delta != i : record.offset_delta <= before)
      return fail(Code::invalid, "records out of order", i);
    before = record.offset_delta;
    facts.has_null_key |= record.key_bytes < 0;
    facts.value_bytes += std::max(record.value_bytes, 0);
    max_delta = std::max(max_delta, record.timestamp_delta);
    int64_t timestamp = timestamp_of(header.base_timestamp, record.timestamp_delta);
    if (timestamp < earliest && timestamp != no_timestamp) earliest = timestamp;
  }
  if (at != end) return fail(Code::invalid, "bytes behind the last record", end - at);
  if (before > header.last_offset_delta) return fail(Code::invalid, "records past the last offset", before);
  if (header.log_append_time()) {
    facts.max_timestamp = facts.min_timestamp = header.max_timestamp;
  } else if (header.count > 0) {
    facts.max_timestamp = timestamp_of(header.base_timestamp, max_delta);
    if (earliest != INT64_MAX) facts.min_timestamp = earliest;
  }
  return facts;
}

void set_base_offset(std::span<uint8_t> batch, Offset base) {
  CHECK(batch.size() >= batch_header_bytes);
  store_be(batch.data() + base_offset_at, base.value);
}

void set_leader_epoch(std::span<uint8_t> batch, int32_t epoch) {
  CHECK(batch.size() >= batch_header_bytes);
  store_be(batch.data() + leader_epoch_at, epoch);
}

void set_log_append_time(std::span<uint8_t> batch, int64_t now_ms) {
  CHECK(batch.size() >= batch_header_bytes);
  auto attributes = load_be<int16_t>(batch.data() + attributes_at);
  store_be(batch.data() + attributes_at, static_cast<int16_t>(attributes | Attribute::log_append_time));
  set_max_timestamp(batch, now_ms);
}

void clear_log_append_time(std::span<uint8_t> batch) {
  CHECK(batch.size() >= batch_header_bytes);
  auto attributes = load_be<int16_t>(batch.data() + attributes_at);
  store_be(batch.data() + attributes_at, static_cast<int16_t>(attributes & ~Attribute::log_append_time));
  store_crc(batch);
}

void set_max_timestamp(std::span<uint8_t> batch, int64_t ms) {
  CHECK(batch.size() >= batch_header_bytes);
  store_be(batch.data() + max_timestamp_at, ms);
  store_crc(batch);
}

void seal_batch(std::span<uint8_t> batch, const BatchHeader& header) {
  CHECK(batch.size() >= batch_header_bytes && batch.size() <= INT32_MAX);
  uint8_t* at = batch.data();
  store_be(at + base_offset_at, header.base_offset.value);
  store_be(at + length_at, static_cast<int32_t>(batch.size() - batch_prefix_bytes));
  store_be(at + leader_epoch_at, header.leader_epoch);
  at[magic_at] = 2;
  store_be(at + attributes_at, header.attributes);
  store_be(at + last_offset_delta_at, header.last_offset_delta);
  store_be(at + base_timestamp_at, header.base_timestamp);
  store_be(at + max_timestamp_at, header.max_timestamp);
  store_be(at + producer_id_at, header.producer_id);
  store_be(at + producer_epoch_at, header.producer_epoch);
  store_be(at + base_sequence_at, header.base_sequence);
  store_be(at + count_at, header.count);
  store_crc(batch);
}

}  // namespace naru
