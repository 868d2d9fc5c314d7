#include "sim/sim_net.h"

namespace naru::sim {

class SimStream final : public io::Stream {
 public:
  explicit SimStream(std::shared_ptr<SimConnection::Wire> wire) : wire_(std::move(wire)) {}
  ~SimStream() override {
    wire_->reader = nullptr;
    wire_->drainers.clear();
    wire_->on_end = nullptr;
    wire_->closed = true;
  }

  io::Task<Result<size_t>> read(std::span<uint8_t> into) override {
    co_await readable();
    if (wire_->closed) co_return fail(Code::closed, "connection closed");
    if (wire_->to_broker.empty()) co_return size_t{0};
    size_t n = std::min<size_t>(into.size(), wire_->random.between(1, wire_->to_broker.size()));
    std::memcpy(into.data(), wire_->to_broker.data(), n);
    wire_->to_broker.erase(wire_->to_broker.begin(), wire_->to_broker.begin() + static_cast<long>(n));
    co_return n;
  }
  io::Task<> readable() override {
    while (wire_->to_broker.empty() && !wire_->ended && !wire_->closed) {
      io::Wakeup wakeup;
      wire_->reader = &wakeup;
      co_await wakeup;
      wire_->reader = nullptr;
    }
  }
  void on_end(std::move_only_function<void()> call) override {
    wire_->on_end = std::move(call);
    if (!wire_->ended) return;
    wire_->loop.post([wire = wire_] {
      if (auto told = std::exchange(wire->on_end, nullptr)) told();
    });
  }
  void send(Bytes bytes) override {
    if (!wire_->closed) append(wire_->to_client, bytes);
  }
  void send(io::FileRange range) override {
    Bytes bytes(range.length);
    if (range.file->read(range.at, bytes)) send(std::move(bytes));
  }
  uint64_t queued() const override {
    return wire_->to_client.size() > wire_->window ? wire_->to_client.size() - wire_->window : 0;
  }
  io::Task<Result<void>> drained(uint64_t bytes) override {
    while (queued() > bytes && !wire_->ended && !wire_->closed) {
      io::Wakeup wakeup;
      wire_->drainers.push_back(&wakeup);
      co_await wakeup;
    }
    if (wire_->ended || wire_->closed) co_return fail(Code::closed, "connection closed");
    co_return Result<void>();
  }
  void close() override {
    auto wire = wire_;  // whoever is woken may destroy this stream
    if (std::exchange(wire->closed, true)) return;
    if (wire->reader) std::exchange(wire->reader, nullptr)->wake();
    wire->wake_drainers();
  }
  std::string peer() const override { return "127.0.0.1:40000"; }
  std::string local_host() const override { return "127.0.0.1"; }

 private:
  std::shared_ptr<SimConnection::Wire> wire_;
};

std::unique_ptr<io::Stream> SimConnection::accept() { return std::make_unique<SimStream>(wire_); }

void SimConnection::send(ByteView bytes) {
  append(wire_->to_broker, bytes);
  wire_->loop.post([wire = wire_] {
    if (wire->reader) std::exchange(wire->reader, nullptr)->wake();
  });
}

void SimConnection::hang_up() {
  wire_->ended = true;
  wire_->loop.post([wire = wire_] {
    if (auto call = std::exchange(wire->on_end, nullptr)) call();
    if (wire->reader) std::exchange(wire->reader, nullptr)->wake();
    wire->wake_drainers();
  });
}

Bytes SimConnection::take(size_t most) {
  Bytes& all = wire_->to_client;
  Bytes rest(all.begin() + static_cast<ptrdiff_t>(std::min(most, all.size())), all.end());
  Bytes out = std::exchange(all, std::move(rest));
  out.resize(std::min(most, out.size()));
  if (out.empty() || wire_->drainers.empty()) return out;
  wire_->loop.post([wire = wire_] { wire->wake_drainers(); });
  return out;
}

}  // namespace naru::sim
