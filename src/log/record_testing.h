#pragma once
// For fuzz targets and tests: any bytes as a record. Included by those only.
#include "log/record.h"

namespace naru {

/// The record that these bytes are, its time the one that they say; nothing if they are none. Borrows them.
inline std::optional<Record> record_of(ByteView bytes) {
  RawRecord raw;
  if (!parse_record(bytes.data(), bytes.data() + bytes.size(), &raw)) return std::nullopt;
  auto view_of = [](const uint8_t* from, int32_t size) {
    return size < 0 ? std::optional<ByteView>() : ByteView(from, static_cast<size_t>(size));
  };
  return Record{.timestamp = raw.timestamp_delta,
                .key = view_of(raw.key, raw.key_bytes),
                .value = view_of(raw.value, raw.value_bytes),
                .headers = Headers({raw.headers, raw.end}, raw.header_count)};
}

}  // namespace naru
