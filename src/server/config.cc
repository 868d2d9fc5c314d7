// The only file that sees CLI11.
#include "server/config.h"

#include <CLI/CLI.hpp>

namespace naru::server {

std::optional<uint64_t> parse_size(std::string_view text) {
  uint64_t number = 0;
  size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
    if (number > (UINT64_MAX - 9) / 10) return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(text[i] - '0');
  }
  std::string unit(text.substr(i));
  for (char& c : unit) c = static_cast<char>(std::tolower(c));
  uint64_t factor = unit.empty() || unit == "b"                    ? 1
                    : unit == "k" || unit == "kb" || unit == "kib" ? KiB
                    : unit == "m" || unit == "mb" || unit == "mib" ? MiB
                    : unit == "g" || unit == "gb" || unit == "gib" ? GiB
                                                                   : 0;
  if (i == 0 || factor == 0 || number > UINT64_MAX / factor) return std::nullopt;
  return number * factor;
}

bool parse_tls_verify(std::string_view text, Config& config) {
  config.tls.client_certificate_asked = text != "none";
  config.tls.client_certificate_required = text == "required";
  return text == "none" || text == "optional" || text == "required";
}

bool parse_tls_login(std::string_view text, Config& config) {
  config.login_by_common_name = text == "common-name";
  return text == "common-name" || text == "distinguished-name";
}

std::expected<bool, std::string> set_sqs(std::string_view name, const std::string& value, Config& config) {
  sqs::Place& place = config.sqs_settings.place;
  if (name == "sqs-region") {
    if (!sqs::is_plain_name(value)) return std::unexpected("is a name, as us-east-1");
    place.region = value;
  } else if (name == "sqs-account") {
    if (!sqs::is_plain_name(value)) return std::unexpected("is a number, as 000000000000");
    place.account = value;
  } else if (name == "sqs-url") {
    if (!value.starts_with("http://") && !value.starts_with("https://"))
      return std::unexpected("is a URL, as https://queues.example.org");
    place.public_url = value.substr(0, value.find_last_not_of('/') + 1);
  } else if (name == "sqs-auth") {
    if (value != "auto" && value != "required" && value != "off") return std::unexpected("is auto, required or off");
    config.sqs_settings.signing = value == "auto"       ? sqs::Signing::automatic
                                  : value == "required" ? sqs::Signing::required
                                                        : sqs::Signing::off;
  } else if (name == "sqs-queues") {
    config.sqs_queues = value;
  } else {
    return false;
  }
  return true;
}

namespace {

std::string endpoint(const std::string& text, io::Endpoint& into) {
  auto parsed = io::parse_endpoint(text);
  if (!parsed) return parsed.error().reason;
  into = *parsed;
  return "";
}

void add_tls(CLI::App& serve, Config& config) {
  serve.add_option_function<std::string>(
      "--amqps",
      [&](const std::string& text) {
        if (auto wrong = endpoint(text, config.amqps.emplace()); !wrong.empty())
          throw CLI::ValidationError("--amqps", wrong);
      },
      "HOST:PORT for AMQP over TLS, usually :5671 (default: none). Needs --tls-cert and --tls-key.");
  serve.add_option("--tls-cert", config.tls.certificate,
                   "PEM file with the certificate that clients are shown, then its chain.");
  serve.add_option("--tls-key", config.tls.key, "PEM file with its private key, without a passphrase.");
  serve.add_option("--tls-ca", config.tls.client_ca,
                   "PEM file of authorities: who shows a certificate that they signed may log in by EXTERNAL.");
  serve.add_option_function<std::string>(
      "--tls-verify",
      [&](const std::string& text) {
        if (!parse_tls_verify(text, config))
          throw CLI::ValidationError("--tls-verify", "is none, optional or required");
      },
      "Whether clients have to show a certificate: none, optional (default, with --tls-ca), required.");
  serve.add_option_function<std::string>(
      "--tls-login-from",
      [&](const std::string& text) {
        if (!parse_tls_login(text, config))
          throw CLI::ValidationError("--tls-login-from", "is common-name or distinguished-name");
      },
      "What in a client's certificate is the name of its user: common-name (default) or distinguished-name.");
}

void add_sqs(CLI::App& serve, Config& config) {
  serve.add_option_function<std::string>(
      "--sqs",
      [&](const std::string& text) {
        if (text == "off") return config.sqs.reset();
        if (auto wrong = endpoint(text, config.sqs.emplace()); !wrong.empty())
          throw CLI::ValidationError("--sqs", wrong);
      },
      "HOST:PORT for clients of Amazon SQS (default 127.0.0.1:9324); off: none.");
  auto add = [&](const char* name, const char* help) {
    serve.add_option_function<std::string>(
        std::string("--") + name,
        [&config, name](const std::string& text) {
          if (auto set = set_sqs(name, text, config); !set)
            throw CLI::ValidationError(std::string("--") + name, set.error());
        },
        help);
  };
  add("sqs-region", "Region in the ARNs of queues (default us-east-1). Clients may sign for any.");
  add("sqs-account", "Account in ARNs and URLs of queues (default 000000000000). Clients may say any.");
  add("sqs-url",
      "What URLs of queues begin with, as https://queues.example.org (default: the host that the client asked for).");
  add("sqs-auth",
      "Who has to sign requests: auto (default) = all but who connects from this machine while no user has an access "
      "secret (`naru ctl set_access_secret`), required = all, off = nobody.");
  add("sqs-queues", "File of queues to make at the start, as ElasticMQ's: queues { NAME { delay = 5 seconds } }.");
}

void add_serve(CLI::App& app, Config& config, std::string& file) {
  auto* serve = app.add_subcommand(
      "serve", "Start the broker. No flag is required: it stores in ./naru-data and listens on loopback.");
  serve->callback([&config] { config.command = Config::Command::serve; });
  serve->add_option("--config", file,
                    "TOML file with the same names as these flags: data-dir = \"/var/lib/naru\". Flags win. Its table "
                    "[topic-defaults] has settings of topics that do not say: retention.ms = 3600000.");
  serve->add_option("--data-dir", config.data_dir, "Folder for all data, created if absent (default: ./naru-data).");
  serve->add_option_function<std::string>(
      "--kafka",
      [&](const std::string& text) {
        if (auto wrong = endpoint(text, config.kafka); !wrong.empty()) throw CLI::ValidationError("--kafka", wrong);
      },
      "HOST:PORT for Kafka clients (default 127.0.0.1:9092). 0.0.0.0:9092 listens on all addresses; then anyone who "
      "reaches the port can use the broker.");
  serve->add_option_function<std::string>(
      "--amqp",
      [&](const std::string& text) {
        if (text == "off") return config.amqp.reset();
        if (auto wrong = endpoint(text, config.amqp.emplace()); !wrong.empty())
          throw CLI::ValidationError("--amqp", wrong);
      },
      "HOST:PORT for AMQP 0-9-1 clients, as RabbitMQ's (default 127.0.0.1:5672); off: none.");
  add_sqs(*serve, config);
  serve->add_option_function<std::string>(
      "--admin",
      [&](const std::string& text) {
        if (auto wrong = endpoint(text, config.admin); !wrong.empty()) throw CLI::ValidationError("--admin", wrong);
      },
      "HOST:PORT for GET /health, GET /metrics and RabbitMQ's management API (default 127.0.0.1:15672).");
  add_tls(*serve, config);
  serve->add_option("--advertise", config.advertise,
                    "Host name that clients are told to connect to (default: the address they used).");
  serve->add_option("--shards", config.cores,
                    "Event loops, one thread each (default: processors - 1, between 1 and 4, and no more than memory "
                    "allows: one more per 32MiB).");
  serve->add_option_function<std::string>(
      "--memory-limit",
      [&](const std::string& text) {
        auto bytes = parse_size(text);
        if (!bytes || *bytes < 16 * MiB)
          throw CLI::ValidationError("--memory-limit", "a size from 16MiB on, as 64MiB or 1G");
        config.memory_limit = *bytes;
      },
      "Memory the process may take, as 64MiB or 1G (default: half of what the machine or its cgroup has, at most 1G).");
  serve->add_option_function<std::string>(
      "--durability",
      [&](const std::string& text) {
        if (text != "sync" && text != "os") throw CLI::ValidationError("--durability", "is sync or os");
        config.durability = text == "os" ? Durability::os : Durability::sync;
      },
      "When a write is confirmed: sync = on disk (default), os = with the operating system, as Kafka's default. Topics "
      "can differ: naru.durability.");
  serve->add_option_function<std::string>(
      "--log-format",
      [&](const std::string& text) {
        if (text != "text" && text != "json") throw CLI::ValidationError("--log-format", "is text or json");
        config.log_format = text == "json" ? io::LogFormat::json : io::LogFormat::text;
      },
      "Log lines for people (text, default) or programs (json); on stderr.");
}

}  // namespace

Parsed parse_command_line(int argc, const char* const* argv) {
  if (argc > 1 && argv[1][0] != '-') {
    std::string_view word = argv[1];
    if (word != "serve" && word != "check" && word != "version") {
      return {std::nullopt,
              "naru: there is no command \"" + std::string(word) +
                  "\"; there is serve, ctl, import-definitions, check and version. `naru --help` tells more.\n",
              2};
    }
  }
  Config config;
  std::string file;
  CLI::App app(
      "naru: one small broker that Kafka clients use unchanged.\n\nStart it:       naru serve\nSend a line:    echo "
      "hello | kcat -b localhost:9092 -P -t greetings\nRead it back:   kcat -b localhost:9092 -C -t greetings -e");
  app.require_subcommand(1);
  add_serve(app, config, file);
  auto* check = app.add_subcommand(
      "check", "Verify a data folder that no broker is using, and report damage with file and offset.");
  check->add_option("DIR", config.data_dir, "The data folder.")->required();
  check->callback([&config] { config.command = Config::Command::check; });
  // These two never come here (main.cc); their help does.
  app.add_subcommand("ctl", "Administer a broker that runs, with the commands of rabbitmqctl: `naru ctl help`.");
  app.add_subcommand("import-definitions",
                     "FILE: give a broker that runs the users, virtual hosts, permissions, policies, queues, exchanges "
                     "and bindings that another naru or a RabbitMQ exported.");
  app.add_subcommand("version", "Print the version.")->callback([&config] {
    config.command = Config::Command::version;
  });
  try {
    // Twice: the file is read in between, and flags win over it.
    app.parse(argc, argv);
    if (!file.empty()) {
      if (auto wrong = read_config_file(file, config)) return {std::nullopt, *wrong + "\n", 2};
      app.clear();
      app.parse(argc, argv);
    }
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    int code = app.exit(error, out, out);
    return {std::nullopt, out.str(), code == 0 ? 0 : 2};
  }
  return {config, "", 0};
}

}  // namespace naru::server
