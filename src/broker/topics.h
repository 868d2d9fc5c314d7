#pragma once
// Changes of the catalog. Lives on core 0; every change goes through the meta store, is durable before it is answered,
// and is known to all cores by then.
#include "broker/core.h"
#include "broker/meta_store.h"

namespace naru {

struct NewTopic {
  std::string name;
  int32_t partitions = 1;
  TopicConfig config;
};

class Topics {
 public:
  /// `derive` fills what a topic's config means for its log (topic_config.h).
  Topics(Broker& broker, MetaStore& meta, std::function<void(Topic&)> derive);

  /// Reads the catalog from the meta store after a start, and hands it to all cores.
  /// `others`: streams that are not of topics and are to stay.
  io::Task<Result<void>> load(std::set<StreamId> others = {});

  /// Code::exists, or what the meta store says. Names and configs have been checked.
  io::Task<Result<TopicPtr>> create(NewTopic wanted);
  /// Raises the number of partitions to `total`. Code::not_found; Code::invalid if it has as many already, or is a
  /// queue's.
  io::Task<Result<TopicPtr>> add_partitions(std::string name, int32_t total);
  /// Replaces the configuration. Code::not_found; Code::invalid if it is a queue's.
  io::Task<Result<TopicPtr>> configure(std::string name, TopicConfig config);
  /// Deletes a topic, its records, and what groups had read of it; where it is a queue's, the queue. Code::not_found.
  io::Task<Result<void>> remove(std::string name);

  /// Queues' topics come and go, as the queues do: each takes the place of the last one of its name; null: it is gone.
  /// Who has the name of a topic of Kafka's is left out.
  io::Task<> put_queues(std::map<std::string, TopicPtr> changes);
  /// How to delete a queue whose topic is deleted.
  std::function<io::Task<Result<void>>(QueueName)> delete_queue;

  /// A block of producer ids that nobody has had before: [first, first + count).
  io::Task<Result<int64_t>> producer_ids(int64_t count);
  /// As many stream ids: [first, first + count).
  io::Task<Result<int64_t>> stream_ids(int64_t count);
  /// One of them, mostly without a write: out of a block that was taken before.
  io::Task<Result<int64_t>> producer_id();

 private:
  io::Task<Result<TopicPtr>> store(Topic topic, Revision expected, uint64_t new_streams);
  io::Task<> publish(std::shared_ptr<Catalog> next);
  std::shared_ptr<Catalog> copy() const;

  Broker& broker_;
  MetaStore& meta_;
  std::function<void(Topic&)> derive_;
  uint64_t next_stream_ = 1;
  int64_t next_producer_ = 0;                            // of which nobody has had any
  int64_t spare_producer_ = 0, spare_producer_end_ = 0;  // taken, but not handed out
};

}  // namespace naru
