#pragma once

#include <cstdint>
#include <string>

namespace naru::load {

struct Options {
  std::string mode;
  std::string broker = "127.0.0.1:9092";
  std::string topic = "bench";
  int64_t partitions = 1;
  int64_t connections = 4;
  int64_t in_flight = 5;
  std::string acks = "all";
  int64_t record_bytes = 1024;
  int64_t batch_bytes = 65536;
  int64_t bytes = 0;
  double seconds = 0;
  int64_t fetch_bytes = 1 << 20;
  double rate = 10'000;
  double linger_ms = 1;
  int64_t consumers = 1;
  double warmup_seconds = 1;
};

/// Ends the program with a sentence about what is wrong, or with the help that was asked for.
Options parse(int argc, char** argv);

}  // namespace naru::load
