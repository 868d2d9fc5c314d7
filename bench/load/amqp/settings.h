#pragma once

#include <cstdint>
#include <string>

namespace naru::load::amqp {

/// What main.cc takes from the command line; the help there explains each.
struct Settings {
  std::string broker = "127.0.0.1:5672", name = "load", queue_type = "classic";
  int64_t publishers = 1, consumers = 0, queues = 1, messages = 100'000, bytes = 1024, window = 1000, prefetch = 300;
  int64_t connections = 0;
  double seconds = 0, rate = 0, warmup_seconds = 1;
  bool fanout = false, auto_ack = false, transient = false, unconfirmed = false, keep = false;
};

// One per file. Each returns the exit status.
int run_flow(const Settings& settings);
int run_idle(const Settings& settings);

}  // namespace naru::load::amqp
