#include "broker/topics.h"

#include "base/endian.h"
#include "io/logger.h"

namespace naru {
namespace {

std::string number_row(uint64_t number) {
  std::string row(8, '\0');
  store_le(row.data(), number);
  return row;
}
uint64_t number_of(const std::string& row) { return row.size() < 8 ? 0 : load_le<uint64_t>(row.data()); }

}  // namespace

Topics::Topics(Broker& broker, MetaStore& meta, std::function<void(Topic&)> derive)
    : broker_(broker), meta_(meta), derive_(std::move(derive)) {}

std::shared_ptr<Catalog> Topics::copy() const {
  auto next = std::make_shared<Catalog>(*broker_.first().catalog());
  ++next->revision;
  return next;
}

io::Task<> Topics::publish(std::shared_ptr<Catalog> next) {
  CatalogPtr picture = std::move(next);
  broker_.first().adopt(picture);
  for (size_t i = 1; i < broker_.cores.size(); ++i) {
    auto adopt = [picture](Core& core) {
      core.adopt(picture);
      return true;
    };
    co_await on(broker_.first(), *broker_.cores[i], adopt);
  }
}

io::Task<Result<void>> Topics::load(std::set<StreamId> others) {
  CO_TRY(auto rows, co_await meta_.range(""));
  auto next = copy();
  for (const MetaRow& row : rows) {
    if (row.key == "next_stream") {
      next_stream_ = number_of(row.value);
    } else if (row.key == "next_producer") {
      next_producer_ = static_cast<int64_t>(number_of(row.value));
    } else if (row.key.starts_with("topic/")) {
      CO_TRY(auto topic, decode_topic(std::string_view(row.key).substr(6), row.value));
      topic.revision = row.revision;
      derive_(topic);
      auto shared = std::make_shared<const Topic>(std::move(topic));
      next->put(shared);
    }
  }
  co_await publish(std::move(next));
  for (auto& core : broker_.cores) {
    auto sweep = [&others](Core& there) {
      there.drop_unknown(others);
      return true;
    };
    co_await on(broker_.first(), *core, sweep);
  }
  co_return Result<void>();
}

io::Task<Result<TopicPtr>> Topics::store(Topic topic, Revision expected, uint64_t new_streams) {
  // Nor may there be a queue of this name that is not in the catalog yet.
  std::vector<MetaCompare> compares{{"topic/" + topic.name, expected}, {queue_row("/", topic.name), 0}};
  std::vector<MetaWrite> writes;
  if (new_streams > 0) {
    for (uint64_t i = 0; i < new_streams; ++i) topic.partitions.push_back(StreamId(next_stream_ + i));
    writes.push_back({"next_stream", number_row(next_stream_ + new_streams)});
  }
  writes.push_back({"topic/" + topic.name, encode_topic(topic)});
  // The numbers count as taken while the commit is on its way, and stay taken if it fails.
  next_stream_ += new_streams;
  auto committing = meta_.commit(std::move(compares), std::move(writes));
  auto committed = co_await committing;
  if (!committed) co_return std::unexpected(committed.error());
  topic.revision = *committed;
  derive_(topic);
  auto next = copy();
  auto shared = std::make_shared<const Topic>(std::move(topic));
  next->put(shared);
  co_await publish(std::move(next));
  co_return TopicPtr(shared);
}

io::Task<Result<TopicPtr>> Topics::create(NewTopic wanted) {
  if (broker_.first().catalog()->find(wanted.name)) co_return fail(Code::exists, "topic exists");
  Topic topic;
  topic.name = std::move(wanted.name);
  topic.id = broker_.first().random.uuid();
  topic.config = std::move(wanted.config);
  auto created = co_await store(std::move(topic), 0, static_cast<uint64_t>(wanted.partitions));
  if (!created && created.error().code == Code::conflict) co_return fail(Code::exists, "topic exists");
  co_return created;
}

io::Task<Result<TopicPtr>> Topics::add_partitions(std::string name, int32_t total) {
  auto present = broker_.first().catalog()->find(name);
  if (!present) co_return fail(Code::not_found, "no such topic");
  if (present->queue) co_return fail(Code::invalid, "the partitions of a queue are its priorities");
  int64_t more = total - static_cast<int64_t>(present->partitions.size());
  if (more <= 0) co_return fail(Code::invalid, "topic has as many partitions already");
  Topic topic = *present;
  Revision revision = topic.revision;
  co_return co_await store(std::move(topic), revision, static_cast<uint64_t>(more));
}

io::Task<Result<TopicPtr>> Topics::configure(std::string name, TopicConfig config) {
  auto present = broker_.first().catalog()->find(name);
  if (!present) co_return fail(Code::not_found, "no such topic");
  if (present->queue) co_return fail(Code::invalid, "the settings of a queue are the arguments it was declared with");
  Topic topic = *present;
  topic.config = std::move(config);
  Revision revision = topic.revision;
  co_return co_await store(std::move(topic), revision, 0);
}

io::Task<Result<void>> Topics::remove(std::string name) {
  auto present = broker_.first().catalog()->find(name);
  if (!present) co_return fail(Code::not_found, "no such topic");
  if (present->queue) {
    CO_TRY_VOID(co_await delete_queue(*present->queue));
    while (broker_.first().catalog()->find(present->id))
      co_await broker_.first().loop.sleep_until(broker_.first().loop.now() + 1);
    co_return Result<void>();
  }
  std::vector<MetaCompare> compares{{"topic/" + name, present->revision}};
  std::vector<MetaWrite> writes{{"topic/" + name, std::nullopt}};
  auto committed = co_await meta_.commit(std::move(compares), std::move(writes));
  if (!committed && committed.error().code == Code::conflict) co_return fail(Code::not_found, "no such topic");
  if (!committed) co_return std::unexpected(committed.error());
  auto next = copy();
  next->erase(*present);
  co_await publish(std::move(next));
  co_return Result<void>();
}

io::Task<> Topics::put_queues(std::map<std::string, TopicPtr> changes) {
  auto next = copy();
  for (auto& [name, topic] : changes) {
    TopicPtr before = next->find(name);
    if (before && !before->queue) {
      if (topic)
        io::log(io::Level::warning, "a queue has the name of a topic: Kafka's clients do not see it", {{"name", name}});
      continue;
    }
    if (before) next->erase(*before);
    if (topic) next->put(topic);
  }
  co_await publish(std::move(next));
}

io::Task<Result<int64_t>> Topics::producer_ids(int64_t count) {
  int64_t first = next_producer_;
  next_producer_ += count;
  std::vector<MetaWrite> writes{{"next_producer", number_row(static_cast<uint64_t>(next_producer_))}};
  std::vector<MetaCompare> compares;
  auto committed = co_await meta_.commit(std::move(compares), std::move(writes));
  if (!committed) co_return std::unexpected(committed.error());
  co_return first;
}

io::Task<Result<int64_t>> Topics::stream_ids(int64_t count) {
  uint64_t first = next_stream_;
  next_stream_ += static_cast<uint64_t>(count);
  std::vector<MetaWrite> writes{{"next_stream", number_row(next_stream_)}};
  std::vector<MetaCompare> compares;
  auto committed = co_await meta_.commit(std::move(compares), std::move(writes));
  if (!committed) co_return std::unexpected(committed.error());
  co_return static_cast<int64_t>(first);
}

io::Task<Result<int64_t>> Topics::producer_id() {
  constexpr int64_t block = 1000;  // as many as Kafka's controller gives a broker at once
  if (spare_producer_ < spare_producer_end_) co_return spare_producer_++;
  CO_TRY(int64_t first, co_await producer_ids(block));
  // Two at once have a block each, and one of these is forgotten: ids are many.
  spare_producer_ = first + 1;
  spare_producer_end_ = first + block;
  co_return first;
}

}  // namespace naru
