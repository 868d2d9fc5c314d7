#pragma once
// A broker with a client that says things and hears what comes back, in simulated time; for tests of what a few methods
// do together.
#include "amqp/sim_broker_testing.h"
#include "amqp/sim_client_testing.h"
#include "base/testing.h"

namespace naru::amqp {

class SimWorld {
 public:
  explicit SimWorld(uint64_t seed = 1) : broker_(seed) { start(); }
  ~SimWorld() { client_.reset(); }

  SimBroker& broker() { return broker_; }
  SimClient& client() { return *client_; }
  VirtualHost& host() { return broker_.host(); }
  VirtualHosts& hosts() { return broker_.hosts(); }
  template <class M>
  void say(const M& method, uint16_t channel = 1) {
    client_->send(channel, method);
  }
  void declare(const char* queue, const FieldTable& arguments = {}) {
    say(QueueDeclare{.queue = queue, .durable = true, .arguments = arguments.view()});
  }
  void send(std::string_view exchange, std::string_view key, const Properties& properties = {}, bool mandatory = false,
            std::string_view body = "m") {
    client_->publish(1, {.exchange = exchange, .routing_key = key, .mandatory = mandatory}, properties, view(body));
  }
  /// Until all has been said, heard and written.
  void settle(io::Millis ms = 100) {
    broker_.loop().run_for(ms);
    hear();
  }
  void hear() {
    for (Received& got : client_->take()) heard.push_back(std::move(got));
  }
  int64_t count_of(Method method) const { return std::ranges::count(heard, method, &Received::method); }
  bool heard_of(Method method) const { return count_of(method) > 0; }
  /// The last one.
  const Received& last(Method method) const {
    auto found = std::ranges::find(heard.rbegin(), heard.rend(), method, &Received::method);
    CHECK(found != heard.rend());
    return *found;
  }
  /// -1 if there is no such queue.
  int64_t ready(const char* queue) {
    DeclaredQueue* there = host().find_queue(queue);
    return there ? there->queue->counts().ready : -1;
  }
  void crash(bool power = true) {
    client_.reset();
    if (power) broker_.disk().lose_power();
    broker_.kill();
    start();
  }

  std::vector<Received> heard;

 private:
  void start() {
    ASSERT_TRUE(broker_.start());
    client_ = std::make_unique<SimClient>(broker_.connect());
    client_->log_in();
    say(ChannelOpen{});
    say(ConfirmSelect{});
  }

  SimBroker broker_;
  std::unique_ptr<SimClient> client_;
};

}  // namespace naru::amqp
