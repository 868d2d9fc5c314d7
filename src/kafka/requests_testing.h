#pragma once
// Requests as tests of whole sessions send them.
#include <gtest/gtest.h>

#include "kafka/errors.h"
#include "kafka/messages/00_produce.h"
#include "kafka/messages/01_fetch.h"
#include "kafka/messages/19_create_topics.h"
#include "kafka/sim_broker_testing.h"
#include "log/batch_builder.h"

namespace naru::kafka {

inline Bytes batch_of(std::string_view value, int records = 1) {
  BatchBuilder builder({});
  for (int i = 0; i < records; ++i)
    builder.add({.timestamp = 1'700'000'000'000, .key = view("k"), .value = view(value)});
  return *builder.finish();
}

inline ProduceRequest produce_of(std::string_view topic, ByteView batch, int16_t acks = -1) {
  ProduceRequest request;
  request.acks = acks;
  request.timeout_ms = 1000;
  request.topic_data.push_back({.name = topic, .partition_data = {{.index = 0, .records = batch}}});
  return request;
}

using Configs = std::vector<std::pair<std::string_view, std::string_view>>;
inline void create_topic(SimBroker& broker, std::string_view name, const Configs& configs = {}) {
  CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = 1;
  topic.replication_factor = 1;
  for (const auto& [key, value] : configs) topic.configs.push_back({.name = key, .value = value});
  auto response = broker.call<CreateTopicsResponse>(broker.connect(), request, 4);
  ASSERT_TRUE(response);
  ASSERT_EQ(response->topics[0].error_code, ErrorCode::none);
}

inline FetchRequest fetch_of(std::string_view topic, int64_t from, int32_t wait_ms = 0) {
  FetchRequest request;
  request.max_wait_ms = wait_ms;
  request.min_bytes = 1;
  request.max_bytes = 1 << 20;
  FetchRequest::Topic asked;
  asked.topic = topic;
  FetchRequest::Topic::Partition partition;
  partition.fetch_offset = from;
  partition.partition_max_bytes = 1 << 20;
  asked.partitions.push_back(partition);
  request.topics.push_back(asked);
  return request;
}

}  // namespace naru::kafka
