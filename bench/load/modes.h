#pragma once

#include "options.h"

namespace naru::load {

// One per file. Each returns the exit status.
int run_produce(const Options& options);
int run_consume(const Options& options);
int run_e2e(const Options& options);

int16_t acks_of(const Options& options);

}  // namespace naru::load
