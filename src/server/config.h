#pragma once
// What `naru` is asked to do: flags first, then the configuration file, then defaults that need neither.
#include <optional>
#include <string>

#include "broker/catalog.h"
#include "io/logger.h"
#include "io/net.h"
#include "io/tls.h"
#include "log/log.h"
#include "sqs/door_settings.h"

namespace naru::server {

struct Config {
  enum class Command : uint8_t { serve, check, version };
  Command command = Command::serve;
  std::string data_dir = "naru-data";
  io::Endpoint kafka{"127.0.0.1", 9092};
  std::optional<io::Endpoint> amqp{io::Endpoint{"127.0.0.1", 5672}};  // nothing: no AMQP
  std::optional<io::Endpoint> amqps;                                  // AMQP over TLS
  io::TlsSettings tls;
  bool login_by_common_name = true;  // of a client certificate; else by its whole distinguished name
  std::optional<io::Endpoint> sqs{io::Endpoint{"127.0.0.1", 9324}};  // nothing: no SQS
  sqs::DoorSettings sqs_settings;
  std::string sqs_queues;  // file of queues to make at the start; empty: none
  io::Endpoint admin{"127.0.0.1", 15672};
  std::string advertise;      // host for clients; empty: the address that they connected to
  uint32_t cores = 0;         // event loops; 0: as many as make sense here
  uint64_t memory_limit = 0;  // bytes; 0: a share of what the machine or the cgroup has
  Durability durability = Durability::sync;
  io::LogFormat log_format = io::LogFormat::text;
  // Only in the file:
  int64_t group_rebalance_delay_ms = 3000;
  int64_t retention_check_ms = 300'000, compaction_check_ms = 15'000;
  TopicConfig topic_defaults;
};

/// Either a configuration, or what to print and the code to exit with (help, a mistake).
struct Parsed {
  std::optional<Config> config;
  std::string message;
  int exit_code = 0;
};
Parsed parse_command_line(int argc, const char* const* argv);

/// Reads a TOML file into `config`; says what is wrong with it and where.
std::optional<std::string> read_config_file(const std::string& path, Config& config);

/// "none", "optional" or "required"; false if it is none of these.
bool parse_tls_verify(std::string_view text, Config& config);
/// "common-name" or "distinguished-name"; false if it is neither.
bool parse_tls_login(std::string_view text, Config& config);

/// What clients of SQS are told and asked for: "sqs-region", "sqs-account", "sqs-url", "sqs-auth", "sqs-queues". What
/// is wrong with the value; nothing if it is fine; false if it is another setting.
std::expected<bool, std::string> set_sqs(std::string_view name, const std::string& value, Config& config);

/// "64MiB", "1G", "500000": bytes; nothing if it is no size.
std::optional<uint64_t> parse_size(std::string_view text);

}  // namespace naru::server
