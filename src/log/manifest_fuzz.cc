// Any bytes as MANIFEST (its checksum made to fit): read and written back the same, or refused.
#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "log/manifest.h"

using namespace naru;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)decode_manifest({data, size});
  if (size < 12) return 0;
  Bytes contents(data, data + size);
  store_le(contents.data() + size - 4, crc32c(ByteView(contents).first(size - 4)));
  auto manifest = decode_manifest(contents);
  if (!manifest) return 0;
  auto again = decode_manifest(encode_manifest(*manifest));
  CHECK(again && again->generation == manifest->generation && again->cores == manifest->cores);
  CHECK(again->epoch == manifest->epoch && again->clean == manifest->clean &&
        again->cluster_id == manifest->cluster_id);
  return 0;
}
