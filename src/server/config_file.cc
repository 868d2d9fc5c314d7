// The only file that sees toml++.
#include <toml++/toml.h>

#include <sstream>

#include "broker/topic_config.h"
#include "server/config.h"

namespace naru::server {
namespace {

std::optional<std::string> text_of(const toml::node& node) {
  if (auto text = node.value_exact<std::string>()) return text;
  if (auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (auto truth = node.value_exact<bool>()) return *truth ? "true" : "false";
  if (auto number = node.value_exact<double>()) {
    std::ostringstream out;
    out << *number;
    return out.str();
  }
  const toml::array* list = node.as_array();
  if (!list) return std::nullopt;
  std::string joined;
  for (const toml::node& item : *list) {
    auto text = item.value_exact<std::string>();
    if (!text) return std::nullopt;
    joined += (joined.empty() ? "" : ",") + *text;
  }
  return joined;
}

/// [topic-defaults]: settings of topics under their names. TOML takes retention.ms without quotes for a table
/// "retention" with "ms" in it; both ways of writing mean the same here. Returns what is wrong.
std::optional<std::string> read_topic_defaults(const toml::table& table, const std::string& prefix, TopicConfig& into) {
  for (const auto& [key, node] : table) {
    std::string name = prefix + std::string(key.str());
    if (const toml::table* inner = node.as_table()) {
      if (auto wrong = read_topic_defaults(*inner, name + ".", into)) return wrong;
      continue;
    }
    if (name == "naru.durability") return "naru.durability: outside of [topic-defaults] it is called durability";
    auto text = text_of(node);
    if (!text) return name + ": not a value that a topic's setting can have";
    if (auto wrong = topic_config_error(name, *text)) return wrong;
    into.insert_or_assign(name, *text);
  }
  return prefix.empty() ? topic_config_error(into) : std::nullopt;
}

}  // namespace

std::optional<std::string> read_config_file(const std::string& path, Config& config) {
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    where << error.source().begin;
    return path + ": " + std::string(error.description()) + " (" + where.str() + ")";
  }
  for (const auto& [key, node] : table) {
    std::string name(key.str());
    auto text = node.value<std::string>();
    auto number = node.value<int64_t>();
    auto wrong = [&](const char* what) { return path + ": " + name + ": " + what; };
    if ((name == "kafka" || name == "admin") && text) {
      auto parsed = io::parse_endpoint(*text);
      if (!parsed) return wrong(parsed.error().reason);
      (name == "kafka" ? config.kafka : config.admin) = *parsed;
    } else if (name == "amqp" && text && *text == "off") {
      config.amqp.reset();
    } else if (name == "amqp" && text) {
      auto parsed = io::parse_endpoint(*text);
      if (!parsed) return wrong(parsed.error().reason);
      config.amqp = *parsed;
    } else if (name == "amqps" && text) {
      auto parsed = io::parse_endpoint(*text);
      if (!parsed) return wrong(parsed.error().reason);
      config.amqps = *parsed;
    } else if (name == "sqs" && text && *text == "off") {
      config.sqs.reset();
    } else if (name == "sqs" && text) {
      auto parsed = io::parse_endpoint(*text);
      if (!parsed) return wrong(parsed.error().reason);
      config.sqs = *parsed;
    } else if (name.starts_with("sqs-") && text) {
      auto set = set_sqs(name, *text, config);
      if (!set) return wrong(set.error().c_str());
      if (!*set) return wrong("no such setting; `naru serve --help` lists them");
    } else if (name == "tls-cert" && text) {
      config.tls.certificate = *text;
    } else if (name == "tls-key" && text) {
      config.tls.key = *text;
    } else if (name == "tls-ca" && text) {
      config.tls.client_ca = *text;
    } else if (name == "tls-verify" && text && parse_tls_verify(*text, config)) {
    } else if (name == "tls-login-from" && text && parse_tls_login(*text, config)) {
    } else if (name == "data-dir" && text) {
      config.data_dir = *text;
    } else if (name == "advertise" && text) {
      config.advertise = *text;
    } else if (name == "shards" && number && *number >= 0) {
      config.cores = static_cast<uint32_t>(*number);
    } else if (name == "memory-limit" && (text || number)) {
      auto bytes = parse_size(text ? *text : std::to_string(*number));
      if (!bytes || *bytes < 16 * MiB) return wrong("a size from 16MiB on, as \"64MiB\"");
      config.memory_limit = *bytes;
    } else if (name == "durability" && text && (*text == "sync" || *text == "os")) {
      config.durability = *text == "os" ? Durability::os : Durability::sync;
    } else if (name == "log-format" && text && (*text == "text" || *text == "json")) {
      config.log_format = *text == "json" ? io::LogFormat::json : io::LogFormat::text;
    } else if (name == "group-initial-rebalance-delay-ms" && number && *number >= 0) {
      config.group_rebalance_delay_ms = *number;
    } else if (name == "log-retention-check-interval-ms" && number && *number > 0) {
      config.retention_check_ms = *number;
    } else if (name == "log-cleaner-backoff-ms" && number && *number > 0) {
      config.compaction_check_ms = *number;
    } else if (name == "topic-defaults" && node.is_table()) {
      if (auto mistake = read_topic_defaults(*node.as_table(), "", config.topic_defaults))
        return wrong(mistake->c_str());
    } else {
      return wrong("no such setting, or not a value it can have; `naru serve --help` lists them");
    }
  }
  return std::nullopt;
}

}  // namespace naru::server
