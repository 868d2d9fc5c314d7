// naru-amqp-load: load for a broker that speaks AMQP 0-9-1, from one thread.
#include <CLI/CLI.hpp>

#include "../fail.h"
#include "settings.h"

int main(int argc, char** argv) {
  using namespace naru::load;
  amqp::Settings settings;
  CLI::App app(
      "Load for a broker that speaks AMQP 0-9-1, from one thread. It prints one line of JSON and exits 0, or 1 if a "
      "message was lost or came twice, or 2 if it could not go on. load_cpu is the share of one core that it used "
      "itself: near 1, it was the limit and not the broker.");
  app.require_subcommand(1);
  app.add_option("--broker", settings.broker, "HOST:PORT; the login is guest")->capture_default_str();
  app.add_option("--name", settings.name, "queues are NAME-0 and so on, the exchange is NAME")->capture_default_str();
  app.add_option("--queues", settings.queues, "durable queues")->capture_default_str();
  app.add_option("--queue-type", settings.queue_type, "classic, quorum")->capture_default_str();

  CLI::App* flow = app.add_subcommand("flow", "publish, consume, or both at once, as fast as it goes or at a rate");
  flow->fallthrough();
  flow->add_option("--messages", settings.messages, "in all")->capture_default_str();
  flow->add_option("--seconds", settings.seconds, "publish for so long, instead of --messages");
  flow->add_option("--size", settings.bytes, "bytes of a body; from 16 on it tells when it was sent")
      ->capture_default_str();
  flow->add_option("--publishers", settings.publishers, "connections; with none, what is there is consumed")
      ->capture_default_str();
  flow->add_option("--window", settings.window, "unconfirmed messages of a publisher")->capture_default_str();
  flow->add_option("--rate", settings.rate, "messages per second, due whatever the broker does; 0: no limit")
      ->capture_default_str();
  flow->add_option("--warmup-seconds", settings.warmup_seconds, "of a --rate, not measured")->capture_default_str();
  flow->add_option("--consumers", settings.consumers, "connections; with none, messages stay")->capture_default_str();
  flow->add_option("--prefetch", settings.prefetch, "of a consumer that acknowledges each message")
      ->capture_default_str();
  flow->add_flag("--fanout", settings.fanout, "each message goes to all the queues, by a fanout exchange");
  flow->add_flag("--auto-ack", settings.auto_ack, "consumers do not acknowledge");
  flow->add_flag("--transient", settings.transient, "messages are not persistent");
  flow->add_flag("--unconfirmed", settings.unconfirmed, "no confirms: a window means nothing");
  flow->add_flag("--keep", settings.keep, "leave the queues in the end");

  CLI::App* idle = app.add_subcommand("idle", "open connections and declare queues, and hold them until stdin ends");
  idle->fallthrough();
  idle->add_option("--connections", settings.connections, "each with a channel")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (settings.queues < 1 && *flow) fail("--queues is at least 1");
  if (settings.consumers > 0 && settings.consumers < settings.queues) fail("each queue wants a consumer");
  if (settings.publishers < 1 && settings.consumers < 1 && *flow) fail("neither --publishers nor --consumers");
  return *flow ? run_flow(settings) : run_idle(settings);
}
