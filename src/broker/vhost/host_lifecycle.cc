// Virtual hosts as such: made, deleted with all that is in them, and what policies do to what they hold.
#include "broker/field_json.h"
#include "broker/vhost/virtual_hosts.h"

namespace naru {
namespace {

// Key: the name; value: its metadata as JSON. The other row is there once "/" has been made, and may be gone since.
constexpr std::string_view host_rows = "vhost/", hosts_made_row = "vhosts-made";

PolicyTarget target_of(QueueType type) {
  if (type == QueueType::classic) return PolicyTarget::classic_queue;
  return type == QueueType::quorum ? PolicyTarget::quorum_queue : PolicyTarget::stream;
}

}  // namespace

io::Task<Result<void>> VirtualHosts::load_hosts() {
  CO_TRY(auto rows, co_await meta_.range(std::string(host_rows)));
  for (const MetaRow& row : rows) {
    CO_TRY(auto metadata, parse_json(row.value));
    std::string name = row.key.substr(host_rows.size());
    auto host = std::make_unique<VirtualHost>(name);
    host->metadata = std::move(metadata);
    predeclare(*host);
    hosts_.emplace(name, std::move(host));
  }
  CO_TRY(auto made, co_await meta_.range(std::string(hosts_made_row)));
  if (!made.empty()) co_return Result<void>();
  Json metadata;
  metadata.set("description", "Default virtual host").set("tags", Json::array());
  // One transaction: a crash between the two would leave a broker without a virtual host for ever.
  std::vector<MetaWrite> made_once{{std::string(hosts_made_row), ""}};
  auto making = put_with("/", std::move(metadata), std::move(made_once));
  co_return co_await making;
}

io::Task<Result<void>> VirtualHosts::put(std::string name, Json metadata) {
  auto putting = put_with(std::move(name), std::move(metadata), {});
  co_return co_await putting;
}

io::Task<Result<void>> VirtualHosts::put_with(std::string name, Json metadata, std::vector<MetaWrite> writes) {
  writes.push_back({std::string(host_rows) + name, to_text(metadata)});
  auto committing = meta_.commit({}, std::move(writes));
  CO_TRY_VOID(co_await committing);
  auto [at, is_new] = hosts_.try_emplace(name);
  if (is_new) {
    at->second = std::make_unique<VirtualHost>(name);
    predeclare(*at->second);
  }
  at->second->metadata = std::move(metadata);
  co_return Result<void>();
}

io::Task<Result<void>> VirtualHosts::remove(std::string name) {
  VirtualHost* host = find(name);
  if (!host || host->removed) co_return fail(Code::not_found, "no such virtual host");
  // From here on nothing is declared in it, so that this transaction takes all its rows.
  host->removed = true;
  std::vector<MetaWrite> writes = users_.rows_of_vhost(name);
  for (MetaWrite& row : parameters_.rows_of_vhost(name)) writes.push_back(std::move(row));
  for (std::string& key : durable_rows(*host)) writes.push_back({std::move(key), std::nullopt});
  writes.push_back({std::string(host_rows) + name, std::nullopt});
  auto committing = meta_.commit({}, std::move(writes));
  auto committed = co_await committing;
  if (!committed) {
    host->removed = false;
    co_return std::unexpected(committed.error());
  }
  if (on_removed) on_removed(*host);
  while (!host->queues_.empty()) {
    auto first = host->queues_.begin();
    forget(*host, first->second);
    host->queues_.erase(first);
  }
  for (auto& [exchange_name, exchange] : host->exchanges_)
    if (exchange.delayed) exchange.delayed->erase();
  users_.forget_vhost(name);
  parameters_.forget_vhost(name);
  policies_.changed(name);
  auto gone = hosts_.extract(name);
  removed_.push_back(std::move(gone.mapped()));
  co_return Result<void>();
}

Policies::Match VirtualHosts::match(const VirtualHost& host, const QueueDefinition& queue) {
  return policies_.match(host.name, target_of(queue.type), queue.name);
}

Policies::Match VirtualHosts::match(const VirtualHost& host, const ExchangeDefinition& exchange) {
  return policies_.match(host.name, PolicyTarget::exchange, exchange.name);
}

void VirtualHosts::derive(const VirtualHost& host, QueueDefinition& definition) {
  definition.settings = {};
  definition.expires_ms.reset();
  FieldTable policy = to_fields(match(host, definition).definition());
  derive_(definition, host.name, policy.view());
}

void VirtualHosts::derive(const VirtualHost& host, Exchange& exchange) {
  Json policy = match(host, exchange.definition).definition();
  const Json* alternate = policy.find("alternate-exchange");
  exchange.policy_alternate.reset();
  if (alternate && alternate->text()) exchange.policy_alternate = *alternate->text();
}

void VirtualHosts::insert(VirtualHost& host, ExchangeDefinition definition) {
  std::string name = definition.name;
  host.add(std::move(definition));
  derive(host, *host.find_exchange(name));
  open_delayed(host, name);
}

void VirtualHosts::derive_again(VirtualHost& host, std::string_view name) {
  DeclaredQueue* queue = host.find_queue(name);
  if (!queue) return;
  derive(host, queue->definition);
  queue->queue->set_settings(queue->definition.settings);
}

/// Policies have changed: what is there gets what they say now.
void VirtualHosts::renew(std::string_view vhost) {
  policies_.changed(vhost);
  VirtualHost* host = find(vhost);
  if (!host) return;
  for (auto& [name, exchange] : host->exchanges_) derive(*host, exchange);
  for (auto& [name, queue] : host->queues_) {
    auto expires_before = queue.definition.expires_ms;
    derive(*host, queue.definition);
    queue.queue->set_settings(queue.definition.settings);
    if (queue.definition.settings.retains()) topics_.put(host->name, queue.definition);
    if (queue.definition.expires_ms == expires_before) continue;
    queue.expiry.reset();
    if (queue.definition.expires_ms) watch_expiry(*host, queue);
  }
  ++host->version_;
}

}  // namespace naru
