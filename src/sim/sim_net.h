#pragma once
// A connection in memory: the broker's end is an io::Stream, the test's end writes and reads bytes. Bytes arrive in
// pieces of random size, so that nobody can rely on how they come.
#include "base/prng.h"
#include "io/net.h"
#include "sim/sim_loop.h"

namespace naru::sim {

class SimConnection {
 public:
  SimConnection(SimLoop& loop, uint64_t seed) : wire_(std::make_shared<Wire>(loop, seed)) {}

  /// The broker's end; once.
  std::unique_ptr<io::Stream> accept();
  /// What the client sends.
  void send(ByteView bytes);
  /// The client goes away.
  void hang_up();
  /// What has arrived at the client since the last call, or the first `most` bytes of it.
  Bytes take(size_t most = SIZE_MAX);
  bool is_closed() const { return wire_->closed; }
  /// How many bytes the client takes before it stops reading.
  void set_window(uint64_t bytes) { wire_->window = bytes; }

 private:
  friend class SimStream;
  struct Wire {
    Wire(SimLoop& l, uint64_t seed) : loop(l), random(seed) {}
    SimLoop& loop;
    Prng random;
    Bytes to_broker, to_client;
    uint64_t window = UINT64_MAX;
    bool ended = false;   // by the client
    bool closed = false;  // by the broker
    io::Wakeup* reader = nullptr;
    std::vector<io::Wakeup*> drainers;
    void wake_drainers() {
      for (auto* waiting : std::exchange(drainers, {})) waiting->wake();
    }
    std::move_only_function<void()> on_end;
  };
  std::shared_ptr<Wire> wire_;
};

}  // namespace naru::sim
