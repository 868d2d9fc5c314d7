#include "broker/topic_config.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace naru {
namespace {

// Segments are recycled and read as a whole: larger ones win nothing, and segment.bytes above it only shows.
constexpr int64_t segment_bytes_max = 128 * MiB;

// Sums with a time of day stay in range; longer is for ever, or as good as that.
constexpr int64_t milliseconds_max = INT64_MAX / 4;

constexpr int64_t any_least = INT64_MIN, any_most = INT64_MAX;
constexpr std::string_view no_choices;

/// What a value may be beyond its type.
struct Rule {
  int64_t least = any_least, most = any_most;
  std::string_view choices = no_choices;  // "a, b", as Kafka lists them
  std::optional<int64_t> also = {};       // allowed outside of the range
};

struct Row {
  ConfigKey key;
  Rule rule = {};
};

using enum ConfigType;

constexpr Row rows[] = {
    {{"cleanup.policy", list, "delete",
      "What happens to old data: \"delete\" drops it by age and size, \"compact\" keeps the last record of each key, "
      "both may be combined; an empty list keeps everything.",
      "log.cleanup.policy"},
     {.choices = "compact, delete"}},
    {{"compression.gzip.level", integer, "-1",
      "Level for gzip where compression.type makes the broker compress; -1 is gzip's own default.",
      "compression.gzip.level"},
     {.least = 1, .most = 9, .also = -1}},
    {{"compression.lz4.level", integer, "9",
      "Level for lz4 where compression.type makes the broker compress; 9 is the fast one.", "compression.lz4.level"},
     {.least = 1, .most = 17}},
    {{"compression.type", text, "producer",
      "Codec of stored batches: the broker compresses again what comes with another one. \"producer\" keeps what "
      "producers chose, which costs nothing.",
      "compression.type"},
     {.choices = "uncompressed, zstd, lz4, snappy, gzip, producer"}},
    {{"compression.zstd.level", integer, "3", "Level for zstd where compression.type makes the broker compress.",
      "compression.zstd.level"},
     {.least = -131072, .most = 22}},
    {{"delete.retention.ms", whole, "86400000",
      "How long a deletion marker stays in a compacted topic, so that readers have time to see it.",
      "log.cleaner.delete.retention.ms"},
     {.least = 0}},
    {{"file.delete.delay.ms", whole, "60000",
      "Delay before files are removed. Naru removes them as soon as that is durable.", "log.segment.delete.delay.ms"},
     {.least = 0}},
    {{"flush.messages", whole, "9223372036854775807",
      "Records between forced syncs. Any number makes each confirm wait for the disk, also where naru.durability is "
      "os.",
      "log.flush.interval.messages"},
     {.least = 1}},
    {{"flush.ms", whole, "9223372036854775807",
      "Time between forced syncs; naru.durability decides that. Kafka's own default checks it never.", ""},
     {.least = 0}},
    {{"follower.replication.throttled.replicas", list, "",
      "Replicas whose copying is throttled on the receiving side; without effect on one node.", ""}},
    {{"index.interval.bytes", integer, "4096", "Bytes between entries of the offset index. Naru chooses its own step.",
      "log.index.interval.bytes"},
     {.least = 0}},
    {{"leader.replication.throttled.replicas", list, "",
      "Replicas whose copying is throttled on the sending side; without effect on one node.", ""}},
    {{"local.retention.bytes", whole, "-2",
      "Local size of a tiered partition; -2 means retention.bytes. Without effect as long as there is no tier.",
      "log.local.retention.bytes"},
     {.least = -2}},
    {{"local.retention.ms", whole, "-2",
      "Local age of a tiered partition; -2 means retention.ms. Without effect as long as there is no tier.",
      "log.local.retention.ms"},
     {.least = -2}},
    {{"max.compaction.lag.ms", whole, "9223372036854775807",
      "After this time a record is compacted even if little would be gained, once its segment is closed, which it is "
      "at this age.",
      "log.cleaner.max.compaction.lag.ms"},
     {.least = 1}},
    {{"max.message.bytes", integer, "1048588", "The largest record batch that is accepted, as it is on the wire.",
      "message.max.bytes"},
     {.least = 0}},
    {{"message.timestamp.after.max.ms", whole, "3600000",
      "How far a record's own timestamp may be ahead of the broker's clock.", "log.message.timestamp.after.max.ms"},
     {.least = 0}},
    {{"message.timestamp.before.max.ms", whole, "9223372036854775807",
      "How far a record's own timestamp may be behind the broker's clock.", "log.message.timestamp.before.max.ms"},
     {.least = 0}},
    {{"message.timestamp.type", text, "CreateTime",
      "Whose clock stamps records: the producer's (CreateTime) or the broker's (LogAppendTime).",
      "log.message.timestamp.type"},
     {.choices = "CreateTime, LogAppendTime"}},
    {{"min.cleanable.dirty.ratio", fraction, "0.5",
      "Share of a compacted log that has to be new before it is compacted again.", "log.cleaner.min.cleanable.ratio"},
     {.least = 0, .most = 1}},
    {{"min.compaction.lag.ms", whole, "0", "For this time a record stays whatever comes after it.",
      "log.cleaner.min.compaction.lag.ms"},
     {.least = 0}},
    {{"min.insync.replicas", integer, "1",
      "Replicas that must have a batch before acks=all is answered; as in Kafka, not more than there are: one.",
      "min.insync.replicas"},
     {.least = 1}},
    {{"naru.durability", text, "sync",
      "When a batch counts as stored: \"sync\" on the disk, so that it survives a power cut; \"os\" with the operating "
      "system, so that it survives the end of the process.",
      "naru.durability"},
     {.choices = "sync, os"}},
    {{"preallocate", boolean, "false", "Whether segment files get their space in advance. Naru decides that itself.",
      "log.preallocate"}},
    {{"remote.log.copy.disable", boolean, "false", "Makes a tiered topic read-only in its tier. Naru has no tier yet.",
      ""}},
    {{"remote.log.delete.on.disable", boolean, "false",
      "Whether tiered data goes when tiering is switched off. Naru has no tier yet.", ""}},
    {{"remote.storage.enable", boolean, "false", "Tiered storage. Naru has no tier yet.", ""}},
    {{"retention.bytes", whole, "-1", "Size above which the oldest segments of a partition go; -1: any size.",
      "log.retention.bytes"}},
    {{"retention.ms", whole, "604800000", "Age above which segments of a partition go; -1: never.", ""}, {.least = -1}},
    {{"segment.bytes", integer, "1073741824",
      "Size at which a segment file is closed. Naru closes one at 128 MiB at the latest.", "log.segment.bytes"},
     {.least = 1048576}},
    {{"segment.index.bytes", integer, "10485760", "Room for a segment's index. Naru's indexes grow as they need.",
      "log.index.size.max.bytes"},
     {.least = 4}},
    {{"segment.jitter.ms", whole, "0",
      "A segment closes up to so much earlier than segment.ms says, so that not all close at once.", ""},
     {.least = 0}},
    {{"segment.ms", whole, "604800000",
      "Age at which a segment file is closed, so that retention and compaction can have it.", ""},
     {.least = 1}},
    {{"unclean.leader.election.enable", boolean, "false", "Whether a replica that lags may lead. There is one replica.",
      "unclean.leader.election.enable"}},
};
static_assert(std::ranges::is_sorted(rows, {}, [](const Row& row) { return row.key.name; }));

constexpr auto keys = [] {
  std::array<ConfigKey, std::size(rows)> out;
  std::ranges::transform(rows, out.begin(), &Row::key);
  return out;
}();

std::string_view trim(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n\f\v";
  size_t first = text.find_first_not_of(spaces);
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

template <class T>
std::optional<T> parse(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

std::string refusal(std::string_view name, std::string_view value, std::string_view why) {
  return "Invalid value " + std::string(value) + " for configuration " + std::string(name) + ": " + std::string(why);
}

/// As Java prints a double: "2.0".
std::string number_text(double value) {
  char digits[32];
  auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  std::string out(digits, end);
  return out.find_first_of(".en") == out.npos ? out + ".0" : out;
}
std::string number_text(std::integral auto value) { return std::to_string(value); }

template <class T>
std::optional<std::string> number_error(const Row& row, std::string_view value, const char* type) {
  const Rule& rule = row.rule;
  auto number = parse<T>(value);
  if (!number) return refusal(row.key.name, value, std::string("Not a number of type ") + type);
  if constexpr (std::is_same_v<T, double>) {
    if (std::isnan(*number)) return refusal(row.key.name, value, std::string("Not a number of type ") + type);
    auto least = static_cast<double>(rule.least), most = static_cast<double>(rule.most);
    if (*number < least)
      return refusal(row.key.name, number_text(*number), "Value must be at least " + number_text(rule.least));
    if (*number > most)
      return refusal(row.key.name, number_text(*number), "Value must be no more than " + number_text(rule.most));
  } else {
    bool outside = *number < rule.least || *number > rule.most;
    if (!outside || rule.also == *number) return std::nullopt;
    if (rule.also)
      return refusal(row.key.name, number_text(*number),
                     "Value must be between " + number_text(rule.least) + " and " + number_text(rule.most) +
                         " or equal to " + number_text(*rule.also));
    if (*number < rule.least)
      return refusal(row.key.name, number_text(*number), "Value must be at least " + number_text(rule.least));
    return refusal(row.key.name, number_text(*number), "Value must be no more than " + number_text(rule.most));
  }
  return std::nullopt;
}

/// "*" or "partition:broker,partition:broker"
bool is_replica_list(std::string_view value) {
  auto items = config_items(value);
  if (items.size() == 1 && items[0] == "*") return true;
  return std::ranges::all_of(items, [](std::string_view item) {
    size_t colon = item.find(':');
    return colon != item.npos && parse<int32_t>(item.substr(0, colon)).value_or(-1) >= 0 &&
           parse<int32_t>(item.substr(colon + 1)).value_or(-1) >= 0;
  });
}

std::optional<std::string> list_error(const Row& row, std::string_view value) {
  if (row.key.name.ends_with("throttled.replicas")) {
    if (is_replica_list(value)) return std::nullopt;
    return refusal(row.key.name, "[" + std::string(value) + "]",
                   std::string(row.key.name) +
                       " must be the literal '*' or a list of replicas in the following format: "
                       "[partitionId]:[brokerId],[partitionId]:[brokerId],...");
  }
  for (std::string_view item : config_items(value))
    if (!has_config_item(row.rule.choices, item))
      return refusal(row.key.name, item, "String must be one of: " + std::string(row.rule.choices));
  return std::nullopt;
}

std::optional<std::string> value_error(const Row& row, std::string_view value) {
  switch (row.key.type) {
    case integer: return number_error<int32_t>(row, value, "INT");
    case whole: return number_error<int64_t>(row, value, "LONG");
    case fraction: return number_error<double>(row, value, "DOUBLE");
    case list: return list_error(row, value);
    case boolean: {
      std::string_view word = trim(value);
      if (same_word(word, "true") || same_word(word, "false")) return std::nullopt;
      return refusal(row.key.name, value, "Expected value to be either true or false");
    }
    case text: {
      if (has_config_item(row.rule.choices, trim(value))) return std::nullopt;
      return refusal(row.key.name, value, "String must be one of: " + std::string(row.rule.choices));
    }
  }
  CHECK(false && "a config type without rules");
}

const Row* find_row(std::string_view name) {
  auto row = std::ranges::lower_bound(rows, name, {}, [](const Row& r) { return r.key.name; });
  return row != std::end(rows) && row->key.name == name ? row : nullptr;
}

/// Values of one configuration, by key, with defaults.
class Values {
 public:
  Values(const TopicConfig& config, const BrokerSettings& settings) : config_(config), settings_(settings) {}
  std::string_view text(std::string_view name) const {
    const Row* row = find_row(name);
    CHECK(row);
    auto set = config_.find(name);
    if (set != config_.end() && !value_error(*row, set->second)) return trim(set->second);
    return topic_config_default(row->key, settings_);
  }
  int64_t number(std::string_view name) const { return parse<int64_t>(text(name)).value_or(0); }
  int64_t milliseconds(std::string_view name) const { return std::min(number(name), milliseconds_max); }
  double fraction(std::string_view name) const { return parse<double>(text(name)).value_or(0); }

 private:
  const TopicConfig& config_;
  const BrokerSettings& settings_;
};

/// Nothing: as producers sent them.
std::optional<Compression> compression_of(const Values& values) {
  std::string_view type = values.text("compression.type");
  auto level = [&](std::string_view name) { return static_cast<int>(values.number(name)); };
  if (type == "uncompressed") return Compression{Codec::none};
  if (type == "gzip") return Compression{Codec::gzip, level("compression.gzip.level")};
  if (type == "snappy") return Compression{Codec::snappy};
  if (type == "lz4") return Compression{Codec::lz4, level("compression.lz4.level")};
  if (type == "zstd") return Compression{Codec::zstd, level("compression.zstd.level")};
  return std::nullopt;
}

}  // namespace

std::span<const ConfigKey> topic_config_keys() { return keys; }

const ConfigKey* find_topic_config(std::string_view name) {
  const Row* row = find_row(name);
  return row ? &row->key : nullptr;
}

std::vector<std::string_view> config_items(std::string_view value) {
  std::vector<std::string_view> items;
  value = trim(value);
  while (!value.empty()) {
    size_t comma = value.find(',');
    items.push_back(trim(value.substr(0, comma)));
    value = comma == value.npos ? "" : trim(value.substr(comma + 1));
  }
  return items;
}

bool has_config_item(std::string_view value, std::string_view item) {
  auto items = config_items(value);
  return std::ranges::find(items, item) != items.end();
}

std::optional<std::string> topic_config_error(std::string_view name, std::string_view value) {
  const Row* row = find_row(name);
  return row ? value_error(*row, value) : "Unknown topic config name: " + std::string(name);
}

std::optional<std::string> topic_config_error(const TopicConfig& config) {
  for (const auto& [name, value] : config)
    if (auto error = topic_config_error(name, value)) return error;
  BrokerSettings settings;
  Values values(config, settings);
  int64_t least = values.number("min.compaction.lag.ms"), most = values.number("max.compaction.lag.ms");
  if (least > most)
    return "conflict topic config setting min.compaction.lag.ms (" + number_text(least) +
           ") > max.compaction.lag.ms (" + number_text(most) + ")";
  if (same_word(values.text("remote.storage.enable"), "true"))
    return "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log "
           "storage.";
  return std::nullopt;
}

std::string_view topic_config_default(const ConfigKey& key, const BrokerSettings& settings) {
  if (auto set = settings.topic_defaults.find(key.name); set != settings.topic_defaults.end()) return set->second;
  if (key.name == "naru.durability") return settings.durability == Durability::sync ? "sync" : "os";
  return key.default_value;
}

TopicConfig shown_config(const Topic& topic) {
  if (!topic.queue) return topic.config;
  return {{"max.message.bytes", std::to_string(topic.message_bytes_max)},
          {"message.timestamp.type", "LogAppendTime"},
          {"retention.bytes", std::to_string(topic.log.retention_bytes)},
          {"retention.ms", std::to_string(topic.log.retention_ms)}};
}

void derive(Topic& topic, const BrokerSettings& settings) {
  Values values(topic.config, settings);
  std::string_view policies = values.text("cleanup.policy");
  int64_t retention = values.milliseconds("retention.ms");
  bool compact = has_config_item(policies, "compact");
  // Who asks for a sync after so many records gets one before each confirm, which is more and costs little here.
  bool sync = values.text("naru.durability") != "os" || values.number("flush.messages") != INT64_MAX;
  int64_t lag_max = values.milliseconds("max.compaction.lag.ms"), segment_ms = values.milliseconds("segment.ms");
  topic.log = {
      .durability = sync ? Durability::sync : Durability::os,
      .retention_ms = retention == milliseconds_max ? -1 : retention,
      .retention_bytes = values.number("retention.bytes"),
      .segment_bytes = static_cast<uint64_t>(std::min(values.number("segment.bytes"), segment_bytes_max)),
      .segment_ms = compact ? std::min(segment_ms, lag_max) : segment_ms,
      .segment_jitter_ms = values.milliseconds("segment.jitter.ms"),
      .remove_old = has_config_item(policies, "delete"),
      .compact = compact,
      .delete_retention_ms = values.milliseconds("delete.retention.ms"),
      .min_compaction_lag_ms = values.milliseconds("min.compaction.lag.ms"),
      .max_compaction_lag_ms = lag_max == milliseconds_max ? INT64_MAX : lag_max,
      .min_cleanable_ratio = values.fraction("min.cleanable.dirty.ratio"),
  };
  topic.message_bytes_max = values.number("max.message.bytes");
  topic.log_append_time = values.text("message.timestamp.type") == "LogAppendTime";
  topic.timestamp_before_max_ms = values.number("message.timestamp.before.max.ms");
  topic.timestamp_after_max_ms = values.number("message.timestamp.after.max.ms");
  topic.compression = compression_of(values);
}

}  // namespace naru
