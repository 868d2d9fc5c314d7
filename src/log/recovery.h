#pragma once
// From a data folder to the state it stands for: newest checkpoint of each journal, then the entries after it. Writes
// batches that a crash kept from their segments, and cuts what was not confirmed and not whole.
#include "log/checkpoint.h"
#include "log/manifest.h"

namespace naru {

/// What recovery did, for one line of log.
struct RecoveryFacts {
  bool clean = true;       // nothing had to be replayed
  uint64_t entries = 0;    // replayed
  uint64_t bytes = 0;      // of journal read
  uint64_t salvaged = 0;   // batches found in segments only (level `os`, or confirmed before the sync)
  uint64_t cut_bytes = 0;  // dropped at the end of segments: never confirmed
  uint64_t orphans = 0;    // segment files nobody knew
};

struct Recovered {
  Manifest manifest;            // as found; generation 0 in a new folder
  uint64_t generation_max = 0;  // of any file in it: a start that was cut short leaves some that MANIFEST does not know
  StoreState state;
  RecoveryFacts facts;
  std::vector<std::string> old_journals;  // may be recycled or removed once the new generation is written
};

/// Reads a folder and mends it. Fails without changing what it cannot explain: Code::corrupt names the file in
/// `damage`.
Result<Recovered> recover(io::Disk& disk, std::string& damage);

/// Begins the next generation: writes a checkpoint of each core's share and then the manifest that makes it the valid
/// one. `owner(shard)` says which core. After this the old journals mean nothing.
Result<Manifest> begin_generation(io::Disk& disk, const Recovered& recovered, uint32_t cores,
                                  const std::function<uint32_t(uint32_t shard)>& owner, const Uuid& new_cluster_id);

/// Logs, cursors and rows of a table belong to one of 64 shards for ever.
uint32_t shard_of(StreamId stream);
uint32_t shard_of(std::string_view name);

}  // namespace naru
