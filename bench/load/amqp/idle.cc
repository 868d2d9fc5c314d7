// idle: connections and queues that do nothing, to be weighed from outside.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "connection.h"
#include "settings.h"

namespace naru::load::amqp {

int run_idle(const Settings& settings) {
  Connection first(settings.broker);
  for (int64_t i = 0; i < settings.queues; ++i)
    first.declare_queue(settings.name + "-" + std::to_string(i), settings.queue_type, true);
  std::vector<std::unique_ptr<Connection>> connections;
  for (int64_t i = 0; i < settings.connections; ++i)
    connections.push_back(std::make_unique<Connection>(settings.broker));
  std::puts("{\"mode\":\"idle\"}");
  std::fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

}  // namespace naru::load::amqp
