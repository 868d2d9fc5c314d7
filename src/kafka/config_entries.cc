#include "kafka/config_entries.h"

#include <algorithm>

namespace naru::kafka {
namespace {

WireConfigType wire_type(ConfigType type) {
  switch (type) {
    case ConfigType::boolean: return WireConfigType::boolean;
    case ConfigType::text: return WireConfigType::text;
    case ConfigType::integer: return WireConfigType::int32;
    case ConfigType::whole: return WireConfigType::int64;
    case ConfigType::fraction: return WireConfigType::float64;
    case ConfigType::list: return WireConfigType::list;
  }
  CHECK(false && "a config type without a number");
}

}  // namespace

std::vector<ConfigEntry> topic_entries(const TopicConfig& config, const BrokerSettings& settings) {
  std::vector<ConfigEntry> entries;
  for (const ConfigKey& key : topic_config_keys()) {
    auto& entry = entries.emplace_back();
    entry.name = key.name;
    entry.type = wire_type(key.type);
    entry.documentation = key.documentation;
    std::string inherited(topic_config_default(key, settings));
    ConfigSource source = inherited == key.default_value ? ConfigSource::default_value : ConfigSource::start;
    entry.value = inherited;
    entry.source = source;
    if (auto set = config.find(key.name); set != config.end()) {
      entry.value = set->second;
      entry.source = ConfigSource::topic;
      entry.synonyms.push_back({set->first, set->second, ConfigSource::topic});
    }
    if (key.broker_name.empty()) continue;
    entry.synonyms.push_back({std::string(key.broker_name), inherited, source});
    if (source == ConfigSource::start)
      entry.synonyms.push_back(
          {std::string(key.broker_name), std::string(key.default_value), ConfigSource::default_value});
  }
  return entries;
}

}  // namespace naru::kafka
