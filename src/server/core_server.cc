#include "server/core_server.h"

#include <algorithm>

#include "io/logger.h"

namespace naru::server {

namespace {

/// A session that waits for something that never comes must not keep the process from its checkpoint.
constexpr io::Millis left_behind_ms = 5'000;

}  // namespace

CoreServer::CoreServer(Core& core, io::EpollLoop& loop, io::Endpoint advertised)
    : core_(core), loop_(loop), door_{.core = core, .advertised = std::move(advertised), .buffers = {}} {}

void CoreServer::add_kafka(io::Socket socket, uint64_t id) {
  if (door_.stopping) return;
  auto session = std::make_unique<kafka::Session>(door_, io::adopt(loop_, std::move(socket)), id);
  kafka_.emplace(id, session.get());
  serve_kafka(std::move(session), id).detach();
}

io::Task<> CoreServer::serve_kafka(std::unique_ptr<kafka::Session> session, uint64_t id) {
  co_await session->run();
  kafka_.erase(id);
}

void CoreServer::add_amqp(io::TlsConnection connection, uint64_t id, amqp::Door& door) {
  if (door_.stopping) return;
  auto session = std::make_unique<amqp::Session>(door, std::move(connection.stream), id, connection.peer);
  amqp_.insert(session.get());
  serve_amqp(std::move(session)).detach();
}

io::Task<> CoreServer::serve_amqp(std::unique_ptr<amqp::Session> session) {
  co_await session->run();
  amqp_.erase(session.get());
}

void CoreServer::add_sqs(io::Socket socket, sqs::Door& door) {
  if (door_.stopping) return;
  socket.notice_dead_peer();  // who holds messages by an open connection, and who waits for some
  auto session = std::make_unique<sqs::Session>(door, io::adopt(loop_, std::move(socket)));
  sqs_.insert(session.get());
  serve_sqs(std::move(session)).detach();
}

io::Task<> CoreServer::serve_sqs(std::unique_ptr<sqs::Session> session) {
  co_await session->run();
  sqs_.erase(session.get());
}

void CoreServer::add_admin(io::Socket socket, const admin::Pages& pages, size_t most) {
  if (door_.stopping) return;
  socket.notice_dead_peer();
  // One place stays free for who comes next: connections that say nothing lock nobody out.
  if (admin_.size() + 1 >= most) make_room_for_admin();
  auto session = std::make_unique<admin::Session>(core_, io::adopt(loop_, std::move(socket)), pages);
  admin_.insert(session.get());
  serve_admin(std::move(session)).detach();
}

void CoreServer::make_room_for_admin() {
  auto longest = std::ranges::min_element(admin_, {}, &admin::Session::waiting_since);
  if (longest == admin_.end() || (*longest)->waiting_since() == io::never) return;
  (*longest)->close();
}

io::Task<> CoreServer::serve_admin(std::unique_ptr<admin::Session> session) {
  co_await session->run();
  admin_.erase(session.get());
}

namespace {

/// A session that is idle ends at once and leaves the others, and the end of one may be another's.
template <class Call>
void each_there(std::unordered_map<uint64_t, kafka::Session*>& sessions, Call call) {
  for (auto [id, session] : std::unordered_map(sessions))
    if (sessions.contains(id)) call(session);
}

template <class Session, class Call>
void each_there(std::set<Session*>& sessions, Call call) {
  for (Session* session : std::set(sessions))
    if (sessions.contains(session)) call(session);
}

}  // namespace

io::Task<> CoreServer::stop(io::Millis grace_ms) {
  door_.stopping = true;
  core_.stop();
  constexpr auto stop_it = [](auto* session) { session->stop(); };
  constexpr auto close_it = [](auto* session) { session->close(); };
  each_there(kafka_, stop_it);
  each_there(amqp_, stop_it);
  each_there(sqs_, stop_it);
  each_there(admin_, close_it);
  io::Millis deadline = loop_.now() + grace_ms;
  bool forced = false;
  while (connections() > 0 || !core_.groups.idle()) {
    co_await loop_.sleep_until(loop_.now() + 5);
    if (loop_.now() > deadline + left_behind_ms) {
      io::log(io::Level::warning, "connections that do not end are left behind", {{"count", connections()}});
      break;
    }
    if (loop_.now() < deadline || std::exchange(forced, true)) continue;
    each_there(kafka_, close_it);
    each_there(amqp_, close_it);
    each_there(sqs_, close_it);
  }
}

}  // namespace naru::server
