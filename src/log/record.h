#pragma once
// Reading the records of a batch, whatever its codec, without an allocation per record.
//
// A record: length varint | attributes i8 | timestamp delta varint64 | offset delta varint | key length varint (-1
// null), key | value length varint (-1 null), value | header count varint, then per header: name length varint, name,
// value length varint (-1 null), value. Varints are zigzag.
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/varint.h"
#include "log/record_batch.h"

namespace naru {

/// A name with a value, in the order that the producer gave; names may repeat.
struct Header {
  std::string_view name{};
  std::optional<ByteView> value{};
};

/// The headers of one record, decoded while iterating: `for (Header h : record.headers)`. Borrows the batch.
/// Only made from bytes that parse_record has checked.
class Headers {
 public:
  Headers() = default;
  Headers(ByteView raw, int32_t count) : raw_(raw), count_(count) {}

  class Iterator {
   public:
    Iterator(const uint8_t* at, const uint8_t* end, int32_t left) : at_(at), end_(end), left_(left) {
      if (left_ > 0) decode();
    }
    const Header& operator*() const { return header_; }
    Iterator& operator++() {
      if (--left_ > 0) decode();
      return *this;
    }
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    void decode();
    const uint8_t *at_, *end_;
    int32_t left_;
    Header header_;
  };
  Iterator begin() const { return {raw_.data(), raw_.data() + raw_.size(), count_}; }
  Iterator end() const { return {nullptr, nullptr, 0}; }
  int32_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  /// The value of the first header of this name; null if there is none, or none in it.
  std::optional<ByteView> find(std::string_view name) const;
  /// As encoded, without the count: for copying all of them unseen.
  ByteView raw() const { return raw_; }

 private:
  ByteView raw_;
  int32_t count_ = 0;
};

/// Borrows the batch, or the reader that decompressed it.
struct Record {
  Offset offset{};
  int64_t timestamp = no_timestamp;  // ms since 1970
  std::optional<ByteView> key{}, value{};
  Headers headers{};
};

/// What a batch may inflate to unless the caller knows better: a batch of 1 MiB, Kafka's default limit, of the most
/// repetitive text.
inline constexpr size_t inflated_bytes_max = 128 * MiB;

/// Walks one batch: `while (TRY(reader.next(&record)))`. Checks every record on its way.
class RecordReader {
 public:
  /// `batch` holds one whole batch, as peek_header or validate understands it, and outlives the reader unless it is
  /// compressed. Compressed bodies are inflated here, once, to at most `bytes_max`.
  static Result<RecordReader> open(ByteView batch, size_t bytes_max = inflated_bytes_max);

  /// False after the last record. An error if a record is malformed (detail = its number) or bytes are left at the end.
  Result<bool> next(Record* record);
  /// Back to the first record, without inflating again.
  void rewind() { at_ = begin_, done_ = 0, before_ = -1; }
  const BatchHeader& header() const { return header_; }

  RecordReader(RecordReader&&) = default;
  RecordReader& operator=(RecordReader&&) = default;

 private:
  RecordReader(const BatchHeader& header, ByteView records, Bytes inflated)
      : header_(header), inflated_(std::move(inflated)), begin_(records.data()), end_(begin_ + records.size()) {}
  BatchHeader header_;
  Bytes inflated_;  // moving a vector keeps its buffer, so that the pointers stay good
  const uint8_t *begin_, *end_, *at_ = begin_;
  int32_t done_ = 0, before_ = -1;
};

/// As walk_records for a batch of any codec: inflates it to at most `bytes_max` and walks all records.
Result<RecordFacts> check_records(const BatchHeader& header, ByteView batch, Origin origin,
                                  size_t bytes_max = inflated_bytes_max);

/// Appends one record as it lies in a batch. `headers_raw` holds `header_count` headers in their encoding.
void append_record(Bytes& to, int64_t timestamp_delta, int32_t offset_delta, std::optional<ByteView> key,
                   std::optional<ByteView> value, ByteView headers_raw, int32_t header_count);
void append_header(Bytes& to, const Header& header);

/// A delta from the wire can be anything; a sum that overflows wraps instead of being undefined.
inline int64_t timestamp_of(int64_t base, int64_t delta) {
  return static_cast<int64_t>(static_cast<uint64_t>(base) + static_cast<uint64_t>(delta));
}

// What follows is the one parser of records, inline because validating a batch is nothing but this.

/// One record as it lies in a batch. A length of -1 says null.
struct RawRecord {
  int64_t timestamp_delta;
  const uint8_t *key, *value, *headers, *end;
  int32_t offset_delta, key_bytes, value_bytes, header_count;
};

/// Reads a zigzag number that must fit 32 bits; null if it does not or is cut short.
inline const uint8_t* parse_varint32(const uint8_t* at, const uint8_t* end, int32_t* value) {
  if (at < end && *at < 0x80) [[likely]] {
    *value = (*at >> 1) ^ -(*at & 1);
    return at + 1;
  }
  uint64_t raw = 0;
  int used = load_uvarint({at, static_cast<size_t>(end - at)}, &raw, varint32_bytes_max);
  if (used == 0 || raw > UINT32_MAX) return nullptr;
  *value = static_cast<int32_t>(unzigzag(raw));
  return at + used;
}

/// Reads a length and skips as many bytes. -1 is fine where `null_allowed`.
inline const uint8_t* parse_bytes(const uint8_t* at, const uint8_t* end, bool null_allowed, const uint8_t** from,
                                  int32_t* bytes) {
  at = parse_varint32(at, end, bytes);
  if (!at || *bytes < (null_allowed ? -1 : 0)) return nullptr;
  *from = at;
  if (*bytes < 0) return at;
  return *bytes <= end - at ? at + *bytes : nullptr;
}

/// Parses and bounds-checks the record at `at`. Returns where the next one begins, or null if this one is malformed.
inline const uint8_t* parse_record(const uint8_t* at, const uint8_t* end, RawRecord* record) {
  int32_t length;
  at = parse_varint32(at, end, &length);
  if (!at || length < 1 || length > end - at) return nullptr;
  end = record->end = at + length;
  ++at;  // attributes of a record: unused so far, and ignored by every broker
  if (at < end && *at < 0x80) [[likely]] {
    record->timestamp_delta = (*at >> 1) ^ -(*at & 1);
    ++at;
  } else {
    int used = load_varint({at, end}, &record->timestamp_delta);
    if (used == 0) return nullptr;
    at += used;
  }
  if (!(at = parse_varint32(at, end, &record->offset_delta))) return nullptr;
  if (!(at = parse_bytes(at, end, true, &record->key, &record->key_bytes))) return nullptr;
  if (!(at = parse_bytes(at, end, true, &record->value, &record->value_bytes))) return nullptr;
  if (!(at = parse_varint32(at, end, &record->header_count)) || record->header_count < 0) return nullptr;
  record->headers = at;
  for (int32_t i = 0; i < record->header_count; ++i) {
    const uint8_t* from;
    int32_t bytes;
    if (!(at = parse_bytes(at, end, false, &from, &bytes))) return nullptr;
    if (!(at = parse_bytes(at, end, true, &from, &bytes))) return nullptr;
  }
  return at == end ? at : nullptr;
}

}  // namespace naru
