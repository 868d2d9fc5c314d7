#include "record_batch.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <ctime>

#include "wire.h"

namespace naru::load {
namespace {

// Where the fields of a batch's header stand. The checksum covers all from `attributes_at` on.
constexpr size_t length_at = 8, crc_at = 17, attributes_at = 21, last_offset_delta_at = 23, count_at = 57;
constexpr size_t header_bytes = 61;

uint32_t crc32c(std::string_view bytes) {
  auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));  // ISA-L's signature lacks const
  return ~crc32_iscsi(data, static_cast<int>(bytes.size()), 0xffffffff);
}

void put_varint(std::string& out, int64_t value) {  // zigzag, then 7 bits a byte
  uint64_t bits = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  for (; bits >= 0x80; bits >>= 7) out.push_back(static_cast<char>(bits | 0x80));
  out.push_back(static_cast<char>(bits));
}

int64_t take_varint(std::string_view& in) {
  uint64_t bits = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (in.empty()) break;
    const auto byte = static_cast<uint8_t>(in.front());
    in.remove_prefix(1);
    bits |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return static_cast<int64_t>(bits >> 1) ^ -static_cast<int64_t>(bits & 1);
  }
  fail("a record that ends in the middle");
}

void put_record(std::string& out, int64_t offset_delta, std::string_view value) {
  std::string record;
  record.push_back(0);    // attributes
  put_varint(record, 0);  // timestamp delta
  put_varint(record, offset_delta);
  put_varint(record, -1);  // no key
  put_varint(record, static_cast<int64_t>(value.size()));
  record.append(value);
  put_varint(record, 0);  // no headers
  put_varint(out, static_cast<int64_t>(record.size()));
  out.append(record);
}

int64_t wall_ms() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

std::string empty_header() {
  Writer header;
  const int64_t now_ms = wall_ms();
  header.i64(0).i32(0).i32(-1).i8(2).i32(0);     // base offset, length, leader epoch, magic, checksum
  header.i16(0).i32(0).i64(now_ms).i64(now_ms);  // attributes, last offset delta, first and last timestamp
  header.i64(-1).i16(-1).i32(-1).i32(0);         // no producer id, so no sequence; count
  return header.take();
}

void seal(Batch& batch) {
  char* header = batch.bytes.data();
  write_at(header + length_at, static_cast<int32_t>(batch.bytes.size() - length_at - 4));
  write_at(header + last_offset_delta_at, static_cast<int32_t>(batch.records - 1));
  write_at(header + count_at, static_cast<int32_t>(batch.records));
  write_at(header + crc_at, crc32c(std::string_view(batch.bytes).substr(attributes_at)));
}

// Text-like filler without long runs, so that no layer below profits from zeros.
std::string filler(size_t bytes) {
  std::string text(bytes, '\0');
  uint32_t state = 0x9e3779b9;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>('a' + (state >> 24) % 26);
  }
  return text;
}

}  // namespace

Batch full_batch(size_t value_bytes, size_t batch_bytes) {
  Batch batch{.bytes = empty_header()};
  const std::string source = filler(value_bytes + 4096);
  size_t before = 0;
  do {
    before = batch.bytes.size();
    put_record(batch.bytes, batch.records, std::string_view(source).substr(batch.records * 61 % 4096, value_bytes));
    ++batch.records;
  } while (batch.bytes.size() <= batch_bytes);
  if (batch.records > 1) {  // the last one went over
    batch.bytes.resize(before);
    --batch.records;
  }
  seal(batch);
  return batch;
}

Batch stamped_batch(const std::vector<Stamp>& stamps, size_t value_bytes) {
  thread_local std::string value;
  if (value.size() != value_bytes) value = filler(value_bytes);
  Batch batch{.bytes = empty_header()};
  for (const Stamp& stamp : stamps) {
    write_at(value.data(), stamp.scheduled_ns);
    write_at(value.data() + 8, stamp.sequence);
    put_record(batch.bytes, batch.records++, value);
  }
  seal(batch);
  return batch;
}

bool next_batch(std::string_view& records, BatchView& into) {
  if (records.size() < header_bytes) return false;
  const char* header = records.data();
  const size_t bytes = static_cast<size_t>(read_at<uint32_t>(header + length_at)) + length_at + 4;
  if (bytes < header_bytes) fail("a batch shorter than its header");
  if (records.size() < bytes) return false;
  into.base_offset = read_at<int64_t>(header);
  into.last_offset_delta = read_at<int32_t>(header + last_offset_delta_at);
  into.records = read_at<uint32_t>(header + count_at);
  into.body = records.substr(header_bytes, bytes - header_bytes);
  records.remove_prefix(bytes);
  return true;
}

std::string_view next_value(std::string_view& body) {
  const int64_t record_bytes = take_varint(body);
  if (record_bytes < 1 || static_cast<uint64_t>(record_bytes) > body.size()) fail("a record longer than its batch");
  std::string_view record = body.substr(1, static_cast<size_t>(record_bytes) - 1);  // past the attributes
  body.remove_prefix(static_cast<size_t>(record_bytes));
  take_varint(record);  // timestamp delta
  take_varint(record);  // offset delta
  const int64_t key_bytes = take_varint(record);
  if (key_bytes > 0) fail("a record with a key, which this program did not write");
  const int64_t value_bytes = take_varint(record);
  if (value_bytes < 0 || static_cast<uint64_t>(value_bytes) > record.size()) fail("a value longer than its record");
  return record.substr(0, static_cast<size_t>(value_bytes));
}

Stamp stamp_of(std::string_view value) {
  if (value.size() < stamp_bytes) fail("a value without a stamp: the topic holds records of another run");
  return {.scheduled_ns = read_at<int64_t>(value.data()), .sequence = read_at<int64_t>(value.data() + 8)};
}

}  // namespace naru::load
