// What Apache Kafka 4.3.1 was seen to say of the same values.
#include "broker/topic_config.h"

#include <gtest/gtest.h>

namespace naru {
namespace {

std::string error(std::string_view name, std::string_view value) {
  return topic_config_error(name, value).value_or("fine");
}

Topic derived(TopicConfig config, BrokerSettings settings = {}) {
  Topic topic;
  topic.config = std::move(config);
  derive(topic, settings);
  return topic;
}

TEST(topic_config, every_default_is_a_value_that_may_be_set) {
  for (const ConfigKey& key : topic_config_keys()) EXPECT_EQ(error(key.name, key.default_value), "fine") << key.name;
}

TEST(topic_config, numbers_have_types_and_bounds) {
  EXPECT_EQ(error("retention.ms", "x"), "Invalid value x for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(error("retention.ms", ""), "Invalid value  for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(error("retention.ms", "5 5"),
            "Invalid value 5 5 for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(error("retention.ms", "-2"), "Invalid value -2 for configuration retention.ms: Value must be at least -1");
  EXPECT_EQ(error("retention.ms", " 5 "), "fine");
  EXPECT_EQ(error("retention.ms", "9223372036854775807"), "fine");
  EXPECT_EQ(error("retention.ms", "9223372036854775808"),
            "Invalid value 9223372036854775808 for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(error("retention.bytes", "-2"), "fine");
  EXPECT_EQ(error("segment.bytes", "10"),
            "Invalid value 10 for configuration segment.bytes: Value must be at least 1048576");
  EXPECT_EQ(error("segment.bytes", "99999999999"),
            "Invalid value 99999999999 for configuration segment.bytes: Not a number of type INT");
  EXPECT_EQ(error("compression.gzip.level", "0"),
            "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1");
  EXPECT_EQ(error("compression.gzip.level", "-1"), "fine");
  EXPECT_EQ(error("compression.lz4.level", "99"),
            "Invalid value 99 for configuration compression.lz4.level: Value must be no more than 17");
  EXPECT_EQ(error("min.cleanable.dirty.ratio", "2"),
            "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1");
  EXPECT_EQ(error("min.cleanable.dirty.ratio", "x"),
            "Invalid value x for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE");
  EXPECT_EQ(error("min.cleanable.dirty.ratio", "nan"),
            "Invalid value nan for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE");
}

TEST(topic_config, words_are_chosen_from_a_list) {
  EXPECT_EQ(error("cleanup.policy", "foo"),
            "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete");
  EXPECT_EQ(error("cleanup.policy", "Delete"),
            "Invalid value Delete for configuration cleanup.policy: String must be one of: compact, delete");
  EXPECT_EQ(error("cleanup.policy", "delete , compact"), "fine");
  EXPECT_EQ(error("cleanup.policy", ""), "fine");
  EXPECT_EQ(
      error("compression.type", "GZIP"),
      "Invalid value GZIP for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, "
      "gzip, producer");
  EXPECT_EQ(error("unclean.leader.election.enable", "TRUE"), "fine");
  EXPECT_EQ(error("preallocate", "1"),
            "Invalid value 1 for configuration preallocate: Expected value to be either true or false");
  EXPECT_EQ(error("naru.durability", "os"), "fine");
  EXPECT_EQ(error("leader.replication.throttled.replicas", "0:1,1:1"), "fine");
  EXPECT_EQ(
      error("leader.replication.throttled.replicas", "x"),
      "Invalid value [x] for configuration leader.replication.throttled.replicas: "
      "leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: "
      "[partitionId]:[brokerId],[partitionId]:[brokerId],...");
  EXPECT_EQ(error("foo", "bar"), "Unknown topic config name: foo");
}

TEST(topic_config, a_configuration_has_to_make_sense_as_a_whole) {
  EXPECT_EQ(topic_config_error(TopicConfig{{"cleanup.policy", "compact"}, {"retention.ms", "5"}}), std::nullopt);
  EXPECT_EQ(topic_config_error(TopicConfig{{"max.compaction.lag.ms", "5"}, {"min.compaction.lag.ms", "10"}}),
            "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)");
  EXPECT_EQ(
      topic_config_error(TopicConfig{{"remote.storage.enable", "true"}}),
      "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.");
}

TEST(topic_config, without_settings_a_topic_is_as_in_kafka_but_synced) {
  Topic topic = derived({});
  EXPECT_EQ(topic.log.durability, Durability::sync);
  EXPECT_EQ(topic.log.retention_ms, 604'800'000);
  EXPECT_EQ(topic.log.retention_bytes, -1);
  EXPECT_EQ(topic.log.segment_bytes, 128 * MiB);
  EXPECT_TRUE(topic.log.remove_old);
  EXPECT_FALSE(topic.log.compact);
  EXPECT_EQ(topic.message_bytes_max, 1'048'588);
  EXPECT_EQ(topic.timestamp_after_max_ms, 3'600'000);
  EXPECT_FALSE(topic.log_append_time);
  EXPECT_FALSE(topic.compression);
}

TEST(topic_config, settings_reach_the_log) {
  Topic topic = derived({{"cleanup.policy", "compact"},
                         {"segment.bytes", "2097152"},
                         {"naru.durability", "os"},
                         {"message.timestamp.type", "LogAppendTime"},
                         {"min.cleanable.dirty.ratio", "0.25"},
                         {"max.message.bytes", "10"}});
  EXPECT_EQ(topic.log.durability, Durability::os);
  EXPECT_EQ(topic.log.segment_bytes, 2 * MiB);
  EXPECT_FALSE(topic.log.remove_old);
  EXPECT_TRUE(topic.log.compact);
  EXPECT_EQ(topic.log.min_cleanable_ratio, 0.25);
  EXPECT_TRUE(topic.log_append_time);
  EXPECT_EQ(topic.message_bytes_max, 10);
}

TEST(topic_config, durability_defaults_to_what_the_broker_was_told) {
  BrokerSettings settings;
  settings.durability = Durability::os;
  EXPECT_EQ(derived({}, settings).log.durability, Durability::os);
  EXPECT_EQ(derived({{"naru.durability", "sync"}}, settings).log.durability, Durability::sync);
}

TEST(topic_config, the_broker_compresses_where_it_is_told_to) {
  EXPECT_FALSE(derived({{"compression.type", "producer"}}).compression);
  EXPECT_EQ(derived({{"compression.type", "uncompressed"}}).compression->codec, Codec::none);
  EXPECT_EQ(derived({{"compression.type", "snappy"}}).compression->codec, Codec::snappy);
  Topic topic =
      derived({{"compression.type", "zstd"}, {"compression.zstd.level", "-5"}, {"compression.gzip.level", "9"}});
  EXPECT_EQ(topic.compression->codec, Codec::zstd);
  EXPECT_EQ(topic.compression->level, -5);
}

TEST(topic_config, defaults_of_the_broker_hold_for_topics_that_do_not_say) {
  BrokerSettings settings;
  settings.topic_defaults = {{"compression.type", "gzip"}, {"retention.ms", "5000"}};
  EXPECT_EQ(derived({}, settings).compression->codec, Codec::gzip);
  EXPECT_EQ(derived({}, settings).log.retention_ms, 5000);
  EXPECT_FALSE(derived({{"compression.type", "producer"}}, settings).compression);
  EXPECT_EQ(topic_config_default(*find_topic_config("retention.ms"), settings), "5000");
}

TEST(topic_config, a_compacted_topic_closes_segments_in_time_for_its_greatest_lag) {
  TopicConfig config{{"max.compaction.lag.ms", "5000"}, {"segment.jitter.ms", "100"}};
  EXPECT_EQ(derived(config).log.segment_ms, 604'800'000);
  EXPECT_EQ(derived(config).log.segment_jitter_ms, 100);
  config["cleanup.policy"] = "compact";
  EXPECT_EQ(derived(config).log.segment_ms, 5000);
  EXPECT_EQ(derived(config).log.max_compaction_lag_ms, 5000);
  EXPECT_EQ(derived({{"cleanup.policy", "compact"}}).log.max_compaction_lag_ms, INT64_MAX);
}

TEST(topic_config, who_asks_for_syncs_gets_them) {
  EXPECT_EQ(derived({{"naru.durability", "os"}, {"flush.messages", "1"}}).log.durability, Durability::sync);
  EXPECT_EQ(derived({{"naru.durability", "os"}, {"flush.ms", "1000"}}).log.durability, Durability::os);
}

TEST(topic_config, no_policy_keeps_everything) {
  Topic topic = derived({{"cleanup.policy", ""}});
  EXPECT_FALSE(topic.log.remove_old);
  EXPECT_FALSE(topic.log.compact);
}

TEST(topic_config, the_longest_times_do_not_overflow) {
  Topic topic = derived({{"retention.ms", "9223372036854775807"}, {"delete.retention.ms", "9223372036854775807"}});
  EXPECT_EQ(topic.log.retention_ms, -1);  // for ever
  EXPECT_GT(topic.log.delete_retention_ms + 4'000'000'000'000, 0);
}

TEST(topic_config, a_stored_value_that_does_not_parse_counts_as_not_set) {
  Topic topic = derived({{"retention.ms", "soon"}, {"a.key.of.tomorrow", "1"}});
  EXPECT_EQ(topic.log.retention_ms, 604'800'000);
}

}  // namespace
}  // namespace naru
