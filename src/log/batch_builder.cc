#include "log/batch_builder.h"

#include <algorithm>

#include "base/check.h"

namespace naru {

BatchBuilder::BatchBuilder(const BatchOptions& options)
    : level_(options.level), fixed_base_timestamp_(options.delete_horizon_ms.has_value()), next_(options.base_offset) {
  header_.base_offset = options.base_offset;
  header_.leader_epoch = options.leader_epoch;
  header_.producer_id = options.producer_id;
  header_.producer_epoch = options.producer_epoch;
  header_.base_sequence = options.base_sequence;
  header_.max_timestamp = options.log_append_time_ms.value_or(no_timestamp);
  header_.base_timestamp = options.delete_horizon_ms.value_or(0);
  int attributes = static_cast<int>(options.codec);
  if (options.log_append_time_ms) attributes |= Attribute::log_append_time;
  if (options.transactional) attributes |= Attribute::transactional;
  if (options.control) attributes |= Attribute::control;
  if (options.delete_horizon_ms) attributes |= Attribute::delete_horizon;
  header_.attributes = static_cast<int16_t>(attributes);
  out_.resize(batch_header_bytes);
}

void BatchBuilder::add(const NewRecord& record) {
  headers_.clear();
  for (const Header& header : record.headers) append_header(headers_, header);
  add_encoded(next_, record.timestamp, record.key, record.value, headers_, static_cast<int32_t>(record.headers.size()));
}

void BatchBuilder::copy(const Record& record) {
  add_encoded(record.offset, record.timestamp, record.key, record.value, record.headers.raw(), record.headers.size());
}

void BatchBuilder::add_encoded(Offset offset, int64_t timestamp, std::optional<ByteView> key,
                               std::optional<ByteView> value, ByteView headers_raw, int32_t header_count) {
  CHECK(offset >= next_ && offset - header_.base_offset <= INT32_MAX);
  if (header_.count == 0 && !fixed_base_timestamp_) header_.base_timestamp = timestamp;
  if (!header_.log_append_time()) header_.max_timestamp = std::max(header_.max_timestamp, timestamp);
  header_.last_offset_delta = static_cast<int32_t>(offset - header_.base_offset);
  auto delta = static_cast<int64_t>(static_cast<uint64_t>(timestamp) - static_cast<uint64_t>(header_.base_timestamp));
  append_record(out_, delta, header_.last_offset_delta, key, value, headers_raw, header_count);
  next_ = offset + 1;
  ++header_.count;
}

Result<Bytes> BatchBuilder::finish() {
  CHECK(header_.count > 0);
  return finish_at(header_.last_offset());
}

Result<Bytes> BatchBuilder::finish_at(Offset last, int64_t max_timestamp) {
  CHECK(last + 1 >= next_ && last >= header_.base_offset && last - header_.base_offset <= INT32_MAX);
  header_.last_offset_delta = static_cast<int32_t>(last - header_.base_offset);
  if (header_.count == 0 && !header_.log_append_time()) header_.max_timestamp = max_timestamp;
  if (header_.codec() != Codec::none && header_.count > 0) {
    Bytes body = TRY(compress(Compression{header_.codec(), level_}, ByteView(out_).subspan(batch_header_bytes)));
    out_.resize(batch_header_bytes);
    append(out_, body);
  }
  if (out_.size() > INT32_MAX) return fail(Code::too_large, "batch", static_cast<int64_t>(out_.size()));
  seal_batch(out_, header_);
  return std::move(out_);
}

}  // namespace naru
