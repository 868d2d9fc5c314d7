#include "admin.h"
#include "modes.h"
#include "options.h"

int main(int argc, char** argv) {
  using namespace naru::load;
  const Options options = parse(argc, argv);
  if (options.mode == "produce") return run_produce(options);
  if (options.mode == "consume") return run_consume(options);
  if (options.mode == "e2e") return run_e2e(options);
  Admin admin(options.broker);
  if (options.mode == "create") admin.ensure_topic(options.topic, static_cast<int32_t>(options.partitions));
  if (options.mode == "delete") admin.delete_topic(options.topic);
  return 0;
}
