#pragma once
// A whole broker of one core on a simulated loop and disk, and a client that speaks frames to it; for tests.
#include "broker/embedded_meta_store.h"
#include "broker/topic_config.h"
#include "broker/topics.h"
#include "kafka/session.h"
#include "sim/sim_disk.h"
#include "sim/sim_loop.h"
#include "sim/sim_net.h"

namespace naru::kafka {

/// The bytes of a request as they go over the wire.
template <class M>
Bytes encode_request(const M& message, int16_t version, int32_t correlation_id) {
  Bytes body = encode(message, version), frame(4);
  auto put = [&](auto number) {
    frame.resize(frame.size() + sizeof number);
    store_be(frame.data() + frame.size() - sizeof number, number);
  };
  put(M::api_key);
  put(version);
  put(correlation_id);
  put(static_cast<int16_t>(4));
  append(frame, view("test"));
  if (is_flexible<M>(version)) frame.push_back(0);
  append(frame, body);
  store_be(frame.data(), static_cast<int32_t>(frame.size() - 4));
  return frame;
}

/// The body of the first response in `bytes`, which loses it; nothing if it is not whole.
inline std::optional<Bytes> next_response(Bytes& bytes, bool flexible_header, int32_t* correlation_id = nullptr) {
  if (bytes.size() < 4) return std::nullopt;
  auto size = static_cast<size_t>(load_be<int32_t>(bytes.data()));
  if (bytes.size() < size + 4) return std::nullopt;
  if (correlation_id) *correlation_id = load_be<int32_t>(bytes.data() + 4);
  Bytes body(bytes.begin() + (flexible_header ? 9 : 8), bytes.begin() + static_cast<long>(size) + 4);
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<long>(size) + 4);
  return body;
}

class SimBroker {
 public:
  explicit SimBroker(uint64_t seed, uint64_t memory_bytes = 256 * MiB)
      : memory_bytes_(memory_bytes), random_(seed), disk_(std::make_unique<sim::SimDisk>(random_.next())) {
    start();
  }
  ~SimBroker() { stop(); }

  sim::SimLoop& loop() { return *loop_; }
  sim::SimDisk& disk() { return *disk_; }
  Core& core() { return broker_->first(); }

  /// A connection with a session on it; ends with the broker.
  sim::SimConnection& connect() {
    auto& connection = connections_.emplace_back(std::make_unique<sim::SimConnection>(*loop_, random_.next()));
    serve(connection->accept()).detach();
    return *connection;
  }
  /// Sends a request and runs until its response is there.
  template <class Response, class Request>
  std::optional<Response> call(sim::SimConnection& on, const Request& request, int16_t version) {
    on.send(encode_request(request, version, ++correlation_));
    return receive<Response>(on, version);
  }
  template <class Response>
  std::optional<Response> receive(sim::SimConnection& on, int16_t version) {
    bool flexible = is_flexible<Response>(version) && Response::api_key != 18;
    std::optional<Bytes> body;
    loop_->run([&] {
      append(inbox_[&on], on.take());
      body = next_response(inbox_[&on], flexible);
      return body.has_value() || on.is_closed();
    });
    if (!body) return std::nullopt;
    auto& kept = bodies_.emplace_back(std::move(*body));  // what was decoded borrows it
    auto response = decode<Response>(kept, version);
    return response ? std::optional<Response>(std::move(*response)) : std::nullopt;
  }

  /// Pulls the plug (or kills the process), and starts again on what is left.
  void crash(bool power) {
    power ? disk_->lose_power() : disk_->kill();
    end();
    disk_ = disk_->restarted(random_.next());
    start();
  }
  /// Ends with a checkpoint and starts again.
  void restart() {
    stop();
    disk_ = disk_->restarted(random_.next());
    start();
  }

 private:
  void start() {
    loop_ = std::make_unique<sim::SimLoop>(random_.next());
    std::string damage;
    auto recovered = recover(*disk_, damage);
    CHECK(recovered);
    auto manifest = begin_generation(*disk_, *recovered, 1, [](uint32_t) { return 0u; }, random_.uuid());
    CHECK(manifest);
    BrokerSettings settings;
    settings.groups.initial_rebalance_delay_ms = 0;
    settings.memory_bytes = memory_bytes_;
    broker_ = std::make_unique<Broker>(settings);
    broker_->cluster_id = manifest->cluster_id;
    broker_->cores.reserve(1);
    StoreSettings store;
    store.journal = {.file_bytes = 256 * KiB, .write_bytes = 64 * KiB, .waiting_bytes = MiB, .reserve_bytes = 64 * KiB};
    broker_->cores.push_back(std::make_unique<Core>(
        *broker_, 0, *loop_, *disk_, JournalId{manifest->generation, 0}, manifest->epoch, store, [](Error) {},
        random_.next()));
    auto all = [](uint32_t) { return true; };
    CHECK(core().store.start(recovered->state, all, {}));
    meta_ = std::make_unique<EmbeddedMetaStore>(core().store, core().store.table(0));
    broker_->topics =
        std::make_unique<Topics>(*broker_, *meta_, [this](Topic& topic) { derive(topic, broker_->settings); });
    bool loaded = false;
    [](SimBroker& self, bool& done) -> io::Task<> {
      CHECK(co_await self.broker_->topics->load());
      done = true;
    }(*this, loaded)
                                           .detach();
    loop_->run([&] { return loaded; });
    for (uint32_t shard = 0; shard < shard_count; ++shard) CHECK(core().groups.load(core().store.table(shard)));
    door_ = std::unique_ptr<Door>(new Door{.core = core(), .advertised = {"", 9092}, .buffers = {}});
  }

  io::Task<> serve(std::unique_ptr<io::Stream> stream) {
    auto session = std::make_unique<Session>(*door_, std::move(stream), ++sessions_);
    open_.insert(session.get());
    co_await session->run();
    open_.erase(session.get());
  }

  /// Lets everything that runs come to its end.
  void end() {
    door_->stopping = true;
    core().stop();
    for (auto* session : std::set(open_)) session->close();
    bool settled = false;
    [](SimBroker& self, bool& done) -> io::Task<> {
      co_await self.core().store.settle();
      done = true;
    }(*this, settled)
                                           .detach();
    loop_->run_for(60'000);
    CHECK(settled && open_.empty() && core().groups.idle());
    broker_.reset();
    meta_.reset();
    door_.reset();
    connections_.clear();
    inbox_.clear();
  }
  void stop() {
    bool stored = false;
    [](SimBroker& self, bool& done) -> io::Task<> {
      (void)co_await self.core().store.checkpoint();
      done = true;
    }(*this, stored)
                                           .detach();
    loop_->run([&] { return stored; });
    end();
  }

  const uint64_t memory_bytes_;
  Prng random_;
  std::unique_ptr<sim::SimDisk> disk_;
  std::unique_ptr<sim::SimLoop> loop_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<EmbeddedMetaStore> meta_;
  std::unique_ptr<Door> door_;
  std::deque<std::unique_ptr<sim::SimConnection>> connections_;
  std::map<sim::SimConnection*, Bytes> inbox_;
  std::deque<Bytes> bodies_;
  std::set<Session*> open_;
  uint64_t sessions_ = 0;
  int32_t correlation_ = 0;
};

}  // namespace naru::kafka
