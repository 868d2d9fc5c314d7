#include "log/compression.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/check.h"
#include "base/endian.h"

namespace naru {
namespace {

// Output that grows by doubling as it is really produced, so that a length claimed by the input never costs memory.
// One byte past the bound may be written: that is how "more than the bound" shows itself.
class Output {
 public:
  Output(size_t expected, size_t bytes_max) : limit_(bytes_max + (bytes_max < SIZE_MAX)) {
    bytes_.resize(std::min(std::max<size_t>(expected, 256), limit_));
  }
  uint8_t* at() { return bytes_.data() + used_; }
  size_t room() const { return bytes_.size() - used_; }
  /// Makes room for at least one byte; false at the limit.
  bool grow() {
    if (room() > 0) return true;
    if (used_ == limit_) return false;
    bytes_.resize(bytes_.size() < limit_ / 2 ? bytes_.size() * 2 : limit_);
    return true;
  }
  /// Makes room for `more` bytes that are known to come; false if that passes the limit.
  bool reserve(size_t more) {
    if (more > limit_ - used_) return false;
    if (room() < more) bytes_.resize(std::max(used_ + more, std::min(bytes_.size() * 2, limit_)));
    return true;
  }
  void wrote(size_t count) { used_ += count; }
  Result<Bytes> take(size_t bytes_max) {
    if (used_ > bytes_max) return fail(Code::too_large, "decompressed batch", static_cast<int64_t>(bytes_max));
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  size_t limit_, used_ = 0;
  Bytes bytes_;
};

// First guess at how much comes out of `bytes` compressed bytes; text shrinks to about a quarter.
size_t guess(ByteView bytes) { return bytes.size() * 4; }

Result<Bytes> too_large(size_t bytes_max) {
  return fail(Code::too_large, "decompressed batch", static_cast<int64_t>(bytes_max));
}

constexpr int gzip_window_bits = 15 + 16;  // the largest window, and gzip's header instead of zlib's

Result<Bytes> gunzip(ByteView bytes, size_t bytes_max) {
  if (bytes.size() > UINT32_MAX) return fail(Code::too_large, "gzip input");
  z_stream stream{};
  if (inflateInit2(&stream, gzip_window_bits) != Z_OK) return fail(Code::busy, "no memory for gzip");
  std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, inflateEnd);
  Output output(guess(bytes), bytes_max);
  stream.next_in = const_cast<uint8_t*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  for (;;) {
    if (!output.grow()) return too_large(bytes_max);
    size_t room = std::min<size_t>(output.room(), UINT32_MAX);
    stream.next_out = output.at();
    stream.avail_out = static_cast<uInt>(room);
    int status = inflate(&stream, Z_NO_FLUSH);
    output.wrote(room - stream.avail_out);
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0) return output.take(bytes_max);
      if (inflateReset(&stream) != Z_OK) return fail(Code::corrupt, "gzip");  // the next member
    } else if (status != Z_OK && !(status == Z_BUF_ERROR && stream.avail_out == 0)) {
      return fail(Code::corrupt, "gzip", status);  // Z_BUF_ERROR with room left: the input is cut short
    }
  }
}

Result<Bytes> gzip(ByteView bytes, int level) {
  if (bytes.size() > UINT32_MAX) return fail(Code::too_large, "gzip input");
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, gzip_window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return fail(Code::busy, "no memory for gzip");
  std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, deflateEnd);
  Bytes out(deflateBound(&stream, static_cast<uLong>(bytes.size())));
  if (out.size() > UINT32_MAX) return fail(Code::too_large, "gzip input");
  stream.next_in = const_cast<uint8_t*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);  // deflateBound promises the room
  out.resize(out.size() - stream.avail_out);
  return out;
}

// Java's SnappyOutputStream: this magic, two versions, then blocks, each with its length as i32 big-endian. As a raw
// snappy block the magic is nonsense (it starts with a copy from nowhere), so the two cannot be mixed up.
constexpr std::string_view xerial_magic("\x82SNAPPY\0", 8);
constexpr size_t xerial_header_bytes = 16, xerial_block_bytes = 32 * KiB;
constexpr int32_t xerial_version = 1;

Result<void> unsnap_block(ByteView block, Output& output) {
  auto* from = reinterpret_cast<const char*>(block.data());
  size_t claimed = 0;
  if (!snappy::GetUncompressedLength(from, block.size(), &claimed)) return fail(Code::corrupt, "snappy length");
  // Snappy's best is a copy of 64 bytes from 3, so a larger claim is a lie.
  if (claimed / 22 > block.size()) return fail(Code::corrupt, "snappy length", static_cast<int64_t>(claimed));
  if (!output.reserve(claimed)) return fail(Code::too_large, "decompressed batch", static_cast<int64_t>(claimed));
  if (!snappy::RawUncompress(from, block.size(), reinterpret_cast<char*>(output.at())))
    return fail(Code::corrupt, "snappy");
  output.wrote(claimed);
  return {};
}

bool has_xerial_header(ByteView bytes) {
  return bytes.size() >= xerial_header_bytes && text(bytes.first(xerial_magic.size())) == xerial_magic;
}

Result<Bytes> unsnap(ByteView bytes, size_t bytes_max) {
  Output output(guess(bytes), bytes_max);
  if (!has_xerial_header(bytes)) {
    TRY_VOID(unsnap_block(bytes, output));
    return output.take(bytes_max);
  }
  while (!bytes.empty()) {
    if (has_xerial_header(bytes)) {  // also in the middle: Java reads streams written one after the other
      bytes = bytes.subspan(xerial_header_bytes);
      continue;
    }
    if (bytes.size() < sizeof(int32_t)) return fail(Code::corrupt, "snappy block is cut short");
    auto length = load_be<uint32_t>(bytes.data());
    bytes = bytes.subspan(sizeof length);
    if (length > bytes.size()) return fail(Code::corrupt, "snappy block is cut short", length);
    TRY_VOID(unsnap_block(bytes.first(length), output));
    bytes = bytes.subspan(length);
  }
  return output.take(bytes_max);
}

Result<Bytes> snap(ByteView bytes) {
  Bytes out(xerial_header_bytes);
  std::memcpy(out.data(), xerial_magic.data(), xerial_magic.size());
  store_be(out.data() + 8, xerial_version);
  store_be(out.data() + 12, xerial_version);
  while (!bytes.empty()) {
    ByteView block = bytes.first(std::min<size_t>(bytes.size(), xerial_block_bytes));
    bytes = bytes.subspan(block.size());
    size_t at = out.size(), length = 0;
    out.resize(at + sizeof(int32_t) + snappy::MaxCompressedLength(block.size()));
    snappy::RawCompress(reinterpret_cast<const char*>(block.data()), block.size(),
                        reinterpret_cast<char*>(out.data() + at + sizeof(int32_t)), &length);
    store_be(out.data() + at, static_cast<int32_t>(length));
    out.resize(at + sizeof(int32_t) + length);
  }
  return out;
}

Result<Bytes> unlz4(ByteView bytes, size_t bytes_max) {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
    return fail(Code::busy, "no memory for lz4");
  std::unique_ptr<LZ4F_dctx, size_t (*)(LZ4F_dctx*)> owner(context, LZ4F_freeDecompressionContext);
  Output output(guess(bytes), bytes_max);
  size_t hint = 1;
  do {  // 0 as hint is the end of a frame; others may follow
    if (!output.grow()) return too_large(bytes_max);
    size_t out_bytes = output.room(), in_bytes = bytes.size();
    hint = LZ4F_decompress(context, output.at(), &out_bytes, bytes.data(), &in_bytes, nullptr);
    if (LZ4F_isError(hint)) return fail(Code::corrupt, "lz4");
    output.wrote(out_bytes);
    bytes = bytes.subspan(in_bytes);
    if (in_bytes == 0 && out_bytes == 0 && hint != 0 && bytes.empty()) return fail(Code::corrupt, "lz4 is cut short");
  } while (hint != 0 || !bytes.empty());
  return output.take(bytes_max);
}

// Kafka's default, 9, stands for the fast compressor; every other level is one of the thorough compressor, which here
// counts from 3 to 12.
constexpr int lz4_level_fast = 9;

Result<Bytes> lz4(ByteView bytes, int level) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;  // Java's reader knows no other
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  if (level != lz4_level_fast) preferences.compressionLevel = std::clamp(level, 3, 12);
  Bytes out(LZ4F_compressFrameBound(bytes.size(), &preferences));
  size_t used = LZ4F_compressFrame(out.data(), out.size(), bytes.data(), bytes.size(), &preferences);
  CHECK(!LZ4F_isError(used));
  out.resize(used);
  return out;
}

// 128 MiB: what the highest level of the clients asks for, and libzstd's own default. The window is reserved but only
// touched as far as data really comes out.
constexpr int zstd_window_log_max = 27;

Result<Bytes> unzstd(ByteView bytes, size_t bytes_max) {
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return fail(Code::busy, "no memory for zstd");
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, zstd_window_log_max);
  Output output(guess(bytes), bytes_max);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  size_t hint = 1;
  do {
    if (!output.grow()) return too_large(bytes_max);
    ZSTD_outBuffer out{output.at(), output.room(), 0};
    size_t before = in.pos;
    hint = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(hint)) return fail(Code::corrupt, "zstd");
    output.wrote(out.pos);
    if (in.pos == before && out.pos == 0 && hint != 0 && in.pos == in.size)
      return fail(Code::corrupt, "zstd is cut short");
  } while (hint != 0 || in.pos < in.size);
  return output.take(bytes_max);
}

Result<Bytes> zstd(ByteView bytes, int level) {
  Bytes out(ZSTD_compressBound(bytes.size()));
  size_t used = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  if (ZSTD_isError(used)) return fail(Code::busy, "no memory for zstd");
  out.resize(used);
  return out;
}

}  // namespace

const char* name(Codec codec) {
  switch (codec) {
    case Codec::none: return "none";
    case Codec::gzip: return "gzip";
    case Codec::snappy: return "snappy";
    case Codec::lz4: return "lz4";
    case Codec::zstd: return "zstd";
  }
  return "unknown";
}

Result<Bytes> decompress(Codec codec, ByteView bytes, size_t bytes_max) {
  switch (codec) {
    case Codec::none:
      if (bytes.size() > bytes_max) return too_large(bytes_max);
      return Bytes(bytes.begin(), bytes.end());
    case Codec::gzip: return gunzip(bytes, bytes_max);
    case Codec::snappy: return unsnap(bytes, bytes_max);
    case Codec::lz4: return unlz4(bytes, bytes_max);
    case Codec::zstd: return unzstd(bytes, bytes_max);
  }
  return fail(Code::invalid, "unknown codec", static_cast<int64_t>(codec));
}

Result<Bytes> compress(const Compression& how, ByteView bytes) {
  switch (how.codec) {
    case Codec::none: return Bytes(bytes.begin(), bytes.end());
    case Codec::gzip: return gzip(bytes, how.level.value_or(Z_DEFAULT_COMPRESSION));
    case Codec::snappy: return snap(bytes);
    case Codec::lz4: return lz4(bytes, how.level.value_or(lz4_level_fast));
    case Codec::zstd: return zstd(bytes, how.level.value_or(ZSTD_CLEVEL_DEFAULT));
  }
  return fail(Code::invalid, "unknown codec", static_cast<int64_t>(how.codec));
}

}  // namespace naru
