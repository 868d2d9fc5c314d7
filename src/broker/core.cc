#include "broker/core.h"

#include "broker/topics.h"
#include "io/logger.h"
#include "log/compactor.h"

namespace naru {
namespace {

constexpr uint64_t budget_bytes_min = 2 * MiB;  // a request with one message of Kafka's usual largest size has to fit

io::Task<Result<void>> wait_durable(Store& store, JournalPosition position) {
  co_return co_await store.durable(position);
}

/// The first core alone serves AMQP and SQS: the largest message they may have does not depend on how many cores there
/// are. The others share half as much.
uint64_t budget_bytes(uint64_t memory_bytes, uint32_t number, size_t cores) {
  uint64_t share = number == 0 ? memory_bytes / 4 : memory_bytes / 8 / (cores - 1);
  return std::max(share, budget_bytes_min);
}

}  // namespace

Core::Core(Broker& owner, uint32_t number, io::Loop& its_loop, io::Disk& disk, JournalId journal, int32_t epoch,
           StoreSettings store_settings, Store::Fatal fatal, uint64_t seed)
    : index(number),
      broker(owner),
      loop(its_loop),
      store(its_loop, disk, journal, epoch, store_settings, std::move(fatal)),
      groups(its_loop, owner.settings.groups,
             {.table = [this](std::string_view group) -> Table& { return store.table(shard_of(group)); },
              .durable = [this](JournalPosition position) { return wait_durable(store, position); },
              .random_id = [this] { return random.uuid(); },
              .topic_id =
                  [this](std::string_view name) {
                    auto topic = catalog_->find(name);
                    return topic ? topic->id : Uuid{};
                  },
              .is_full = [this] { return store.is_full(); },
              .memory_max = [this] { return budget.total() / 2; }}),
      budget(its_loop, budget_bytes(owner.settings.memory_bytes, number, owner.cores.capacity())),
      random(seed),
      retention_(its_loop, [this] { retain(); }),
      compaction_(its_loop, [this] { compact_all().detach(); }) {
  store.on_space = [this] {
    if (store.is_full()) {
      io::log(io::Level::error, "no space left on the disk: what is to be stored is refused, all else goes on",
              {{"core", index}, {"remedy", "make space, or delete topics or queues; it heals by itself"}});
    } else {
      io::log(io::Level::info, "there is space on the disk again", {{"core", index}});
    }
  };
}

void Core::adopt(CatalogPtr next) {
  CatalogPtr last = std::exchange(catalog_, std::move(next));
  last->by_id.each_unshared(catalog_->by_id, [&](const TopicPtr& topic) {
    if (catalog_->find(topic->id)) return;
    for (StreamId stream : topic->partitions)
      if (!topic->queue && &broker.owner(stream) == this) store.drop(stream);
    groups.topic_deleted(topic->id);
  });
  catalog_->by_id.each_unshared(last->by_id, [&](const TopicPtr& topic) {
    auto before = last->find(topic->id);
    if ((before && before->revision == topic->revision) || topic->queue) return;
    for (StreamId stream : topic->partitions)
      if (Log* log = store.find(stream)) log->set_settings(topic->log);
    note_append(topic->log);
  });
  if (queues) queues->catalog_changed();
}

void Core::drop_unknown(const std::set<StreamId>& others) {
  std::set<StreamId> known = others;
  for (const TopicPtr& topic : catalog_->topics) known.insert(topic->partitions.begin(), topic->partitions.end());
  std::vector<StreamId> unknown;
  for (const auto& [stream, log] : store.logs())
    if (!known.contains(stream)) unknown.push_back(stream);
  for (StreamId stream : unknown) store.drop(stream);
}

Log* Core::find_log(const Topic& topic, int32_t partition) {
  TopicPtr present = catalog_->find(topic.id);
  if (!present) return nullptr;
  StreamId stream = topic.partitions[static_cast<size_t>(partition)];
  if (Log* log = store.find(stream)) return log;
  if (topic.queue) return queues ? queues->queue_log(stream) : nullptr;
  return &store.log(stream, present->log);  // the caller's picture may be of yesterday
}

/// The timer rings after a pause at the latest.
void Core::expect(io::Timer& timer, io::Millis pause_ms) {
  if (timer.deadline() > loop.now() + pause_ms) timer.arm(loop.now() + pause_ms);
}

void Core::note_append(const LogSettings& log) {
  expect(retention_, broker.settings.retention_check_ms);
  if (log.compact) expect(compaction_, broker.settings.compaction_check_ms);
}

void Core::retain() {
  int64_t next = store.retain();
  if (next == io::never) return;
  retention_.arm(loop.now() + std::max<io::Millis>(next - loop.wall(), broker.settings.retention_check_ms));
}

/// Arms the timer for when the first log will be due, but not before a pause.
void Core::plan_compaction(io::Millis pause_ms) {
  int64_t wall = loop.wall(), next = io::never;
  for (const auto& [stream, log] : store.logs()) next = std::min(next, compaction_time(*log, wall));
  if (next != io::never) expect(compaction_, std::max(next - wall, pause_ms));
}

io::Task<> Core::compact_all() {
  if (compacting_) co_return;  // plans the next round when it is done
  compacting_ = true;
  std::vector<StreamId> wanted;
  for (const auto& [stream, log] : store.logs())
    if (compaction_time(*log, loop.wall()) <= loop.wall()) wanted.push_back(stream);
  bool failed = false;
  // Memory for keys: a fixed share, so that any number of keys is compacted in as many rounds as it takes.
  size_t map_bytes = std::clamp<uint64_t>(budget.total() / 2, 4 * MiB, 64 * MiB);  // at least for one segment's keys
  for (StreamId stream : wanted) {
    if (stopping) break;
    HashSecret secret{random.next(), random.next()};
    auto freed = co_await compact(store, stream, map_bytes, secret);
    failed |= !freed;
    if (!freed && !stopping)
      io::log(io::Level::warning, "a log could not be compacted",
              {{"stream", stream.value}, {"reason", freed.error().reason}});
  }
  compacting_ = false;
  // What could not be done now would fail again for some time: not worth reading it all every few seconds.
  if (!stopping) plan_compaction(failed ? broker.settings.retention_check_ms : broker.settings.compaction_check_ms);
}

Broker::Broker(BrokerSettings with) : settings(std::move(with)) {}
Broker::~Broker() = default;

}  // namespace naru
