// The only file that sees toml++.
#include <toml++/toml.h>

#include <sstream>

#include "server/config.h"

namespace naru::server {

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
    } else {
      return wrong("no such setting, or not a value it can have; `naru serve --help` lists them");
    }
  }
  return std::nullopt;
}

}  // namespace naru::server
