#include "log/manifest.h"

#include "base/crc32c.h"
#include "base/pack.h"

namespace naru {

namespace {
constexpr uint32_t magic = 0x7572616e;  // "naru"
}

Result<Manifest> read_manifest(io::Disk& disk) { return decode_manifest(TRY(io::read_file(disk, "MANIFEST", 4096))); }

Result<Manifest> decode_manifest(ByteView contents) {
  if (contents.size() < 12 || load_le<uint32_t>(contents.data()) != magic)
    return fail(Code::corrupt, "MANIFEST is not naru's: is this really a naru data folder?");
  ByteView covered = contents.first(contents.size() - 4);
  if (crc32c(covered) != load_le<uint32_t>(contents.data() + covered.size()))
    return fail(Code::corrupt, "MANIFEST is damaged: its checksum does not fit");
  Unpacker from(covered.subspan(4));
  if (uint32_t version = from.get<uint32_t>(); version > format_version)
    return fail(Code::unsupported, "this data folder was written by a newer naru", version);
  Manifest manifest;
  ByteView id = from.bytes();
  if (id.size() == 16) std::memcpy(manifest.cluster_id.bytes.data(), id.data(), 16);
  manifest.generation = from.get<uint64_t>();
  manifest.cores = from.get<uint32_t>();
  manifest.epoch = from.get<int32_t>();
  manifest.clean = from.get<uint8_t>() != 0;
  if (!from.at_end() || id.size() != 16 || manifest.cores > shard_count)
    return fail(Code::corrupt, "MANIFEST does not decode");
  return manifest;
}

Bytes encode_manifest(const Manifest& manifest) {
  Bytes contents;
  Packer to(contents);
  to.put(magic).put(format_version).put(ByteView(manifest.cluster_id.bytes));
  to.put(manifest.generation).put(manifest.cores).put(manifest.epoch).put(static_cast<uint8_t>(manifest.clean));
  to.put(crc32c(contents));
  return contents;
}

Result<void> write_manifest(io::Disk& disk, const Manifest& manifest) {
  return io::replace_file(disk, "", "MANIFEST", encode_manifest(manifest));
}

}  // namespace naru
