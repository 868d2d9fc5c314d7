#pragma once
// `naru ctl`: the everyday commands of rabbitmqctl with their arguments and output, for a naru that runs.
#include <span>
#include <string>

namespace naru::ctl {

/// `words` is what follows `naru ctl`. Prints to stdout and stderr; returns the exit code.
int run(std::span<const char* const> words);

}  // namespace naru::ctl
