#pragma once

#include <cstdint>
#include <string>

namespace naru::load::sqs {

/// What main.cc takes from the command line; the help there explains each.
struct Settings {
  std::string broker = "127.0.0.1:9324", name = "load";
  int64_t connections = 64, queues = 1, messages = 100'000, bytes = 1024, batch = 1;
  double seconds = 0;
};

// One per file. Each returns the exit status.
int run_send(const Settings& settings);
int run_take(const Settings& settings);
int run_park(const Settings& settings);

}  // namespace naru::load::sqs
