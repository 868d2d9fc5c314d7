#pragma once
// For tests: one life of a broker after the other on one simulated disk, as far as queues go.
#include "base/testing.h"
#include "broker/embedded_meta_store.h"
#include "broker/topic_config.h"
#include "broker/topics.h"
#include "sim/sim_disk.h"
#include "sim/sim_loop.h"
#include "sqs/engine.h"
#include "sqs/live_queue.h"

namespace naru::sqs {

class World {
 public:
  explicit World(uint64_t seed = 1) : random(seed) {
    lives_.push_back(std::make_unique<Life>());
    lives_.back()->disk = std::make_unique<sim::SimDisk>(random.next());
    start();
  }
  ~World() {
    disk().kill();
    end();
  }

  Prng random;
  sim::SimLoop& loop() { return *lives_.back()->loop; }
  sim::SimDisk& disk() { return *lives_.back()->disk; }
  Engine& engine() { return *lives_.back()->engine; }
  VirtualHosts& hosts() { return *lives_.back()->hosts; }
  Core& core() { return lives_.back()->broker->first(); }

  /// Runs until the task is done.
  template <class T>
  T wait(io::Task<T> task) {
    loop().run([&] { return task.done(); });
    CHECK(task.done());
    return task.take();
  }
  /// Lets time pass.
  void pass(io::Millis ms) { loop().run_for(ms); }

  /// Power goes, or only the process, and the broker starts again on what is left.
  void crash(bool power) {
    power ? disk().lose_power() : disk().kill();
    begin_anew();
  }
  /// Ends with a checkpoint and starts again.
  void restart() {
    checkpoint();
    disk().kill();
    begin_anew();
  }
  void checkpoint() {
    auto store = [](Store& of) -> io::Task<bool> {
      auto stored = co_await of.checkpoint();
      co_return stored.has_value();
    };
    CHECK(wait(store(core().store)));
  }

  // --- in short
  QueuePtr make(std::string name, Attributes attributes = {}, Tags tags = {}) {
    if (name.ends_with(".fifo")) attributes.is_fifo = true;
    auto made = wait(engine().create(std::move(name), std::move(attributes), std::move(tags)));
    CHECK(made);
    return made->queue;
  }
  Sent send(MessageQueue& queue, Outgoing message) {
    auto sent = wait(queue.send(std::span(&message, 1)));
    CHECK(sent.size() == 1 && sent[0]);
    return *sent[0];
  }
  Sent send(MessageQueue& queue, std::string_view body) { return send(queue, Outgoing{.body = body}); }
  Sent send(MessageQueue& queue, std::string_view body, std::string_view group, std::string_view deduplication) {
    return send(queue, {.body = body, .group = group, .deduplication = deduplication});
  }
  std::vector<Incoming> receive(MessageQueue& queue, ReceiveRequest request) {
    auto got = wait(queue.receive(std::move(request), nullptr));
    CHECK(got);
    return std::move(*got);
  }
  std::vector<Incoming> receive(MessageQueue& queue, int32_t max = 10) {
    return receive(queue, ReceiveRequest{.max = max});
  }
  Outcome<void> remove(MessageQueue& queue, std::string_view receipt) {
    return wait(queue.remove(std::span(&receipt, 1)))[0];
  }
  Outcome<void> change(MessageQueue& queue, std::string_view receipt, int32_t seconds) {
    MessageQueue::Visibility change{receipt, seconds};
    return queue.change_visibility(std::span(&change, 1))[0];
  }
  /// "a b c": the bodies.
  static std::string bodies(const std::vector<Incoming>& messages) {
    std::string all;
    for (const Incoming& message : messages) all += (all.empty() ? "" : " ") + message.body;
    return all;
  }

 private:
  /// One run of the broker. Dead ones are kept to the end: who still has a queue of theirs may let go of it later.
  struct Life {
    std::unique_ptr<sim::SimDisk> disk;
    std::unique_ptr<sim::SimLoop> loop;
    std::unique_ptr<Broker> broker;
    std::unique_ptr<EmbeddedMetaStore> meta;
    std::unique_ptr<QueueHost> host;
    std::unique_ptr<Users> users;
    std::unique_ptr<Parameters> parameters;
    std::unique_ptr<VirtualHosts> hosts;
    std::unique_ptr<Engine> engine;
  };

  void start() {
    Life& life = *lives_.back();
    life.loop = std::make_unique<sim::SimLoop>(random.next());
    life.loop->run_for(lived_ms_);  // the clock of the world goes on
    std::string damage;
    auto recovered = recover(*life.disk, damage);
    if (!recovered) ADD_FAILURE() << damage << ": " << recovered.error().reason;
    CHECK(recovered);
    bool unclean = recovered->manifest.generation > 0 && !recovered->facts.clean;
    auto manifest = begin_generation(*life.disk, *recovered, 1, [](uint32_t) { return 0u; }, random.uuid());
    CHECK(manifest);
    life.broker = std::make_unique<Broker>(BrokerSettings());
    StoreSettings settings;
    settings.journal = {.file_bytes = 256 * KiB, .write_bytes = 64 * KiB, .waiting_bytes = MiB};
    life.broker->cores.push_back(std::make_unique<Core>(
        *life.broker, 0, *life.loop, *life.disk, JournalId{manifest->generation, 0}, manifest->epoch, settings,
        [](Error) {}, random.next()));
    CHECK(core().store.start(recovered->state, [](uint32_t) { return true; }, {}));
    for (const std::string& old : recovered->old_journals) (void)life.disk->remove(old).has_value();
    life.meta = std::make_unique<EmbeddedMetaStore>(core().store, core().store.table(0));
    auto derive_topic = [&life](Topic& topic) { derive(topic, life.broker->settings); };
    life.broker->topics = std::make_unique<Topics>(*life.broker, *life.meta, derive_topic);
    life.host = std::make_unique<QueueHost>(core(), unclean);
    core().queues = life.host.get();
    life.users = std::make_unique<Users>(*life.meta);
    life.parameters = std::make_unique<Parameters>(*life.meta);
    auto derive_queue = [&life](QueueDefinition& queue, std::string_view vhost, FieldTableView) {
      life.engine->derive(queue, vhost);
    };
    life.hosts =
        std::make_unique<VirtualHosts>(core(), *life.host, *life.meta, *life.users, *life.parameters, derive_queue);
    SipKey secret{random.next(), random.next()};
    life.engine = std::make_unique<Engine>(core(), *life.host, *life.hosts, *life.meta, secret);
    CHECK(wait(load()));
    pass(1);  // a turn for what the start set off
  }
  io::Task<bool> load() {
    auto rows = co_await engine().load();
    CHECK(rows);
    auto declared = co_await hosts().load();
    CHECK(declared);
    auto streams = hosts().streams();
    auto loading = core().broker.topics->load(std::move(streams));
    auto loaded = co_await loading;
    CHECK(loaded);
    co_await hosts().show_queues();
    auto started = co_await engine().start();
    CHECK(started);
    co_return true;
  }
  void end() {
    bool settled = false;
    core().stop();
    [](Store& store, bool& done) -> io::Task<> {
      co_await store.settle();
      done = true;
    }(core().store, settled)
                                        .detach();
    loop().run_for(2'000);  // who waits for the disk to become well gives up
    CHECK(settled);
    lived_ms_ = loop().now();
  }
  void begin_anew() {
    end();
    auto disk = lives_.back()->disk->restarted(random.next());
    lives_.push_back(std::make_unique<Life>());
    lives_.back()->disk = std::move(disk);
    start();
  }

  io::Millis lived_ms_ = 0;
  std::vector<std::unique_ptr<Life>> lives_;
};

}  // namespace naru::sqs
