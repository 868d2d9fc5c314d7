#include "server/server.h"

#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "amqp/dead_letters.h"
#include "amqp/delay_schedule.h"
#include "amqp/queue_arguments.h"
#include "broker/embedded_meta_store.h"
#include "broker/topic_config.h"
#include "broker/topics.h"
#include "io/certificate.h"
#include "io/memory_granted.h"
#include "io/posix_disk.h"
#include "management/api.h"
#include "server/core_server.h"
#include "sqs/engine.h"
#include "sqs/queues_file.h"

namespace naru::server {
namespace {

using io::Level;

uint64_t random_seed() {
  uint64_t seed = 0;
  CHECK(::getrandom(&seed, sizeof seed, 0) == sizeof seed);
  return seed;
}

/// What the machine has, or a cgroup grants.
uint64_t memory_there() {
  uint64_t bytes = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::min(bytes, io::memory_granted());
}

uint64_t memory_limit(const Config& config) {
  return config.memory_limit > 0 ? config.memory_limit : std::min<uint64_t>(memory_there() / 2, GiB);
}

/// As many event loops as were asked for; else as processors and memory allow: those behind the first share an eighth
/// of it for requests, of which each should have a few of the usual largest size.
uint32_t count_cores(const Config& config) {
  constexpr uint64_t budget_bytes = 4 * MiB;
  if (config.cores > 0) return std::min<uint32_t>(config.cores, shard_count);
  auto cores = std::clamp<uint32_t>(std::thread::hardware_concurrency() - 1, 1, 4);
  return static_cast<uint32_t>(std::min<uint64_t>(1 + memory_limit(config) / 8 / budget_bytes, cores));
}

/// Raises the limit of open files to what is allowed, and returns it.
uint64_t allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  rlimit raised{limit.rlim_max, limit.rlim_max};
  return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

/// Who may have how many descriptors.
struct Descriptors {
  uint64_t segments = 0;  // per core, kept open
  uint64_t connections = 0;
  uint64_t admin = 0;
};

/// Connections get what segments, journals and the work on files leave, so that a crowd of clients never stops a write.
Descriptors share_out(uint64_t files_max, uint64_t cores) {
  // Standard streams, listeners, signals, folder; per core the loop, the journal, a checkpoint, a rewrite.
  constexpr uint64_t process = 12, of_core = 8;
  Descriptors out;
  out.segments = std::clamp<uint64_t>(files_max / 4 / cores, 4, 1024);
  out.admin = std::clamp<uint64_t>(files_max / 16, 4, 64);
  uint64_t taken = process + out.admin + (of_core + out.segments) * cores;
  out.connections = files_max > taken + 8 ? files_max - taken : 8;
  return out;
}

class Server {
 public:
  explicit Server(const Config& config) : config_(config), cores_(count_cores(config)) {}

  int run() {
    auto signals = io::on_signals(loop_of(0), [this](int) { begin_stop(); });
    if (!signals) return failed("cannot wait for signals", signals.error());
    if (int code = open(); code != 0) return code;
    for (uint32_t i = 1; i < cores_; ++i) threads_.emplace_back([this, i] { loop_of(i).run(); });
    start().detach();
    loop_of(0).run();
    for (auto& thread : threads_) thread.join();
    if (exit_code_ == 0) exit_code_ = say_clean();
    if (exit_code_ == 0) io::log(Level::info, "stopped");
    return exit_code_;
  }

 private:
  io::EpollLoop& loop_of(uint32_t core) {
    while (loops_.size() <= core) loops_.push_back(std::make_unique<io::EpollLoop>());
    return *loops_[core];
  }
  int failed(const char* what, const Error& error, const std::string& path = "") {
    std::string reason = error.reason;
    if (error.code == Code::io || error.code == Code::full || error.code == Code::not_found)
      reason += std::string(": ") + std::strerror(static_cast<int>(error.detail));
    io::log(Level::error, what, {{"reason", reason}, {"path", path.empty() ? config_.data_dir : path}});
    return 1;
  }

  static bool wants_space(const Error& error) { return error.code == Code::full || error.code == Code::busy; }

  /// The next start may take the checkpoints as the whole truth.
  int say_clean() {
    if (!checkpointed_) return 0;
    manifest_.clean = true;
    auto written = write_manifest(*disk_, manifest_);
    if (written) return 0;
    if (!wants_space(written.error())) return failed("cannot write MANIFEST", written.error());
    say_full(written.error());
    return 0;
  }
  void say_full(const Error& error) {
    io::log(Level::warning, "no space for a checkpoint at the end; nothing is lost, the next start replays the journal",
            {{"reason", error.reason}, {"path", config_.data_dir}});
  }

  /// Recovers the data folder and builds the cores on what is found.
  int open() {
    auto disk = io::open_disk(config_.data_dir);
    if (!disk) return failed("cannot use the data folder", disk.error());
    disk_ = std::move(*disk);
    std::string damage;
    io::Millis began = loop_of(0).wall();
    auto recovered = recover(*disk_, damage);
    if (!recovered) {
      failed("cannot recover the data folder; nothing was changed that it cannot explain. `naru check` tells more",
             recovered.error(), damage);
      return 1;
    }
    const RecoveryFacts& facts = recovered->facts;
    if (recovered->manifest.generation > 0 && !facts.clean) {
      io::log(Level::info, "recovered after an unclean end",
              {{"entries", facts.entries},
               {"journal_bytes", facts.bytes},
               {"salvaged_batches", facts.salvaged},
               {"cut_bytes", facts.cut_bytes},
               {"ms", loop_of(0).wall() - began}});
    }
    Prng random(random_seed());
    auto owner = [this](uint32_t shard) { return shard % cores_; };
    auto manifest = begin_generation(*disk_, *recovered, cores_, owner, random.uuid());
    if (!manifest) return failed("cannot begin", manifest.error());
    manifest_ = *manifest;
    return build(*recovered, random);
  }

  int build(Recovered& recovered, Prng& random) {
    Descriptors descriptors = share_out(allow_many_files(), cores_);
    clients_limit_ = std::make_shared<io::SocketLimit>(descriptors.connections);
    admin_connections_ = descriptors.admin;
    BrokerSettings settings;
    settings.connections_max = descriptors.connections;
    settings.durability = config_.durability;
    settings.data_dir = config_.data_dir;
    settings.groups.initial_rebalance_delay_ms = config_.group_rebalance_delay_ms;
    settings.retention_check_ms = config_.retention_check_ms;
    settings.compaction_check_ms = config_.compaction_check_ms;
    settings.topic_defaults = config_.topic_defaults;
    settings.memory_bytes = memory_limit(config_);
    broker_ = std::make_unique<Broker>(settings);
    broker_->cluster_id = manifest_.cluster_id;
    broker_->cores.reserve(cores_);
    StoreSettings store;
    store.open_files_max = descriptors.segments;
    store.journal.waiting_bytes = std::clamp<uint64_t>(settings.memory_bytes / 16 / cores_, MiB, 32 * MiB);
    store.journal.write_bytes = std::min<uint64_t>(store.journal.waiting_bytes / 4, 4 * MiB);
    for (uint32_t i = 0; i < cores_; ++i) {
      auto fatal = [](Error error) {
        // What a failed sync leaves on disk nobody knows: only a new start reads what is really there.
        io::log(Level::error, "the disk failed; ending at once", {{"reason", error.reason}, {"errno", error.detail}});
        ::_exit(74);  // EX_IOERR
      };
      broker_->cores.push_back(std::make_unique<Core>(*broker_, i, loop_of(i), *disk_,
                                                      JournalId{manifest_.generation, i}, manifest_.epoch, store, fatal,
                                                      random.next()));
    }
    for (uint32_t i = 0; i < cores_; ++i) {  // only now: who owns a shard depends on how many cores there are
      auto owns = [this, i](uint32_t shard) { return broker_->owner_of(shard) == i; };
      auto started = broker_->cores[i]->store.start(recovered.state, owns, {});
      if (!started) return failed("cannot start the journal", started.error());
    }
    old_journals_ = std::move(recovered.old_journals);
    Table& table = broker_->first().store.table(0);
    meta_ = std::make_unique<EmbeddedMetaStore>(broker_->first().store, table);
    auto derive_topic = [this](Topic& topic) { derive(topic, broker_->settings); };
    broker_->topics = std::make_unique<Topics>(*broker_, *meta_, derive_topic);
    bool unclean = recovered.manifest.generation > 0 && !recovered.facts.clean;
    Core& first = broker_->first();
    queues_ = std::make_unique<QueueHost>(first, unclean);
    queues_->dead_letters = &dead_letters_;
    first.queues = queues_.get();
    auto derive_queue = [this](QueueDefinition& queue, std::string_view vhost, FieldTableView policy) {
      // What was declared was checked; a later naru may understand more of it.
      (void)amqp::apply_arguments(queue, vhost).has_value();
      amqp::apply_policy(queue, policy);
      sqs_->derive(queue, vhost);
    };
    users_ = std::make_unique<Users>(*meta_);
    parameters_ = std::make_unique<Parameters>(*meta_);
    hosts_ = std::make_unique<VirtualHosts>(first, *queues_, *meta_, *users_, *parameters_, derive_queue);
    SipKey secret{random_seed(), random_seed()};
    sqs_ = std::make_unique<sqs::Engine>(first, *queues_, *hosts_, *meta_, secret);
    hosts_->delay_with([this](VirtualHost& host, const std::string& exchange, Queue& queue) {
      return std::make_unique<amqp::DelaySchedule>(*queues_, host, exchange, queue);
    });
    sqs_door_ = std::make_unique<sqs::Door>(first, *sqs_, *users_, config_.sqs_settings);
    amqp_door_ = std::make_unique<amqp::Door>(first, *queues_, *hosts_, *users_, *parameters_);
    management::Site site{first, *queues_, *hosts_, *users_, *parameters_, *amqp_door_, loop_of(0).wall(), &listeners_};
    api_ = std::make_unique<management::Api>(std::move(site));
    pages_.api = [this](http::Request request, std::string peer) {
      return api_->answer(std::move(request), std::move(peer));
    };
    pages_.refusal = [this](const http::Request& head, const std::string& peer) { return api_->refusal(head, peer); };
    pages_.metrics = [this] { return api_->metrics() + sqs::metrics(*sqs_door_); };
    users_->on_removed = [this](const std::string& user) { amqp_door_->user_removed(user); };
    hosts_->on_removed = [this](VirtualHost& host) { amqp_door_->host_removed(host); };
    alarms_ = std::make_unique<Alarms>(first.loop, config_.data_dir, settings.memory_bytes, memory_there());
    amqp_door_->alarms = alarms_.get();
    amqp_door_->login_by_common_name = config_.login_by_common_name;
    return 0;
  }

  /// What needs the loops: the catalog, the groups, the listeners.
  io::Task<> start() {
    co_await remove_old_journals();
    auto rows = co_await sqs_->load();
    if (!rows) {
      failed("cannot read the queues of SQS", rows.error());
      co_return end(1);
    }
    auto declared = co_await hosts_->load();
    if (!declared) {
      failed("cannot read the queues", declared.error());
      co_return end(1);
    }
    auto streams = hosts_->streams();
    auto loading = broker_->topics->load(std::move(streams));
    auto loaded = co_await loading;
    if (!loaded) {
      failed("cannot read the catalog", loaded.error());
      co_return end(1);
    }
    co_await hosts_->show_queues();
    auto resumed = co_await sqs_->start();
    if (!resumed) {
      failed("cannot go on with the queues of SQS", resumed.error());
      co_return end(1);
    }
    for (auto& core : broker_->cores) {
      auto load = [](Core& there) -> io::Task<Result<void>> {
        for (uint32_t shard = 0; shard < shard_count; ++shard) {
          if (&*there.broker.cores[there.broker.owner_of(shard)] != &there) continue;
          CO_TRY_VOID(there.groups.load(there.store.table(shard)));
        }
        co_return Result<void>();
      };
      auto groups = co_await on(broker_->first(), *core, load);
      if (!groups) {
        failed("cannot read the groups", groups.error());
        co_return end(1);
      }
    }
    bool made = co_await make_queues();
    if (!made || !listen()) co_return end(1);
  }

  /// What this generation's checkpoints have replaced. Before anything is written: on a full disk it is needed.
  io::Task<> remove_old_journals() {
    std::vector<std::string> old = std::move(old_journals_);
    co_await io::work(loop_of(0), io::Lane::bulk, [&] {
      for (const std::string& name : old) (void)disk_->remove(name).has_value();
      return true;
    });
  }

  bool cannot_listen(const io::Endpoint& at, const Error& error) {
    io::log(Level::error,
            error.code == Code::busy
                ? "the port is taken: is another broker running? choose one with --kafka, --amqp, --sqs or --admin"
                : "cannot listen",
            {{"address", at.text()}, {"reason", error.reason}});
    return false;
  }

  bool listen() {
    io::Endpoint advertised{config_.advertise, config_.kafka.port};
    for (uint32_t i = 0; i < cores_; ++i)
      servers_.push_back(std::make_unique<CoreServer>(*broker_->cores[i], loop_of(i), advertised));
    auto kafka = io::listen(
        loop_of(0), config_.kafka, [this](io::Socket socket) { accept_kafka(std::move(socket)); }, clients_limit_);
    auto admin = io::listen(
        loop_of(0), config_.admin,
        [this](io::Socket socket) { servers_[0]->add_admin(std::move(socket), pages_, admin_connections_); },
        std::make_shared<io::SocketLimit>(admin_connections_));
    if (!listen_amqp() || !listen_sqs()) return false;
    if (!kafka) return cannot_listen(config_.kafka, kafka.error());
    if (!admin) return cannot_listen(config_.admin, admin.error());
    kafka_ = std::move(*kafka);
    admin_ = std::move(*admin);
    for (auto& server : servers_) server->set_advertised_port(kafka_->endpoint().port);
    if (amqp_) listeners_.push_back({"amqp", amqp_->endpoint()});
    if (amqps_) listeners_.push_back({"amqp/ssl", amqps_->endpoint(), io::certificate_end(config_.tls.certificate)});
    listeners_.push_back({"http", admin_->endpoint()});
    bool loopback =
        config_.kafka.host == "127.0.0.1" || config_.kafka.host == "localhost" || config_.kafka.host == "::1";
    io::log(Level::info, "naru is ready",
            {{"kafka", kafka_->endpoint().text()},
             {"amqp", amqp_ ? amqp_->endpoint().text() : std::string("off")},
             {"amqps", amqps_ ? amqps_->endpoint().text() : std::string("off")},
             {"sqs", listening_sqs_ ? listening_sqs_->endpoint().text() : std::string("off")},
             {"admin", admin_->endpoint().text()},
             {"data", config_.data_dir},
             {"cores", cores_}});
    if (loopback)
      io::log(Level::info, "listening on loopback only; for other machines: --kafka 0.0.0.0:9092 --advertise HOST");
    return true;
  }

  bool listen_amqp() {
    auto add = [this](io::TlsConnection connection) {
      servers_[0]->add_amqp(std::move(connection), ++connections_, *amqp_door_);
    };
    if (config_.amqp) {
      auto accept = [this, add](io::Socket socket) { add({.stream = io::adopt(loop_of(0), std::move(socket))}); };
      auto amqp = io::listen(loop_of(0), *config_.amqp, accept, clients_limit_);
      if (!amqp) return cannot_listen(*config_.amqp, amqp.error());
      amqp_ = std::move(*amqp);
      amqp_door_->port = amqp_->endpoint().port;
    }
    if (config_.amqps) {
      auto tls = io::TlsContext::open(config_.tls);
      if (!tls) {
        io::log(Level::error, "TLS needs --tls-cert and --tls-key", {{"reason", tls.error()}});
        return false;
      }
      tls_ = std::move(*tls);
      auto accept = [this, add](io::Socket socket) {
        add(tls_->serve(loop_of(0), io::adopt(loop_of(0), std::move(socket))));
      };
      auto amqps = io::listen(loop_of(0), *config_.amqps, accept, clients_limit_);
      if (!amqps) return cannot_listen(*config_.amqps, amqps.error());
      amqps_ = std::move(*amqps);
      amqp_door_->tls_port = amqps_->endpoint().port;
    }
    return true;
  }

  bool listen_sqs() {
    if (!config_.sqs) return true;
    auto accept = [this](io::Socket socket) { servers_[0]->add_sqs(std::move(socket), *sqs_door_); };
    auto sqs = io::listen(loop_of(0), *config_.sqs, accept, clients_limit_);
    if (!sqs) return cannot_listen(*config_.sqs, sqs.error());
    listening_sqs_ = std::move(*sqs);
    return true;
  }

  /// The queues of the file, if there is one. False, once it is told why, if they cannot be.
  io::Task<bool> make_queues() {
    if (config_.sqs_queues.empty()) co_return true;
    std::ifstream file(config_.sqs_queues);
    std::string text(std::istreambuf_iterator<char>(file), {});
    auto failed_by = [this](const std::string& reason) {
      io::log(Level::error, "the file of queues", {{"path", config_.sqs_queues}, {"reason", reason}});
      return false;
    };
    if (!file) co_return failed_by("cannot be read");
    auto wanted = sqs::parse_queues_file(text, config_.sqs_settings.place);
    if (!wanted) co_return failed_by(wanted.error());
    auto making = sqs::make_queues(*sqs_, std::move(*wanted));
    auto made = co_await making;
    co_return made || failed_by(made.error());
  }

  void accept_kafka(io::Socket socket) {
    uint64_t id = ++connections_;
    // The least loaded core takes it; the numbers of other cores are a moment old, which does no harm.
    uint32_t target = static_cast<uint32_t>(id % servers_.size());
    if (target == 0) return servers_[0]->add_kafka(std::move(socket), id);
    loop_of(target).send(
        [this, target, id, moved = std::move(socket)]() mutable { servers_[target]->add_kafka(std::move(moved), id); });
  }

  void begin_stop() {
    if (std::exchange(stopping_, true)) return;
    io::log(Level::info, "stopping: finishing what is in flight");
    stop().detach();
  }

  io::Task<bool> stop_server(size_t i) {
    co_await servers_[i]->stop(300);
    co_return true;
  }

  io::Task<> stop() {
    kafka_.reset();
    amqp_.reset();
    amqps_.reset();
    listening_sqs_.reset();
    sqs_door_->stopping = true;
    admin_.reset();
    amqp_door_->stopping = true;
    // All together, as a session on one core may wait for a group or a log on another one; and checkpoints only when
    // no session is left that could change something on a core that is done.
    std::vector<io::Task<bool>> finishing;
    for (size_t i = 0; i < servers_.size(); ++i) {
      auto finish = [this, i](Core&) { return stop_server(i); };
      finishing.push_back(on(broker_->first(), *broker_->cores[i], finish));
    }
    for (auto& one : finishing) co_await one;
    while (queues_->is_sending()) co_await loop_of(0).sleep_until(loop_of(0).now() + 1);
    for (auto& core : broker_->cores) {
      // What timers still do on a core that is done is written nowhere: the next start finds it due again.
      auto checkpoint = [](Core& there) -> io::Task<Result<void>> {
        auto written = co_await there.store.checkpoint();
        if (written) co_await there.store.abandon();
        co_return written;
      };
      auto stored = co_await on(broker_->first(), *core, checkpoint);
      if (stored) continue;
      checkpointed_ = false;
      if (!wants_space(stored.error())) {
        exit_code_ = failed("no checkpoint at the end; the next start will replay the journal", stored.error());
        continue;
      }
      say_full(stored.error());
      auto abandon = [](Core& there) -> io::Task<bool> {
        co_await there.store.abandon();
        co_return true;
      };
      co_await on(broker_->first(), *core, abandon);
    }
    end(exit_code_);
  }

  void end(int code) {
    exit_code_ = code;
    for (uint32_t i = 1; i < cores_; ++i) loop_of(i).send([this, i] { loop_of(i).stop(); });
    loop_of(0).post([this] { loop_of(0).stop(); });
  }

  const Config& config_;
  const uint32_t cores_;  // asked once: the machine may change its mind
  std::vector<std::unique_ptr<io::EpollLoop>> loops_;
  std::unique_ptr<io::Disk> disk_;
  Manifest manifest_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<EmbeddedMetaStore> meta_;
  std::unique_ptr<io::TlsContext> tls_;
  std::vector<std::unique_ptr<CoreServer>> servers_;
  amqp::DeadLetterExchange dead_letters_{loop_of(0)};
  std::unique_ptr<QueueHost> queues_;
  std::unique_ptr<Alarms> alarms_;
  std::unique_ptr<Users> users_;
  std::unique_ptr<Parameters> parameters_;
  std::unique_ptr<VirtualHosts> hosts_;
  std::unique_ptr<sqs::Engine> sqs_;
  std::unique_ptr<amqp::Door> amqp_door_;
  std::unique_ptr<sqs::Door> sqs_door_;
  std::vector<management::Listener> listeners_;
  std::unique_ptr<management::Api> api_;
  admin::Pages pages_;
  std::unique_ptr<io::TcpListener> kafka_, amqp_, amqps_, listening_sqs_, admin_;
  std::vector<std::thread> threads_;
  std::vector<std::string> old_journals_;
  std::shared_ptr<io::SocketLimit> clients_limit_;
  uint64_t connections_ = 0, admin_connections_ = 0;
  bool stopping_ = false, checkpointed_ = true;
  int exit_code_ = 0;
};

}  // namespace

int serve(const Config& config) {
  auto server = std::make_unique<Server>(config);
  return server->run();
}

}  // namespace naru::server
