#pragma once
// The four codecs of Kafka's record batches, and none. Pure: bytes in, bytes out. Damaged input is Code::corrupt.
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace naru {

/// Bits 0-2 of a batch's attributes: on disk and on Kafka's wire, so never renumbered.
enum class Codec : uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };
inline constexpr int codecs = 5;

/// A short name, as Kafka's compression.type spells it: "lz4", "none".
const char* name(Codec codec);

/// Undoes `codec`. At most `bytes_max` bytes come out; more is Code::too_large, and memory grows with what really comes
/// out, never with a length that the input merely claims. Accepts what the clients write: gzip of several members,
/// snappy raw or in xerial's framing (Java), several lz4 or zstd frames in a row.
Result<Bytes> decompress(Codec codec, ByteView bytes, size_t bytes_max);

/// How somebody wants batches to be compressed.
struct Compression {
  Codec codec = Codec::none;
  /// In the codec's own numbers, as Kafka's compression.*.level: gzip 1-9 or -1, lz4 1-17, zstd up to 22; nothing is
  /// the default. snappy has none.
  std::optional<int> level = {};
};

/// Compresses so that every client reads it: snappy in xerial's framing, lz4 with independent blocks.
Result<Bytes> compress(const Compression& how, ByteView bytes);
inline Result<Bytes> compress(Codec codec, ByteView bytes) { return compress(Compression{codec}, bytes); }

}  // namespace naru
