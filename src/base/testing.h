#pragma once
// Helpers on GoogleTest; included by tests only.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/prng.h"

namespace naru {

/// Whether a test fails for one of the first 20 seeds, on this thread: the negative control without which it would
/// prove nothing. Those failures do not count.
template <class Body>
bool fails_for_a_seed(Body body) {
  ::testing::TestPartResultArray failures;
  ::testing::ScopedFakeTestPartResultReporter caught(
      ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
  for (uint64_t seed = 1; seed <= 20 && failures.size() == 0; ++seed) body(seed);
  return failures.size() > 0;
}

/// Whether a run has all its seeds, so that it can be asked whether it did enough to mean anything.
inline bool has_all_seeds() { return !std::getenv("NARU_SEED") && !std::getenv("NARU_SEEDS"); }

/// Runs `body(seed)` for seeds 1..count, or only for NARU_SEED, and names the seed of a failure. One seed replays a
/// run.
template <class Body>
void for_each_seed(uint64_t count, Body body) {
  const char* only = std::getenv("NARU_SEED");
  const char* more = std::getenv("NARU_SEEDS");
  uint64_t first = only ? std::strtoull(only, nullptr, 10) : 1;
  uint64_t last = only ? first : more ? std::strtoull(more, nullptr, 10) : count;
  for (uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("replay with NARU_SEED=" + std::to_string(seed));
    body(seed);
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace naru
