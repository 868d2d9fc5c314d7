// naru-sqs-load: load for a server that speaks SQS (its JSON protocol), from one thread.
#include <CLI/CLI.hpp>

#include "../fail.h"
#include "settings.h"

int main(int argc, char** argv) {
  using namespace naru::load;
  sqs::Settings settings;
  CLI::App app(
      "Load for a server that speaks SQS, from one thread. Each connection has one request under way, as an SDK's has. "
      "It prints one "
      "line of JSON and exits 0, or 1 if an answer was wrong, or 2 if it could not go on. load_cpu is the share of one "
      "core that it "
      "used itself: near 1, it was the limit and not the server.");
  app.require_subcommand(1);
  app.add_option("--broker", settings.broker, "HOST:PORT")->capture_default_str();
  app.add_option("--name", settings.name, "queues are NAME-0 and so on")->capture_default_str();
  app.add_option("--queues", settings.queues, "connections are dealt out to them")->capture_default_str();
  app.add_option("--connections", settings.connections, "each with one request under way")->capture_default_str();

  CLI::App* send = app.add_subcommand("send", "SendMessage as fast as it goes");
  CLI::App* take = app.add_subcommand("take", "ReceiveMessage and the delete of what came, until nothing comes");
  for (CLI::App* mode : {send, take}) {
    mode->fallthrough();
    mode->add_option("--batch", settings.batch, "messages in a request, 1 to 10; with 1 the actions without a batch")
        ->capture_default_str();
    mode->add_option("--size", settings.bytes, "bytes of a body")->capture_default_str();
    mode->add_option("--seconds", settings.seconds, "for so long at most");
  }
  send->add_option("--messages", settings.messages, "in all, if not for --seconds")->capture_default_str();
  CLI::App* park = app.add_subcommand("park", "long polls on empty queues, held until stdin ends");
  park->fallthrough();
  CLI11_PARSE(app, argc, argv);
  if (settings.queues < 1 || settings.connections < settings.queues) fail("each queue wants a connection");
  if (settings.batch < 1 || settings.batch > 10) fail("--batch is 1 to 10");
  return *send ? sqs::run_send(settings) : *take ? sqs::run_take(settings) : sqs::run_park(settings);
}
