#include "broker/vhost/queue_topics.h"

#include "broker/topics.h"

namespace naru {
namespace {

constexpr int64_t batch_bytes_max = 160 * MiB;  // one AMQP message of the largest size, with its headers

/// Consumers commit by it: the same after every start, and of nothing else. Streams' numbers are never used again.
Uuid topic_id_of(StreamId stream) {
  constexpr std::string_view mark = "queue-of";
  Uuid id;
  std::memcpy(id.bytes.data(), mark.data(), mark.size());
  store_be(id.bytes.data() + mark.size(), stream.value);
  return id;
}

/// A partition for each priority, numbered by it.
Topic topic_of(std::string name, std::string_view vhost, const QueueDefinition& queue) {
  Topic topic;
  topic.name = std::move(name);
  topic.queue = {std::string(vhost), queue.name};
  topic.id = topic_id_of(queue.levels[0].stream);
  for (const LevelIds& level : queue.levels) topic.partitions.push_back(level.stream);
  topic.message_bytes_max = batch_bytes_max;
  topic.log_append_time = true;
  topic.log = queue_log_settings(queue.settings);
  return topic;
}

}  // namespace

std::optional<std::string> topic_name_of(std::string_view vhost, const QueueDefinition& queue) {
  if (!queue.durable || queue.owner != 0 || queue.settings.topic) return std::nullopt;
  std::string name = vhost == "/" ? queue.name : std::string(vhost) + "." + queue.name;
  if (topic_name_error(name)) return std::nullopt;
  return name;
}

void QueueTopics::put(std::string_view vhost, const QueueDefinition& queue) {
  auto name = topic_name_of(vhost, queue);
  if (!name) return;
  pending_[*name] = std::make_shared<const Topic>(topic_of(*name, vhost, queue));
  plan();
}

void QueueTopics::remove(std::string_view vhost, const QueueDefinition& queue) {
  auto name = topic_name_of(vhost, queue);
  if (!name) return;
  pending_[*name] = nullptr;
  plan();
}

io::Task<> QueueTopics::start() {
  started_ = true;
  if (!pending_.empty() && !publishing_) co_await publish();
}

void QueueTopics::plan() {
  if (started_ && !publishing_) publish().detach();
}

/// What changes while a catalog is on its way to the other cores goes with the next one.
io::Task<> QueueTopics::publish() {
  publishing_ = true;
  while (!pending_.empty()) {
    auto changes = std::exchange(pending_, {});
    auto publishing = core_.broker.topics->put_queues(std::move(changes));
    co_await publishing;
  }
  publishing_ = false;
}

}  // namespace naru
