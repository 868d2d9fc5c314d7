// What the user of a session may do, in RabbitMQ's words (rabbitmq.md 2.16).
#include "amqp/session.h"

namespace naru::amqp {

/// Why a connection may not be opened; nothing if it may.
std::optional<Refusal> Session::open_refusal(const std::string& vhost) const {
  auto refused = [](std::string why) { return Refusal{ReplyCode::not_allowed, std::move(why)}; };
  VirtualHost* host = door_.hosts.find(vhost);
  if (!host || host->removed) return refused("vhost " + vhost + " not found");
  auto open = [&](auto counts) {
    return std::ranges::count_if(door_.sessions, [&](const Session* one) { return one->has_host() && counts(*one); });
  };
  auto limit = door_.parameters.vhost_limit(vhost, "max-connections");
  if (limit && open([&](const Session& one) { return one.host_ == host; }) >= *limit)
    return refused("access to vhost '" + vhost + "' refused for user '" + user_ + "': connection limit (" +
                   std::to_string(*limit) + ") is reached");
  const User* user = door_.users.find(user_);
  limit = user ? user->limit("max-connections") : std::nullopt;
  if (limit && open([&](const Session& one) { return one.user_ == user_; }) >= *limit)
    return refused("connection refused for user '" + user_ + "': user connection limit (" + std::to_string(*limit) +
                   ") is reached");
  if (!user || !door_.users.may_enter(user_, vhost))
    return refused("access to vhost '" + vhost + "' refused for user '" + user_ + "'");
  return std::nullopt;
}

std::optional<Refusal> Session::refusal(Operation operation, std::string_view kind, std::string_view name) const {
  if (name.empty() && kind == "exchange") name = "amq.default";
  uint64_t version = door_.users.version();
  if (allowed_.version == version && allowed_.operation == operation && allowed_.name == name) return std::nullopt;
  if (door_.users.may(user_, host_->name, operation, name)) {
    allowed_ = {version, operation, std::string(name)};
    return std::nullopt;
  }
  return Refusal{ReplyCode::access_refused, "access to " + std::string(kind) + " '" + std::string(name) +
                                                "' in vhost '" + host_->name + "' refused for user '" + user_ + "'"};
}

std::optional<Refusal> Session::topic_refusal(Operation operation, const Exchange& exchange,
                                              std::string_view key) const {
  if (exchange.definition.type != ExchangeType::topic) return std::nullopt;
  const std::string& name = exchange.definition.name;
  if (door_.users.may_topic(user_, host_->name, name, operation, key)) return std::nullopt;
  return Refusal{ReplyCode::access_refused, "access to topic '" + std::string(key) + "' in exchange '" + name +
                                                "' in vhost '" + host_->name + "' refused for user '" + user_ + "'"};
}

bool Session::may_impersonate() const {
  const User* user = door_.users.find(user_);
  return user && user->has_tag("impersonator");
}

std::optional<Refusal> Session::publish_refusal(std::string_view exchange, std::string_view key) {
  if (auto no = refusal(Operation::write, "exchange", exchange)) return no;
  const Exchange* to = host_->find_exchange(exchange);
  if (door_.users.has_topic_permission(user_, host_->name, exchange)) {
    if (!to || to->definition.internal) return std::nullopt;  // the next check says what is wrong
    return topic_refusal(Operation::write, *to, key);
  }
  may_publish_ = exchange;
  may_publish_version_ = door_.users.version();
  return std::nullopt;
}

Session::Facts Session::facts() const {
  return {.peer = stream_->peer(),
          .local_host = stream_->local_host(),
          .mechanism = mechanism_,
          .client_properties = client_properties_.view(),
          .frame_max = frame_max_,
          .channel_max = channel_max_,
          .heartbeat_s = static_cast<uint32_t>(heartbeat_ms_ / 1000),
          .connected_ms = connected_ms_,
          .bytes_in = bytes_in_,
          .bytes_out = bytes_out_,
          .blocked = blocked_told_,
          .tls = tls_};
}

/// The end of one session may be another's.
void Door::close_if(const std::function<bool(const Session&)>& is_meant, const std::string& reason) {
  for (Session* session : std::set(sessions))
    if (sessions.contains(session) && is_meant(*session)) session->force_close(reason);
}

void Door::user_removed(const std::string& user) {
  auto is_theirs = [&](const Session& session) { return session.user() == user; };
  close_if(is_theirs, "user '" + user + "' is deleted");
}

void Door::host_removed(const VirtualHost& host) {
  auto is_there = [&](const Session& session) { return session.has_host() && &session.host() == &host; };
  close_if(is_there, "vhost '" + host.name + "' is deleted");
}

}  // namespace naru::amqp
