// /api/connections, /api/channels, /api/consumers
#include "broker/field_json.h"
#include "management/live.h"

namespace naru::management {

std::string connection_name(const amqp::Session& session) {
  auto facts = session.facts();
  return facts.peer + " -> " + facts.local_host + ":" + std::to_string(session.door().port);
}

std::vector<Subscription> subscriptions(const Site& site) {
  std::vector<Subscription> all;
  for (const amqp::Session* session : site.door.sessions)
    for (const auto& [number, channel] : session->channels())
      for (const auto& [tag, consumer] : channel->consumers())
        if (consumer->queue) all.push_back({session, channel.get(), consumer.get()});
  return all;
}

Holders holders_of(const Site& site) {
  Holders all;
  for (const amqp::Session* session : site.door.sessions) all.owners[session->id] = session;
  for (const Subscription& one : subscriptions(site)) {
    const Queue* queue = one.consumer->queue.get();
    bool is_chosen = one.consumer->exclusive ||
                     (queue->settings().single_active_consumer && queue->active_consumer() == one.consumer);
    if (is_chosen) all.chosen[queue] = one.consumer;
  }
  return all;
}

namespace {

std::string channel_name(const amqp::Session& session, uint16_t number) {
  return connection_name(session) + " (" + std::to_string(number) + ")";
}

/// Host and port of "127.0.0.1:49152" or "[::1]:49152".
std::pair<std::string, int64_t> split(const std::string& endpoint) {
  auto parsed = io::parse_endpoint(endpoint);
  return parsed ? std::pair<std::string, int64_t>(parsed->host, parsed->port) : std::pair(endpoint, int64_t{0});
}

Json channel_details(const amqp::Session& session, uint16_t number) {
  auto [host, port] = split(session.facts().peer);
  Json out;
  out.set("name", channel_name(session, number))
      .set("number", number)
      .set("user", session.user())
      .set("connection_name", connection_name(session))
      .set("peer_host", host)
      .set("peer_port", port)
      .set("node", "naru@localhost");
  return out;
}

/// Who has not published yet will be held back once they do.
const char* state_of(const Call& call, const amqp::Session::Facts& facts) {
  if (facts.blocked) return "blocked";
  return call.site.door.alarms->raised() || call.site.queues.is_blocked() ? "blocking" : "running";
}

Json connection_view(const Call& call, const amqp::Session& session) {
  auto facts = session.facts();
  auto [host, port] = split(facts.peer);
  Json out, properties = to_json(facts.client_properties);
  const Json* name = properties.find("connection_name");
  out.set("name", connection_name(session))
      .set("user_provided_name", name ? *name : Json())
      .set("user", session.user())
      .set("user_who_performed_action", session.user())
      .set("vhost", session.host().name)
      .set("node", call.site.node)
      .set("state", state_of(call, facts))
      .set("type", "network")
      .set("protocol", "AMQP 0-9-1")
      .set("auth_mechanism", facts.mechanism)
      .set("ssl", facts.tls != nullptr)
      .set("host", facts.local_host)
      .set("port", facts.tls ? call.site.door.tls_port : call.site.door.port)
      .set("peer_host", host)
      .set("peer_port", port)
      .set("channels", session.channels().size())
      .set("channel_max", facts.channel_max)
      .set("frame_max", facts.frame_max)
      .set("timeout", facts.heartbeat_s)
      .set("connected_at", facts.connected_ms)
      .set("recv_oct", static_cast<int64_t>(facts.bytes_in))
      .set("send_oct", static_cast<int64_t>(facts.bytes_out))
      .set("client_properties", std::move(properties));
  if (!facts.tls) return out;
  auto [version, cipher] = facts.tls->encryption();
  auto identity = facts.tls->identity();
  out.set("ssl_protocol", version)
      .set("ssl_cipher", cipher)
      .set("peer_cert_subject", identity ? Json(identity->distinguished_name) : Json());
  return out;
}

Json channel_view(const Call& call, const amqp::Session& session, const amqp::Channel& channel) {
  Json out;
  out.set("name", channel_name(session, channel.number))
      .set("number", channel.number)
      .set("connection_details", connection_details(session))
      .set("user", session.user())
      .set("user_who_performed_action", session.user())
      .set("vhost", session.host().name)
      .set("node", call.site.node)
      .set("state", channel.is_closing() ? "closing" : "running")
      .set("confirm", channel.is_confirming())
      .set("transactional", false)
      .set("prefetch_count", channel.prefetch())
      .set("global_prefetch_count", channel.prefetch_all())
      .set("consumer_count", channel.consumers().size())
      .set("messages_unacknowledged", channel.unacked())
      .set("messages_unconfirmed", static_cast<int64_t>(channel.unconfirmed()))
      .set("messages_uncommitted", 0)
      .set("acks_uncommitted", 0);
  return out;
}

bool is_seen(const Call& call, const amqp::Session& session) {
  return session.has_host() && (call.sees_all() || session.user() == call.user.name);
}

/// Of all, of one virtual host or of one user, as the path says.
enum class Of : uint8_t { all, vhost, user };
template <Of of>
bool is_meant(const Call& call, const amqp::Session& session) {
  if (!is_seen(call, session)) return false;
  if (of == Of::vhost) return session.host().name == call.vhost();
  return of == Of::all || session.user() == call.names[0];
}

template <Of of>
io::Task<Reply> list(Call& call) {
  Json all = Json::array();
  for (const amqp::Session* session : call.site.door.sessions)
    if (is_meant<of>(call, *session)) all.push(connection_view(call, *session));
  co_return Reply{200, std::move(all)};
}

template <Of of>
io::Task<Reply> list_channels(Call& call) {
  Json all = Json::array();
  for (const amqp::Session* session : call.site.door.sessions)
    if (is_meant<of>(call, *session))
      for (const auto& [number, channel] : session->channels()) all.push(channel_view(call, *session, *channel));
  co_return Reply{200, std::move(all)};
}

amqp::Session* find(const Call& call, const std::string& name) {
  for (amqp::Session* session : call.site.door.sessions)
    if (is_seen(call, *session) && connection_name(*session) == name) return session;
  return nullptr;
}

io::Task<Reply> get(Call& call) {
  amqp::Session* session = find(call, call.names[0]);
  co_return session ? Reply{200, connection_view(call, *session)} : not_found();
}

io::Task<Reply> channels_of(Call& call) {
  amqp::Session* session = find(call, call.names[0]);
  if (!session) co_return not_found();
  Json all = Json::array();
  for (const auto& [number, channel] : session->channels()) all.push(channel_view(call, *session, *channel));
  co_return Reply{200, std::move(all)};
}

std::string reason_of(const Call& call) {
  return call.reason.empty() ? std::string("Closed via management plugin") : call.reason;
}

io::Task<Reply> close(Call& call) {
  amqp::Session* session = find(call, call.names[0]);
  if (!session) co_return not_found();
  session->force_close(reason_of(call));
  co_return no_content();
}

io::Task<Reply> close_of_user(Call& call) {
  auto is_theirs = [&](const amqp::Session& session) { return is_meant<Of::user>(call, session); };
  call.site.door.close_if(is_theirs, reason_of(call));
  co_return no_content();
}

Json detailed_view(const Call& call, const amqp::Session& session, const amqp::Channel& channel) {
  Json consumers = Json::array(), out = channel_view(call, session, channel);
  for (const auto& [tag, consumer] : channel.consumers())
    if (consumer->queue) consumers.push(consumer_view({&session, &channel, consumer.get()}));
  out.set("consumer_details", std::move(consumers));
  return out;
}

io::Task<Reply> get_channel(Call& call) {
  for (const amqp::Session* session : call.site.door.sessions) {
    if (!is_seen(call, *session)) continue;
    for (const auto& [number, channel] : session->channels())
      if (channel_name(*session, number) == call.names[0])
        co_return Reply{200, detailed_view(call, *session, *channel)};
  }
  co_return not_found();
}

io::Task<Reply> list_consumers(Call& call) {
  Json all = Json::array();
  for (const Subscription& one : subscriptions(call.site)) {
    const std::string& vhost = one.session->host().name;
    bool is_meant = call.names.empty() ? call.sees(vhost) : vhost == call.vhost();
    if (is_meant) all.push(consumer_view(one));
  }
  co_return Reply{200, std::move(all)};
}

constexpr Route routes[] = {
    {"GET", "/connections", Needs::management, list<Of::all>, Pages::some},
    {"GET", "/connections/{}", Needs::management, get},
    {"DELETE", "/connections/{}", Needs::management, close},
    {"GET", "/connections/{}/channels", Needs::management, channels_of},
    {"GET", "/connections/username/{}", Needs::management, list<Of::user>, Pages::some},
    {"DELETE", "/connections/username/{}", Needs::management, close_of_user},
    {"GET", "/vhosts/{vhost}/connections", Needs::management, list<Of::vhost>},
    {"GET", "/vhosts/{vhost}/channels", Needs::management, list_channels<Of::vhost>},
    {"GET", "/channels", Needs::management, list_channels<Of::all>, Pages::some},
    {"GET", "/channels/{}", Needs::management, get_channel},
    {"GET", "/consumers", Needs::management, list_consumers},
    {"GET", "/consumers/{vhost}", Needs::management, list_consumers},
};

}  // namespace

Json connection_details(const amqp::Session& session) {
  auto [host, port] = split(session.facts().peer);
  Json out;
  out.set("name", connection_name(session)).set("peer_host", host).set("peer_port", port);
  return out;
}

Json consumer_view(const Subscription& subscription) {
  const amqp::Consumer& consumer = *subscription.consumer;
  const Queue& queue = *consumer.queue;
  bool is_only_one = queue.settings().single_active_consumer;
  bool active = !is_only_one || queue.active_consumer() == &consumer;
  Json place, out;
  place.set("name", queue.name).set("vhost", subscription.session->host().name);
  out.set("queue", std::move(place))
      .set("consumer_tag", consumer.tag)
      .set("channel_details", channel_details(*subscription.session, subscription.channel->number))
      .set("ack_required", !consumer.no_ack)
      .set("exclusive", consumer.exclusive)
      .set("prefetch_count", consumer.prefetch)
      .set("active", active)
      .set("activity_status", !active       ? "waiting"
                              : is_only_one ? "single_active"
                                            : "up")
      .set("arguments", to_json(consumer.arguments.view()));
  return out;
}

std::span<const Route> connection_routes() { return routes; }

}  // namespace naru::management
