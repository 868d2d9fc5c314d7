#pragma once
// One core: an event loop and everything it owns outright, and the broker that the cores make together. Within a core
// code reads as if single-threaded. What belongs to another core is reached by on(): the work goes there and the
// answer comes back.
#include <memory>
#include <vector>

#include "base/prng.h"
#include "broker/catalog.h"
#include "broker/groups.h"
#include "broker/settings.h"
#include "io/budget.h"
#include "log/record_batch.h"
#include "log/store.h"

namespace naru {

class Broker;
class Topics;

/// Logs of queues, for Kafka's clients.
class QueueLogs {
 public:
  /// The log of this stream; null if no queue has it.
  virtual Log* queue_log(StreamId stream) = 0;
  virtual void catalog_changed() = 0;
  /// Publishes the records of a batch that was checked; their values have `value_bytes`. Code::busy if the queue
  /// refuses more; not_found if it is gone.
  virtual Result<Appended> append_to_queue(StreamId stream, std::span<uint8_t> batch, const BatchHeader& header,
                                           int64_t value_bytes) = 0;

 protected:
  ~QueueLogs() = default;
};

class Core {
 public:
  Core(Broker& broker, uint32_t index, io::Loop& loop, io::Disk& disk, JournalId journal, int32_t epoch,
       StoreSettings store, Store::Fatal fatal, uint64_t seed);

  const uint32_t index;
  Broker& broker;
  io::Loop& loop;
  Store store;
  Groups groups;
  io::Budget budget;  // memory for frames and answers
  Prng random;

  /// The present picture of the catalog; keep the pointer across an await, not what it points to.
  CatalogPtr catalog() const { return catalog_; }
  /// Takes the next picture: logs of topics that are gone are dropped, settings of the others renewed.
  void adopt(CatalogPtr catalog);
  /// After a start: drops logs that no topic has, because a crash came between deleting the topic and its logs.
  void drop_unknown(const std::set<StreamId>& others);
  /// The log of a partition that this core owns; null if the topic is gone by now.
  Log* find_log(const Topic& topic, int32_t partition);
  /// On core 0: the queues, some of whose logs are topics' partitions.
  QueueLogs* queues = nullptr;
  /// A log with these settings has something new: retention looks at it before long, and compaction.
  void note_append(const LogSettings& log);

  /// The broker is going away: whoever is parked here is woken and answers with what there is.
  bool stopping = false;
  std::set<std::shared_ptr<io::Wakeup>> parked;
  void stop() {
    stopping = true;
    groups.stop();
    store.cancel_work();
    for (auto& wakeup : std::exchange(parked, {})) loop.post([wakeup] { wakeup->wake(); });
  }

  struct Counters {
    uint64_t connections = 0, requests = 0, bytes_in = 0, bytes_out = 0, records_in = 0;
  } counters;
  /// What became of messages that clients published and asked for, where no queue counts it.
  struct MessageCounters {
    uint64_t received = 0, confirmed = 0, routed = 0, dropped = 0, returned = 0, get_empty = 0;
  } messages;

 private:
  void expect(io::Timer& timer, io::Millis pause_ms);
  void retain();
  io::Task<> compact_all();
  void plan_compaction(io::Millis pause_ms);
  bool compacting_ = false;

  CatalogPtr catalog_ = std::make_shared<Catalog>();
  io::Timer retention_, compaction_;
};

class Broker {
 public:
  explicit Broker(BrokerSettings settings);
  ~Broker();

  const BrokerSettings settings;
  Uuid cluster_id;
  std::vector<std::unique_ptr<Core>> cores;
  std::unique_ptr<Topics> topics;  // lives on core 0

  /// Placement: which core (in a cluster: which node) owns a shard.
  uint32_t owner_of(uint32_t shard) const { return shard % static_cast<uint32_t>(cores.size()); }
  Core& owner(StreamId stream) { return *cores[owner_of(shard_of(stream))]; }
  Core& owner_of_group(std::string_view group) { return *cores[owner_of(shard_of(group))]; }
  Core& first() { return *cores[0]; }
};

namespace detail {
template <class T>
struct TaskValue;
template <class T>
struct TaskValue<io::Task<T>> {
  using type = T;
};

template <class F, class T>
io::Task<> run_for(Core& from, Core& to, F& work, std::optional<T>& result, io::Once<bool>& done) {
  result.emplace(co_await work(to));
  from.loop.send([&done] { done.set(true); });
}
}  // namespace detail

/// Whether work on a core may pause: then it returns a Task.
template <class F>
concept Pausing = requires { typename detail::TaskValue<std::invoke_result_t<F&, Core&>>::type; };

/// Runs `work(core)`, which returns a Task, on the core that owns what it touches, and brings its result back here.
/// `work` and what it refers to stay alive until then; nothing else may touch what it refers to meanwhile.
template <Pausing F>
auto on(Core& from, Core& to, F work) -> decltype(work(to)) {
  using T = typename detail::TaskValue<decltype(work(to))>::type;
  if (&from == &to) co_return co_await work(to);
  std::optional<T> result;
  io::Once<bool> done;
  to.loop.send([&] { detail::run_for(from, to, work, result, done).detach(); });
  co_await done;
  co_return std::move(*result);
}

/// The same for work that does not pause, and returns what comes of it.
template <class F>
  requires(!Pausing<F>)
auto on(Core& from, Core& to, F work) -> io::Task<std::invoke_result_t<F&, Core&>> {
  if (&from == &to) co_return work(to);
  std::optional<std::invoke_result_t<F&, Core&>> result;
  io::Once<bool> done;
  to.loop.send([&] {
    result.emplace(work(to));
    from.loop.send([&done] { done.set(true); });
  });
  co_await done;
  co_return std::move(*result);
}

}  // namespace naru
