// The clock and the first step of every connection.
#pragma once

#include <cstdint>
#include <string>

namespace naru::load {

int64_t now_ns();  // CLOCK_MONOTONIC

/// Connects to HOST:PORT, blocking.
int dial(const std::string& broker);

}  // namespace naru::load
