#pragma once
// The settings of topics and of this broker with the values that hold, where each comes from, and what else could say
// it: what DescribeConfigs and CreateTopics show.
#include "broker/core.h"
#include "broker/topic_config.h"

namespace naru::kafka {

/// Numbers on the wire.
enum class ConfigSource : int8_t { topic = 1, broker = 2, default_broker = 3, start = 4, default_value = 5 };
enum class WireConfigType : int8_t {
  boolean = 1,
  text = 2,
  int32 = 3,
  int16 = 4,
  int64 = 5,
  float64 = 6,
  list = 7,
  class_name = 8,
  password = 9,
};

struct ConfigEntry {
  struct Synonym {
    std::string name, value;
    ConfigSource source;
  };
  std::string_view name;
  std::optional<std::string> value;
  ConfigSource source = ConfigSource::default_value;
  WireConfigType type = WireConfigType::text;
  bool read_only = false;
  std::string_view documentation;
  std::vector<Synonym> synonyms;  // first the one that holds
};

/// All settings of a topic, ascending by name.
std::vector<ConfigEntry> topic_entries(const TopicConfig& config, const BrokerSettings& settings);

/// All settings of this broker, ascending by name. `listener` is what it tells clients to connect to.
std::vector<ConfigEntry> broker_entries(const Broker& broker, const std::string& listener);

}  // namespace naru::kafka
