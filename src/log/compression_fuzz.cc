// The first byte picks a codec; the rest is compressed and must come back, and is decompressed as it is.
#include <algorithm>

#include "base/check.h"
#include "log/compression.h"

using namespace naru;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  auto codec = static_cast<Codec>(data[0] % codecs);
  ByteView rest{data + 1, size - 1};
  constexpr size_t bytes_max = 256 * KiB;
  if (auto plain = decompress(codec, rest, bytes_max)) {
    CHECK(plain->size() <= bytes_max);
    CHECK(*decompress(codec, *compress(codec, *plain), plain->size()) == *plain);
  }
  Bytes packed = *compress(codec, rest);
  CHECK(std::ranges::equal(*decompress(codec, packed, rest.size()), rest));
  if (!rest.empty()) CHECK(decompress(codec, packed, rest.size() - 1).error().code == Code::too_large);
  return 0;
}
