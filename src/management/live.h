#pragma once
// What the API says of what is there at this moment: queues and exchanges, connections, channels and consumers.
#include "management/call.h"

namespace naru::management {

/// "policy", "operator_policy", "effective_policy_definition"
void set_policies(Json& out, const Policies::Match& match);
/// Who has queues for themselves, looked up once for all of a list. Valid until something pauses.
struct Holders {
  std::unordered_map<uint64_t, const amqp::Session*> owners;       // all connections, by their id
  std::unordered_map<const Queue*, const amqp::Consumer*> chosen;  // the exclusive or the single active one
};
Holders holders_of(const Site& site);
Json queue_view(const Call& call, const VirtualHost& host, const DeclaredQueue& queue, const Holders& holders);
/// Why no queue may be added to that virtual host; nothing if one may.
std::optional<Reply> limit_refusal(const Call& call, const VirtualHost& host, const std::string& queue);
Json exchange_view(const Call& call, const VirtualHost& host, const Exchange& exchange);

/// "127.0.0.1:49152 -> 127.0.0.1:5672": what RabbitMQ calls a connection.
std::string connection_name(const amqp::Session& session);
/// Its name and where the client is, as others refer to it.
Json connection_details(const amqp::Session& session);

/// One consumer, and where it is. Valid until something pauses.
struct Subscription {
  const amqp::Session* session;
  const amqp::Channel* channel;
  const amqp::Consumer* consumer;
};
std::vector<Subscription> subscriptions(const Site& site);
Json consumer_view(const Subscription& subscription);

}  // namespace naru::management
