#pragma once
// One core at work: its thread, its loop, and the connections that live on it.
#include <thread>
#include <unordered_map>

#include "admin/session.h"
#include "amqp/session.h"
#include "io/tcp.h"
#include "kafka/session.h"
#include "sqs/session.h"

namespace naru::server {

class CoreServer {
 public:
  CoreServer(Core& core, io::EpollLoop& loop, io::Endpoint advertised);

  /// Takes a connection; on this core's thread.
  void add_kafka(io::Socket socket, uint64_t id);
  /// With or without TLS. On core 0 only: that is where queues are.
  void add_amqp(io::TlsConnection connection, uint64_t id, amqp::Door& door);
  /// On core 0 only.
  void add_sqs(io::Socket socket, sqs::Door& door);
  /// `most`: so many may be open; who has waited longest for its client makes room for a new one.
  void add_admin(io::Socket socket, const admin::Pages& pages, size_t most);
  /// The port that the listener got.
  void set_advertised_port(uint16_t port) { door_.advertised.port = port; }
  size_t connections() const { return kafka_.size() + amqp_.size() + sqs_.size() + admin_.size(); }

  /// Ends all connections: what is running may finish within `grace_ms`.
  io::Task<> stop(io::Millis grace_ms);

 private:
  io::Task<> serve_kafka(std::unique_ptr<kafka::Session> session, uint64_t id);
  io::Task<> serve_amqp(std::unique_ptr<amqp::Session> session);
  io::Task<> serve_sqs(std::unique_ptr<sqs::Session> session);
  io::Task<> serve_admin(std::unique_ptr<admin::Session> session);
  void make_room_for_admin();

  Core& core_;
  io::EpollLoop& loop_;
  kafka::Door door_;
  std::unordered_map<uint64_t, kafka::Session*> kafka_;
  std::set<amqp::Session*> amqp_;
  std::set<sqs::Session*> sqs_;
  std::set<admin::Session*> admin_;
};

}  // namespace naru::server
