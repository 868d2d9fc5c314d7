#pragma once
// For tests on the real disk; included by tests only.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace naru::io {

/// A folder of a test's own, gone with it.
struct TempFolder {
  std::string path = ::testing::TempDir() + "/naru-XXXXXX";
  TempFolder() {
    if (!::mkdtemp(path.data())) std::abort();
  }
  TempFolder(const TempFolder&) = delete;
  ~TempFolder() { [[maybe_unused]] int ignored = std::system(("rm -rf '" + path + "'").c_str()); }
};

}  // namespace naru::io
