#pragma once
// The settings of topics: what each is called, what it may be, its default, and what it means for a log. Names and
// defaults are Kafka's, because its users' tools set them; naru's own begin with "naru.".
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/catalog.h"
#include "broker/settings.h"

namespace naru {

enum class ConfigType : uint8_t { boolean, text, integer, whole /* long */, fraction, list };

struct ConfigKey {
  std::string_view name;
  ConfigType type;
  std::string_view default_value;
  std::string_view documentation;
  std::string_view broker_name;  // the broker-wide setting that the default comes from, "" if none has a value
};

/// All keys that a topic can have, ascending by name.
std::span<const ConfigKey> topic_config_keys();
const ConfigKey* find_topic_config(std::string_view name);

/// The items of a list value, without the spaces around them.
std::vector<std::string_view> config_items(std::string_view value);
bool has_config_item(std::string_view value, std::string_view item);

/// What is wrong with this value, in words for a person; nothing if it is fine.
std::optional<std::string> topic_config_error(std::string_view name, std::string_view value);
/// The same of a whole configuration: each value, and what they mean together.
std::optional<std::string> topic_config_error(const TopicConfig& config);

/// The value that holds for a key that is not set: Kafka's default, or what this broker was told at start.
std::string_view topic_config_default(const ConfigKey& key, const BrokerSettings& settings);

/// What was set, also of a queue's topic: there it follows from the queue's settings and is not kept.
TopicConfig shown_config(const Topic& topic);

/// Fills in the part of a topic that follows from its config. A stored value that does not parse counts as not set.
void derive(Topic& topic, const BrokerSettings& settings);

}  // namespace naru
