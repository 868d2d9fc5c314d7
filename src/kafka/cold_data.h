#pragma once
// What is not in the page cache is read by another thread before a request touches it: nobody else on the core waits
// for the disk.
#include "broker/core.h"

namespace naru::kafka {

/// `missing()` says what a look would have to wait for (Log::missing), and is asked again after each read.
template <class Missing>
io::Task<> load_missing(Core& owner, Missing missing) {
  constexpr int tries = 3;  // the index, the batches; and memory can be so short that they are gone again
  std::optional<io::FileRange> range = missing();
  for (int i = 0; i < tries && range; ++i) {
    auto job = [&range] {
      range->file->load(range->at, range->length);
      return true;
    };
    co_await io::work(owner.loop, io::Lane::reads, job);
    range = missing();
  }
}

}  // namespace naru::kafka
