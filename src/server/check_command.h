#pragma once
#include <string>

namespace naru::server {

/// `naru check DIR`: a line per finding on stdout. Returns the exit code: 0 whole, 1 damaged, 2 it cannot be said.
int check(const std::string& folder);

}  // namespace naru::server
