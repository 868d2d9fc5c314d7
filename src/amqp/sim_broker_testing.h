#pragma once
// A whole broker of one core, with queues, users and AMQP sessions, on a simulated loop and disk, one life after the
// other on one data folder; for tests and fuzzers.
#include "amqp/dead_letters.h"
#include "amqp/delay_schedule.h"
#include "amqp/queue_arguments.h"
#include "amqp/session.h"
#include "broker/embedded_meta_store.h"
#include "broker/topic_config.h"
#include "broker/topics.h"
#include "sim/sim_disk.h"
#include "sim/sim_loop.h"
#include "sim/sim_net.h"

namespace naru::amqp {

class SimBroker {
 public:
  /// Not started yet: the disk may get its faults first.
  explicit SimBroker(uint64_t seed, uint64_t memory_bytes = 256 * MiB)
      : memory_bytes_(memory_bytes), random_(seed), disk_(std::make_unique<sim::SimDisk>(random_.next())) {}
  ~SimBroker() { kill(); }

  sim::SimDisk& disk() { return *disk_; }
  sim::SimLoop& loop() { return *loop_; }
  Core& core() { return broker_->first(); }
  QueueHost& queues() { return *queues_; }
  VirtualHosts& hosts() { return *hosts_; }
  Door& door() { return *door_; }
  Users& users() { return *users_; }
  Parameters& parameters() { return *parameters_; }
  VirtualHost& host() { return *hosts_->find("/"); }
  /// Whether the last life ended without a checkpoint.
  bool is_unclean() const { return unclean_; }

  /// Recovers what the disk has, and serves. After an error, too, it has to be killed.
  Result<void> start() {
    loop_ = std::make_unique<sim::SimLoop>(random_.next());
    loop_->run_for(lived_ms_);  // the clock of the world goes on
    loop_->set_busy();
    std::string damage;
    Recovered recovered = TRY(recover(*disk_, damage));
    unclean_ = recovered.manifest.generation > 0 && !recovered.facts.clean;
    manifest_ = TRY(begin_generation(*disk_, recovered, 1, [](uint32_t) { return 0u; }, random_.uuid()));
    TRY_VOID(build(recovered));
    loaded_.reset();
    load().detach();
    loop_->run([&] { return loaded_.has_value(); });
    if (!loaded_) return fail(Code::io, "the start never ended");
    for (const std::string& old : recovered.old_journals) (void)disk_->remove(old).has_value();
    return *loaded_;
  }
  /// A connection with a session on it; ends with the broker.
  sim::SimConnection& connect() {
    auto& connection = connections_.emplace_back(std::make_unique<sim::SimConnection>(*loop_, random_.next()));
    serve(connection->accept()).detach();
    return *connection;
  }
  /// Everything is on disk, as far as it goes without a client or a timer.
  bool is_settled() {
    const Journal& journal = core().store.journal();
    return journal.durable() == journal.end();
  }

  /// Ends as the process does that got SIGTERM; what the disk holds is for the next start.
  void end_cleanly() {
    door_->stopping = true;
    for (auto* session : std::set(open_)) session->close();
    loop_->run([&] { return open_.empty(); });
    bool stored = false;
    checkpoint(stored).detach();
    loop_->run([&] { return stored; });
    manifest_.clean = true;
    CHECK(write_manifest(*disk_, manifest_));
    kill();
  }
  /// The process is dead, or the power gone if the disk lost it before: what runs fails and ends.
  void kill() {
    disk_->kill();
    if (broker_) take_apart();
    loop_.reset();
    disk_ = disk_->restarted(random_.next());
  }

 private:
  Result<void> build(Recovered& recovered) {
    BrokerSettings settings;
    settings.memory_bytes = memory_bytes_;
    broker_ = std::make_unique<Broker>(settings);
    broker_->cluster_id = manifest_.cluster_id;
    StoreSettings store;
    store.journal = {.file_bytes = 64 * KiB, .write_bytes = 16 * KiB, .waiting_bytes = MiB};
    store.unjournaled_bytes_max = 32 * KiB;
    broker_->cores.push_back(std::make_unique<Core>(
        *broker_, 0, *loop_, *disk_, JournalId{manifest_.generation, 0}, manifest_.epoch, store, [](Error) {},
        random_.next()));
    TRY_VOID(core().store.start(recovered.state, [](uint32_t) { return true; }, {}));
    meta_ = std::make_unique<EmbeddedMetaStore>(core().store, core().store.table(0));
    auto derive_topic = [this](Topic& topic) { derive(topic, broker_->settings); };
    broker_->topics = std::make_unique<Topics>(*broker_, *meta_, derive_topic);
    dead_letters_ = std::make_unique<DeadLetterExchange>(*loop_);
    queues_ = std::make_unique<QueueHost>(core(), unclean_);
    queues_->dead_letters = dead_letters_.get();
    core().queues = queues_.get();
    users_ = std::make_unique<Users>(*meta_);
    parameters_ = std::make_unique<Parameters>(*meta_);
    auto derive_queue = [](QueueDefinition& queue, std::string_view vhost, FieldTableView policy) {
      (void)apply_arguments(queue, vhost).has_value();
      apply_policy(queue, policy);
    };
    hosts_ = std::make_unique<VirtualHosts>(core(), *queues_, *meta_, *users_, *parameters_, derive_queue);
    hosts_->delay_with([this](VirtualHost& in, const std::string& exchange, Queue& queue) {
      return std::make_unique<DelaySchedule>(*queues_, in, exchange, queue);
    });
    door_ = std::make_unique<Door>(core(), *queues_, *hosts_, *users_, *parameters_);
    users_->on_removed = [this](const std::string& user) { door_->user_removed(user); };
    hosts_->on_removed = [this](VirtualHost& removed) { door_->host_removed(removed); };
    return {};
  }
  io::Task<> load() {
    auto declared = co_await hosts_->load();
    if (!declared) {
      loaded_ = std::unexpected(declared.error());
      co_return;
    }
    auto streams = hosts_->streams();
    auto loading = broker_->topics->load(std::move(streams));
    auto loaded = co_await loading;
    if (loaded) co_await hosts_->show_queues();
    loaded_ = loaded;
  }
  io::Task<> serve(std::unique_ptr<io::Stream> stream) {
    auto session = std::make_unique<Session>(*door_, std::move(stream), ++sessions_, nullptr);
    open_.insert(session.get());
    co_await session->run();
    open_.erase(session.get());
  }
  io::Task<> checkpoint(bool& done) {
    (void)co_await core().store.checkpoint();
    done = true;
  }
  io::Task<> settle(bool& done) {
    co_await core().store.settle();
    done = true;
  }
  /// The disk is dead: nothing comes of it but that whoever is at work on a queue gives up.
  void erase_queues() {
    for (const auto& [vhost, host_there] : hosts_->all()) {
      for (const auto& [name, queue] : host_there->queues()) queue.queue->erase();
      for (const auto& [name, exchange] : host_there->exchanges())
        if (exchange.delayed) exchange.delayed->erase();
    }
  }
  void take_apart() {
    constexpr io::Millis ending_ms = 60'000;
    lived_ms_ = loop_->now();
    if (door_) door_->stopping = true;
    core().stop();
    for (auto* session : std::set(open_)) session->close();
    if (hosts_) erase_queues();
    bool settled = false;
    settle(settled).detach();
    loop_->run_for(ending_ms);
    CHECK(settled && open_.empty());
    door_.reset();
    hosts_.reset();
    users_.reset();
    parameters_.reset();
    queues_.reset();
    broker_.reset();
    meta_.reset();
    connections_.clear();
  }

  const uint64_t memory_bytes_;
  Prng random_;
  std::unique_ptr<sim::SimDisk> disk_;
  std::unique_ptr<sim::SimLoop> loop_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<EmbeddedMetaStore> meta_;
  std::unique_ptr<DeadLetterExchange> dead_letters_;
  std::unique_ptr<QueueHost> queues_;
  std::unique_ptr<Users> users_;
  std::unique_ptr<Parameters> parameters_;
  std::unique_ptr<VirtualHosts> hosts_;
  std::unique_ptr<Door> door_;
  std::deque<std::unique_ptr<sim::SimConnection>> connections_;
  std::set<Session*> open_;
  Manifest manifest_;
  std::optional<Result<void>> loaded_;
  uint64_t sessions_ = 0;
  io::Millis lived_ms_ = 0;
  bool unclean_ = false;
};

}  // namespace naru::amqp
