#include "options.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <variant>

#include "fail.h"
#include "record_batch.h"

namespace naru::load {
namespace {

constexpr unsigned in_produce = 1, in_consume = 2, in_e2e = 4, in_topic = 8;
constexpr unsigned everywhere = in_produce | in_consume | in_e2e | in_topic;

struct Mode {
  std::string_view name;
  unsigned bit;
  const char* help;
};
constexpr Mode modes[] = {
    {"produce", in_produce, "send full batches as fast as the broker answers"},
    {"consume", in_consume, "read the log from its start, again and again, until enough was read"},
    {"e2e", in_e2e, "send at a fixed rate and measure how long each record takes to a consumer"},
    {"create", in_topic, "create the topic and wait until it answers"},
    {"delete", in_topic, "delete the topic"},
};

/// One row per flag: what it sets, in which modes, and what it means.
struct Flag {
  std::string_view name;
  unsigned modes;
  std::variant<std::string Options::*, int64_t Options::*, double Options::*> field;
  const char* help;
};
constexpr Flag flags[] = {
    {"--broker", everywhere, &Options::broker, "HOST:PORT of the broker; all partitions must be on it"},
    {"--topic", everywhere, &Options::topic, "created if it is missing"},
    {"--partitions", everywhere, &Options::partitions, "partitions of the topic"},
    {"--connections", in_produce | in_consume | in_e2e, &Options::connections,
     "connections (in e2e: of producers; one is enough)"},
    {"--in-flight", in_produce | in_e2e, &Options::in_flight, "requests a connection sends before their answers"},
    {"--acks", in_produce | in_e2e, &Options::acks, "all, 1 or 0; with 0 there are no answers, hence no latencies"},
    {"--record-size", in_produce | in_e2e, &Options::record_bytes, "bytes of one value; there is no key"},
    {"--batch-bytes", in_produce | in_e2e, &Options::batch_bytes, "largest batch; a request carries one"},
    {"--bytes", in_produce | in_consume, &Options::bytes, "stop after so many bytes of batches"},
    {"--seconds", in_produce | in_consume | in_e2e, &Options::seconds, "stop after this time"},
    {"--max-bytes", in_consume | in_e2e, &Options::fetch_bytes, "most bytes of a fetch, per partition and in all"},
    {"--rate", in_e2e, &Options::rate, "records per second, whatever the broker does"},
    {"--linger-ms", in_e2e, &Options::linger_ms,
     "gather records this long into one batch; 0 sends each when it is due"},
    {"--consumers", in_e2e, &Options::consumers, "consumer connections; they share the partitions"},
    {"--warmup-seconds", in_e2e, &Options::warmup_seconds, "records of this first time are not measured"},
};

[[noreturn]] void help() {
  std::puts(
      "naru-load: load for a broker that speaks the Kafka protocol, from one thread\n"
      "\n"
      "  naru-load MODE [--flag VALUE]...\n");
  for (const Mode& mode : modes) std::printf("  %-8s %s\n", mode.name.data(), mode.help);
  const Options defaults;
  std::puts("\nFlags (sizes may end in K, M or G, in powers of 1024):");
  for (const Flag& flag : flags) {
    std::printf("  %-17s %s", flag.name.data(), flag.help);
    if (const auto* text = std::get_if<0>(&flag.field)) std::printf(" [%s]", (defaults.**text).c_str());
    if (const auto* whole = std::get_if<1>(&flag.field))
      std::printf(" [%lld]", static_cast<long long>(defaults.**whole));
    if (const auto* real = std::get_if<2>(&flag.field)) std::printf(" [%g]", defaults.**real);
    std::putchar('\n');
  }
  std::puts(
      "\n"
      "It prints one line of JSON and exits 0, or 1 if any answer was an error, or 2 if it could not go on.\n"
      "MB are 10^6 bytes of record batches, as they stand on the wire and in the log. load_cpu is the share\n"
      "of one core that this program used: near 1, it was the limit and not the broker.\n"
      "\n"
      "Examples\n"
      "  naru-load produce --topic t --partitions 12 --record-size 100 --bytes 2G\n"
      "  naru-load consume --topic t --partitions 12 --bytes 8G\n"
      "  naru-load e2e --topic t --rate 20000 --record-size 1K --seconds 20\n"
      "\n"
      "e2e is open-loop: every record has a time at which it is due, whether the broker keeps up or not, and\n"
      "its latency counts from that time, so a stall is charged to all records that it held up.");
  std::exit(0);
}

template <typename Number>
Number number(std::string_view flag, std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  if (unit == "K") value *= 1 << 10, unit = {};
  if (unit == "M") value *= 1 << 20, unit = {};
  if (unit == "G") value *= 1 << 30, unit = {};
  if (error != std::errc{} || !unit.empty() || value < 0) fail("%s wants a number, not '%s'", flag.data(), text.data());
  return value;
}

void set(Options& options, const Flag& flag, const char* text) {
  if (const auto* field = std::get_if<0>(&flag.field)) options.** field = text;
  if (const auto* field = std::get_if<1>(&flag.field)) options.** field = number<int64_t>(flag.name, text);
  if (const auto* field = std::get_if<2>(&flag.field)) options.** field = number<double>(flag.name, text);
}

void check(const Options& options) {
  if (options.partitions < 1 || options.connections < 1 || options.in_flight < 1 || options.consumers < 1)
    fail("--partitions, --connections, --in-flight and --consumers are at least 1");
  if (options.acks != "all" && options.acks != "1" && options.acks != "0") fail("--acks is all, 1 or 0");
  if (options.mode == "e2e") {
    if (options.record_bytes < static_cast<int64_t>(stamp_bytes)) fail("--record-size is at least 16 for e2e");
    if (options.rate <= 0 || options.seconds <= 0) fail("e2e needs --rate and --seconds");
    if (options.acks == "0") fail("e2e counts answers: --acks all or 1");
    if (options.consumers > options.partitions) fail("more --consumers than --partitions");
  } else if ((options.mode == "produce" || options.mode == "consume") && options.bytes == 0 && options.seconds == 0) {
    fail("say when to stop: --bytes or --seconds");
  }
}

}  // namespace

Options parse(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--help" || std::string_view(argv[i]) == "-h") help();
  Options options;
  if (argc < 2) fail("say what to do: produce, consume, e2e, create or delete; --help explains");
  options.mode = argv[1];
  unsigned bit = 0;
  for (const Mode& mode : modes)
    if (mode.name == options.mode) bit = mode.bit;
  if (bit == 0) fail("no mode '%s'; --help lists them", argv[1]);
  for (int i = 2; i < argc; i += 2) {
    const Flag* found = nullptr;
    for (const Flag& flag : flags)
      if (flag.name == argv[i] && (flag.modes & bit) != 0) found = &flag;
    if (found == nullptr) fail("%s has no flag '%s'; --help lists them", argv[1], argv[i]);
    if (i + 1 == argc) fail("%s wants a value", argv[i]);
    set(options, *found, argv[i + 1]);
  }
  check(options);
  return options;
}

}  // namespace naru::load
