#pragma once
// Durable queues and streams as Kafka's clients see them: topics in the catalog, over the very logs that the queues
// live in (docs/mapping.md). Lives on core 0. A queue in the virtual host / has its own name, any other that of its
// host before it: "host.queue". A name that Kafka does not allow, or that a topic has already, is not seen by Kafka.
#include <map>

#include "broker/core.h"
#include "broker/vhost/definitions.h"

namespace naru {

/// What the topic of this queue is called; nothing if it has none.
std::optional<std::string> topic_name_of(std::string_view vhost, const QueueDefinition& queue);

class QueueTopics {
 public:
  explicit QueueTopics(Core& core) : core_(core) {}

  /// The queue is there, or has other settings.
  void put(std::string_view vhost, const QueueDefinition& queue);
  void remove(std::string_view vhost, const QueueDefinition& queue);
  /// From now on changes are published; those that are known by now before anything else.
  io::Task<> start();

 private:
  void plan();
  io::Task<> publish();

  Core& core_;
  std::map<std::string, TopicPtr> pending_;  // null: it is gone
  bool started_ = false, publishing_ = false;
};

}  // namespace naru
