#pragma once
// MANIFEST: the root of a data folder. It says which generation of journals is the valid one, so that a start that
// rewrites them is either done or has not happened.
#include "base/uuid.h"
#include "io/disk.h"
#include "log/format.h"

namespace naru {

struct Manifest {
  Uuid cluster_id;          // made with the folder, never changed
  uint64_t generation = 0;  // of the journals to recover from; rises with each start
  uint32_t cores = 0;       // how many of them there are; 0 in a new folder
  int32_t epoch = 0;        // leader epoch; rises with each start after a crash
  bool clean = true;        // the last run ended with a checkpoint
};

/// The contents of the file, checksummed.
Bytes encode_manifest(const Manifest& manifest);
/// Code::unsupported if a newer naru wrote it; Code::corrupt if damaged.
Result<Manifest> decode_manifest(ByteView contents);
/// Code::not_found in an empty folder; Code::unsupported if a newer naru wrote it; Code::corrupt if damaged.
Result<Manifest> read_manifest(io::Disk& disk);
Result<void> write_manifest(io::Disk& disk, const Manifest& manifest);

}  // namespace naru
