#include "log/record.h"

#include "base/check.h"

namespace naru {
namespace {

std::optional<ByteView> view_of(const uint8_t* from, int32_t bytes) {
  if (bytes < 0) return std::nullopt;
  return ByteView{from, static_cast<size_t>(bytes)};
}

uint8_t* put_varint(uint8_t* at, int64_t value) {
  uint64_t rest = zigzag(value);
  for (; rest >= 0x80; rest >>= 7) *at++ = static_cast<uint8_t>(rest | 0x80);
  *at++ = static_cast<uint8_t>(rest);
  return at;
}

uint8_t* put_bytes(uint8_t* at, ByteView bytes) {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

uint8_t* put_nullable(uint8_t* at, std::optional<ByteView> bytes) {
  at = put_varint(at, bytes ? static_cast<int64_t>(bytes->size()) : -1);
  return bytes ? put_bytes(at, *bytes) : at;
}

int64_t nullable_size(std::optional<ByteView> bytes) {
  if (!bytes) return varint_size(-1);
  auto size = static_cast<int64_t>(bytes->size());
  return varint_size(size) + size;
}

}  // namespace

void Headers::Iterator::decode() {
  const uint8_t *name = nullptr, *value = nullptr;
  int32_t name_bytes = 0, value_bytes = 0;
  at_ = parse_bytes(at_, end_, false, &name, &name_bytes);
  if (at_) at_ = parse_bytes(at_, end_, true, &value, &value_bytes);
  CHECK(at_);  // parse_record has seen these bytes
  header_ = {text({name, static_cast<size_t>(name_bytes)}), view_of(value, value_bytes)};
}

std::optional<ByteView> Headers::find(std::string_view name) const {
  for (const Header& header : *this)
    if (header.name == name) return header.value;
  return std::nullopt;
}

Result<RecordReader> RecordReader::open(ByteView batch, size_t bytes_max) {
  BatchHeader header = TRY(peek_header(batch));
  if (header.size_bytes() != batch.size()) return fail(Code::invalid, "not exactly one batch", header.batch_length);
  ByteView records = batch.subspan(batch_header_bytes);
  if (header.codec() == Codec::none || header.count == 0) return RecordReader(header, records, {});
  Bytes inflated = TRY(decompress(header.codec(), records, bytes_max));
  records = inflated;
  return RecordReader(header, records, std::move(inflated));
}

Result<bool> RecordReader::next(Record* record) {
  if (done_ == header_.count) {
    if (at_ != end_) return fail(Code::invalid, "bytes behind the last record", end_ - at_);
    return false;
  }
  RawRecord raw;
  const uint8_t* after = parse_record(at_, end_, &raw);
  if (!after) return fail(Code::invalid, "record is malformed", done_);
  if (raw.offset_delta <= before_ || raw.offset_delta > header_.last_offset_delta)
    return fail(Code::invalid, "records out of order", done_);
  at_ = after;
  before_ = raw.offset_delta;
  ++done_;
  record->offset = header_.base_offset + raw.offset_delta;
  record->timestamp =
      header_.log_append_time() ? header_.max_timestamp : timestamp_of(header_.base_timestamp, raw.timestamp_delta);
  record->key = view_of(raw.key, raw.key_bytes);
  record->value = view_of(raw.value, raw.value_bytes);
  record->headers = Headers({raw.headers, raw.end}, raw.header_count);
  return true;
}

Result<RecordFacts> check_records(const BatchHeader& header, ByteView batch, Origin origin, size_t bytes_max) {
  ByteView records = batch.subspan(batch_header_bytes);
  if (header.codec() == Codec::none || header.count == 0) return walk_records(header, records, origin);
  Bytes inflated = TRY(decompress(header.codec(), records, bytes_max));
  return walk_records(header, inflated, origin);
}

void append_record(Bytes& to, int64_t timestamp_delta, int32_t offset_delta, std::optional<ByteView> key,
                   std::optional<ByteView> value, ByteView headers_raw, int32_t header_count) {
  int64_t length = 1 + varint_size(timestamp_delta) + varint_size(offset_delta) + nullable_size(key) +
                   nullable_size(value) + varint_size(header_count) + static_cast<int64_t>(headers_raw.size());
  size_t begin = to.size();
  to.resize(begin + static_cast<size_t>(varint_size(length) + length));
  uint8_t* at = put_varint(to.data() + begin, length);
  *at++ = 0;  // attributes
  at = put_varint(at, timestamp_delta);
  at = put_varint(at, offset_delta);
  at = put_nullable(at, key);
  at = put_nullable(at, value);
  at = put_varint(at, header_count);
  at = put_bytes(at, headers_raw);
  DCHECK(at == to.data() + to.size());
}

void append_header(Bytes& to, const Header& header) {
  auto name_bytes = static_cast<int64_t>(header.name.size());
  size_t begin = to.size();
  to.resize(begin + static_cast<size_t>(varint_size(name_bytes) + name_bytes + nullable_size(header.value)));
  uint8_t* at = put_varint(to.data() + begin, name_bytes);
  at = put_bytes(at, view(header.name));
  at = put_nullable(at, header.value);
  DCHECK(at == to.data() + to.size());
}

}  // namespace naru
