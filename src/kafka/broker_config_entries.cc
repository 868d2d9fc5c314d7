// The broker's settings as tools expect them: Kafka's names, Kafka's defaults where naru does as Kafka does, and the
// truth where it does not. Naru changes none of them while it runs, so all are read-only.
#include <algorithm>

#include "kafka/api.h"
#include "kafka/config_entries.h"

namespace naru::kafka {
namespace {

using enum WireConfigType;

struct Row {
  std::string_view name;
  WireConfigType type;
  const char* value;  // null: not set
  std::string_view documentation;
};

constexpr Row rows[] = {
    {"advertised.listeners", list, "", "Addresses that clients are told to connect to."},
    {"authorizer.class.name", text, "", "Who decides what clients may do. There is none: everybody may do everything."},
    {"auto.create.topics.enable", boolean, "true", "Whether asking for a topic that is not there makes it."},
    {"auto.leader.rebalance.enable", boolean, "true",
     "Moves leadership back to preferred replicas; there is one replica."},
    {"background.threads", int32, "10", "Threads for background work. Naru has one event loop per core instead."},
    {"broker.id", int32, "1", "The number of this broker."},
    {"broker.rack", text, nullptr, "Where this broker stands."},
    {"compression.gzip.level", int32, "-1", "Default of the topic setting of the same name."},
    {"compression.lz4.level", int32, "9", "Default of the topic setting of the same name."},
    {"compression.type", text, "producer", "Default of the topic setting of the same name."},
    {"compression.zstd.level", int32, "3", "Default of the topic setting of the same name."},
    {"connections.max.idle.ms", int64, "600000", "A connection that says nothing for so long is closed."},
    {"connections.max.reauth.ms", int64, "0", "How long an authentication holds; 0: for ever."},
    {"controlled.shutdown.enable", boolean, "true",
     "Whether leadership is moved away before the broker ends; there is nowhere to."},
    {"create.topic.policy.class.name", class_name, nullptr,
     "A plugin that may refuse new topics. Naru has no plugins."},
    {"default.replication.factor", int32, "1", "Replicas of a topic that is created without a number."},
    {"delete.topic.enable", boolean, "true", "Whether topics can be deleted."},
    {"fetch.max.bytes", int32, "57671680", "The most that one Fetch answer holds."},
    {"fetch.purgatory.purge.interval.requests", int32, "1000",
     "Kafka's housekeeping of waiting fetches; naru needs none."},
    {"group.consumer.assignors", list, "",
     "Assignors of the consumer protocol of KIP-848, which naru does not have yet."},
    {"group.coordinator.rebalance.protocols", list, "classic", "Group protocols that are served."},
    {"group.initial.rebalance.delay.ms", int32, "3000", "How long a new group waits for more members."},
    {"group.max.session.timeout.ms", int32, "1800000", "The longest session that a group member may ask for."},
    {"group.max.size", int32, "2147483647", "Members that a group may have."},
    {"group.min.session.timeout.ms", int32, "6000", "The shortest session that a group member may ask for."},
    {"inter.broker.listener.name", text, "PLAINTEXT", "The listener between brokers; there is one broker."},
    {"leader.imbalance.check.interval.seconds", int64, "300", "How often leadership is balanced; there is one broker."},
    {"listener.security.protocol.map", text,
     "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL", "What each listener speaks."},
    {"listeners", list, "", "Addresses that the broker listens on."},
    {"log.cleaner.backoff.ms", int64, "15000",
     "How soon after an append to a compacted topic it is looked what to compact."},
    {"log.cleaner.delete.retention.ms", int64, "86400000", "Default of delete.retention.ms."},
    {"log.cleaner.enable", boolean, "true", "Whether compacted topics are compacted."},
    {"log.cleaner.max.compaction.lag.ms", int64, "9223372036854775807", "Default of max.compaction.lag.ms."},
    {"log.cleaner.min.cleanable.ratio", float64, "0.5", "Default of min.cleanable.dirty.ratio."},
    {"log.cleaner.min.compaction.lag.ms", int64, "0", "Default of min.compaction.lag.ms."},
    {"log.cleaner.threads", int32, "1", "Threads that compact."},
    {"log.cleanup.policy", list, "delete", "Default of cleanup.policy."},
    {"log.dir", list, "", "The folder of all data."},
    {"log.dirs", list, "", "The folder of all data."},
    {"log.flush.interval.messages", int64, "9223372036854775807", "Default of flush.messages; see naru.durability."},
    {"log.flush.interval.ms", int64, nullptr, "Default of flush.ms; see naru.durability."},
    {"log.index.interval.bytes", int32, "4096", "Default of index.interval.bytes."},
    {"log.index.size.max.bytes", int32, "10485760", "Default of segment.index.bytes."},
    {"log.local.retention.bytes", int64, "-2", "Default of local.retention.bytes."},
    {"log.local.retention.ms", int64, "-2", "Default of local.retention.ms."},
    {"log.message.timestamp.after.max.ms", int64, "3600000", "Default of message.timestamp.after.max.ms."},
    {"log.message.timestamp.before.max.ms", int64, "9223372036854775807",
     "Default of message.timestamp.before.max.ms."},
    {"log.message.timestamp.type", text, "CreateTime", "Default of message.timestamp.type."},
    {"log.preallocate", boolean, "false", "Default of preallocate."},
    {"log.retention.bytes", int64, "-1", "Default of retention.bytes."},
    {"log.retention.check.interval.ms", int64, "300000",
     "How soon after an append it is looked for old segments; nobody looks while nothing is appended."},
    {"log.retention.hours", int32, "168", "Default of retention.ms, in hours."},
    {"log.retention.minutes", int32, nullptr, "Default of retention.ms, in minutes."},
    {"log.retention.ms", int64, nullptr, "Default of retention.ms; log.retention.hours if not set."},
    {"log.roll.hours", int32, "168", "Default of segment.ms, in hours."},
    {"log.roll.jitter.ms", int64, nullptr, "Default of segment.jitter.ms."},
    {"log.roll.ms", int64, nullptr, "Default of segment.ms; log.roll.hours if not set."},
    {"log.segment.bytes", int32, "1073741824", "Default of segment.bytes."},
    {"log.segment.delete.delay.ms", int64, "60000", "Default of file.delete.delay.ms."},
    {"max.connections", int32, "2147483647",
     "Connections that the broker takes; what the limit of open files leaves beside segments and journal."},
    {"max.connections.per.ip", int32, "2147483647", "Connections that the broker takes from one address."},
    {"max.incremental.fetch.session.cache.slots", int32, "0", "Fetch sessions that are kept; naru grants none yet."},
    {"message.max.bytes", int32, "1048588", "Default of max.message.bytes."},
    {"min.insync.replicas", int32, "1", "Default of min.insync.replicas."},
    {"naru.durability", text, "sync", "Default of the topic setting of the same name: \"sync\" or \"os\"."},
    {"naru.memory.bytes", int64, "", "Memory that the whole process keeps to."},
    {"naru.version", text, "", "The version of this broker."},
    {"node.id", int32, "1", "The number of this node."},
    {"num.io.threads", int32, "", "Threads that run requests: naru's event loops, which do the network as well."},
    {"num.network.threads", int32, "", "Threads that serve sockets: naru's event loops, which run requests as well."},
    {"num.partitions", int32, "1", "Partitions of a topic that is created without a number."},
    {"num.recovery.threads.per.data.dir", int32, "1", "Threads that recover after a crash."},
    {"num.replica.fetchers", int32, "1", "Threads that copy from leaders; there is one broker."},
    {"offset.metadata.max.bytes", int32, "4096", "The longest text that may come with a committed offset."},
    {"offsets.commit.timeout.ms", int32, "5000",
     "How long Kafka waits for replicas of a commit. Naru waits for its disk."},
    {"offsets.retention.check.interval.ms", int64, "600000", "How often expired offsets are looked for."},
    {"offsets.retention.minutes", int32, "10080", "How long offsets stay when nobody reads on."},
    {"offsets.topic.num.partitions", int32, "50",
     "Kafka keeps offsets in a topic of so many partitions. Naru keeps them in its journal, by 64 shards."},
    {"offsets.topic.replication.factor", int16, "1", "Replicas of the offsets; there is one broker."},
    {"process.roles", list, "broker,controller", "What this node does: everything."},
    {"producer.id.expiration.ms", int32, "86400000", "How long an idle producer's sequence numbers are remembered."},
    {"queued.max.requests", int32, "500", "Kafka's bound of requests in line. Naru bounds bytes instead."},
    {"remote.log.storage.system.enable", boolean, "false", "Tiered storage; naru has no tier yet."},
    {"request.timeout.ms", int32, "30000", "How long brokers wait for each other; there is one."},
    {"sasl.enabled.mechanisms", list, "", "How clients may authenticate; not at all yet."},
    {"security.inter.broker.protocol", text, "PLAINTEXT", "What brokers speak with each other; there is one."},
    {"socket.request.max.bytes", int32, "104857600", "The largest request that is read."},
    {"transaction.max.timeout.ms", int32, "900000", "The longest transaction that a producer may ask for."},
    {"transaction.state.log.min.isr", int32, "1", "Replicas that must have a transaction's state; there is one."},
    {"transaction.state.log.replication.factor", int16, "1",
     "Replicas of the transactions' state; there is one broker."},
    {"transactional.id.expiration.ms", int32, "604800000", "How long an idle transactional id is remembered."},
    {"unclean.leader.election.enable", boolean, "false", "Default of unclean.leader.election.enable."},
};
static_assert(std::ranges::is_sorted(rows, {}, &Row::name));

/// What a topic's setting is called where it is a default of the broker. For some the default that holds has another
/// name (hours), so that they are not in the list of topic settings.
std::string_view name_at_broker(const ConfigKey& key) {
  if (!key.broker_name.empty()) return key.broker_name;
  if (key.name == "retention.ms") return "log.retention.ms";
  if (key.name == "segment.ms") return "log.roll.ms";
  if (key.name == "segment.jitter.ms") return "log.roll.jitter.ms";
  if (key.name == "flush.ms") return "log.flush.interval.ms";
  return "";
}

/// What was decided at start, rather than by Kafka's default.
TopicConfig decided(const Broker& broker, const std::string& listener) {
  const BrokerSettings& settings = broker.settings;
  const GroupSettings& groups = settings.groups;
  std::string cores = std::to_string(broker.cores.size());
  TopicConfig values = {
      {"advertised.listeners", listener},
      {"auto.create.topics.enable", settings.auto_create_topics ? "true" : "false"},
      {"broker.id", std::to_string(settings.node_id)},
      {"group.initial.rebalance.delay.ms", std::to_string(groups.initial_rebalance_delay_ms)},
      {"group.max.session.timeout.ms", std::to_string(groups.session_timeout_ms_max)},
      {"group.max.size", std::to_string(groups.members_max)},
      {"group.min.session.timeout.ms", std::to_string(groups.session_timeout_ms_min)},
      {"listeners", listener},
      {"log.dir", settings.data_dir},
      {"log.cleaner.backoff.ms", std::to_string(settings.compaction_check_ms)},
      {"log.dirs", settings.data_dir},
      {"max.connections", std::to_string(std::min<uint64_t>(settings.connections_max, INT32_MAX))},
      {"log.retention.check.interval.ms", std::to_string(settings.retention_check_ms)},
      {"naru.durability", settings.durability == Durability::sync ? "sync" : "os"},
      {"naru.memory.bytes", std::to_string(settings.memory_bytes)},
      {"naru.version", settings.version},
      {"node.id", std::to_string(settings.node_id)},
      {"num.io.threads", cores},
      {"num.network.threads", cores},
      {"num.partitions", std::to_string(settings.partitions)},
      {"offset.metadata.max.bytes", std::to_string(groups.offset_metadata_bytes_max)},
      {"offsets.retention.check.interval.ms", std::to_string(groups.offsets_check_interval_ms)},
      {"offsets.retention.minutes", std::to_string(groups.offsets_retention_ms / 60'000)},
      {"socket.request.max.bytes", std::to_string(frame_bytes_max(broker.cores.back()->budget))},
  };
  for (const auto& [name, value] : settings.topic_defaults) {
    const ConfigKey* key = find_topic_config(name);
    if (key) values.insert_or_assign(std::string(name_at_broker(*key)), value);
  }
  return values;
}

}  // namespace

std::vector<ConfigEntry> broker_entries(const Broker& broker, const std::string& listener) {
  TopicConfig values = decided(broker, listener);
  std::vector<ConfigEntry> entries;
  for (const Row& row : rows) {
    auto& entry = entries.emplace_back();
    entry.name = row.name;
    entry.type = row.type;
    entry.read_only = true;
    entry.documentation = row.documentation;
    if (row.value) entry.value = row.value;
    std::string name(row.name);
    if (auto value = values.find(row.name); value != values.end() && (!row.value || value->second != row.value)) {
      entry.value = value->second;
      entry.source = ConfigSource::start;
      entry.synonyms.push_back({name, value->second, ConfigSource::start});
    }
    bool has_default = row.value && *row.value;
    if (has_default) entry.synonyms.push_back({name, row.value, ConfigSource::default_value});
  }
  return entries;
}

}  // namespace naru::kafka
