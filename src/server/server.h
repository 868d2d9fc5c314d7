#pragma once
#include "server/config.h"

namespace naru::server {

/// Runs the broker until SIGTERM or SIGINT; returns the process' exit code.
int serve(const Config& config);

}  // namespace naru::server
