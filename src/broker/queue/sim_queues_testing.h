#pragma once
// Queues on a real store, journal and log over a simulated loop and disk; included by tests only.
#include <gtest/gtest.h>

#include "broker/queue/queue_host.h"
#include "sim/sim_disk.h"
#include "sim/sim_loop.h"

namespace naru {

/// One broker of one core, and those that come after it on the same disk.
struct SimQueues {
  static constexpr io::Millis settle_ms = 10;  // for what a step sets off: the disk takes a while

  SimQueues() : disk(std::make_unique<sim::SimDisk>(1)) { start(); }
  SimQueues(const SimQueues&) = delete;
  /// Its queues are gone by then.
  ~SimQueues() {
    disk->kill();
    stop();
  }

  /// After the disk was killed: what it had is recovered by the next one.
  void start_again() {
    stop();
    disk = disk->restarted(1);
    start();
  }
  /// Until all that was said is on disk, and a little longer.
  void settle() {
    loop->run_for(settle_ms);
    bool durable = false;
    [](Store& store, bool& done) -> io::Task<> {
      auto stored = co_await store.durable(store.journal().end());
      EXPECT_TRUE(stored);
      done = true;
    }(host->store, durable)
                                        .detach();
    loop->run([&] { return durable; });
    loop->run_for(settle_ms);
  }

  std::unique_ptr<sim::SimDisk> disk;
  std::unique_ptr<sim::SimLoop> loop;
  Broker broker{BrokerSettings{}};
  Manifest manifest;
  std::unique_ptr<QueueHost> host;

 private:
  void start() {
    loop = std::make_unique<sim::SimLoop>(1);
    loop->run_for(lived_ms_);  // the clock of the world goes on
    std::string damage;
    auto recovered = recover(*disk, damage);
    ASSERT_TRUE(recovered) << damage;
    bool unclean = recovered->manifest.generation > 0 && !recovered->facts.clean;
    auto owner = [](uint32_t) { return 0u; };
    auto begun = begin_generation(*disk, *recovered, 1, owner, Uuid{});
    ASSERT_TRUE(begun);
    manifest = *begun;
    StoreSettings settings;
    settings.journal = {.file_bytes = 256 * KiB, .write_bytes = 32 * KiB, .waiting_bytes = 256 * KiB};
    auto fatal = [](const Error& error) { ADD_FAILURE() << error.reason; };
    broker.cores.push_back(std::make_unique<Core>(broker, 0, *loop, *disk, JournalId{begun->generation, 0},
                                                  begun->epoch, settings, fatal, 1));
    Store& store = broker.first().store;
    ASSERT_TRUE(store.start(recovered->state, [](uint32_t) { return true; }, {}));
    for (const std::string& old : recovered->old_journals) (void)disk->remove(old).has_value();
    host = std::make_unique<QueueHost>(broker.first(), unclean);
  }
  void stop() {
    bool settled = false;
    [](Store& store, bool& done) -> io::Task<> {
      co_await store.settle();
      done = true;
    }(host->store, settled)
                                        .detach();
    loop->run_for(settle_ms);
    EXPECT_TRUE(settled);
    lived_ms_ = loop->now();
    host.reset();
    broker.cores.clear();
    loop.reset();
  }

  io::Millis lived_ms_ = 0;
};

}  // namespace naru
