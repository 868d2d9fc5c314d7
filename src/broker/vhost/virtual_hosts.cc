#include "broker/vhost/virtual_hosts.h"

#include "broker/queue/topic_source.h"
#include "broker/topics.h"
#include "io/logger.h"

namespace naru {
namespace {

std::string row_key(std::string_view kind, const VirtualHost& host, std::string_view name) {
  std::string key(kind);
  key += host.name;
  key += '\0';
  key += name;
  return key;
}
constexpr std::string_view queue_rows = "queue/", exchange_rows = "exchange/", binding_rows = "binding/";

/// The virtual host in a row's key.
std::string_view host_of(std::string_view key, std::string_view kind) {
  key.remove_prefix(kind.size());
  return key.substr(0, key.find('\0'));
}

}  // namespace

VirtualHosts::VirtualHosts(Core& core, QueueHost& queues, MetaStore& meta, Users& users, Parameters& parameters,
                           Derive derive)
    : core_(core),
      queues_(queues),
      meta_(meta),
      users_(users),
      parameters_(parameters),
      policies_(parameters),
      derive_(std::move(derive)),
      topics_(core) {
  parameters_.on_change = [this](const Parameters::Key& key) { renew(key.vhost); };
  core_.broker.topics->delete_queue = [this](QueueName name) { return delete_named(std::move(name)); };
}

VirtualHost* VirtualHosts::find(std::string_view name) {
  auto found = hosts_.find(name);
  return found == hosts_.end() ? nullptr : found->second.get();
}

void VirtualHosts::predeclare(VirtualHost& host) {
  constexpr std::pair<const char*, ExchangeType> predeclared[] = {
      {"", ExchangeType::direct},         {"amq.direct", ExchangeType::direct},   {"amq.fanout", ExchangeType::fanout},
      {"amq.topic", ExchangeType::topic}, {"amq.headers", ExchangeType::headers}, {"amq.match", ExchangeType::headers},
  };
  for (auto [name, type] : predeclared) {
    ExchangeDefinition definition{.name = name, .type = type, .durable = true};
    insert(host, std::move(definition));
  }
  insert(host, ExchangeDefinition{
                   .name = "amq.rabbitmq.trace", .type = ExchangeType::topic, .durable = true, .internal = true});
}

io::Task<Result<void>> VirtualHosts::load() {
  CO_TRY_VOID(co_await parameters_.load());
  CO_TRY_VOID(co_await users_.load("/"));
  CO_TRY_VOID(co_await load_hosts());
  CO_TRY(auto exchanges, co_await meta_.range(std::string(exchange_rows)));
  for (const MetaRow& row : exchanges) {
    CO_TRY(auto definition, decode_exchange(row.value));
    if (VirtualHost* host = find(host_of(row.key, exchange_rows))) insert(*host, std::move(definition));
  }
  CO_TRY(auto queues, co_await meta_.range(std::string(queue_rows)));
  for (const MetaRow& row : queues) {
    CO_TRY(auto definition, decode_queue(row.value));
    VirtualHost* host = find(host_of(row.key, queue_rows));
    if (host) insert(*host, std::move(definition));
  }
  CO_TRY(auto bindings, co_await meta_.range(std::string(binding_rows)));
  std::vector<MetaWrite> stale;  // of what was deleted while it was bound
  for (const MetaRow& row : bindings) {
    CO_TRY(auto binding, decode_binding(row.value));
    VirtualHost* host = find(host_of(row.key, binding_rows));
    bool leads_somewhere = host && (binding.to_queue ? host->find_queue(binding.destination) != nullptr
                                                     : host->find_exchange(binding.destination) != nullptr);
    if (leads_somewhere && host->find_exchange(binding.source)) {
      host->add(std::move(binding));
    } else {
      stale.push_back({row.key, std::nullopt});
    }
  }
  if (!stale.empty()) {
    auto cleaning = meta_.commit({}, std::move(stale));
    CO_TRY_VOID(co_await cleaning);
  }
  co_return Result<void>();
}

std::set<StreamId> VirtualHosts::streams() const {
  std::set<StreamId> streams;
  for (const auto& [name, host] : hosts_)
    for (const auto& [queue_name, queue] : host->queues())
      for (const LevelIds& level : queue.definition.levels) streams.insert(level.stream);
  for (const auto& [name, host] : hosts_)
    for (const auto& [exchange_name, exchange] : host->exchanges())
      for (const LevelIds& level : exchange.definition.levels) streams.insert(level.stream);
  return streams;
}

io::Task<> VirtualHosts::show_queues() {
  co_await topics_.start();
  std::set<uint64_t> known;
  for (const auto& [name, host] : hosts_)
    for (const auto& [queue_name, queue] : host->queues()) known.insert(queue.definition.levels[0].stream.value);
  // Cursors of queues that went with the last run, over topics that stay.
  for (auto& core : core_.broker.cores) {
    auto sweep = [&known](Core& there) {
      std::vector<CursorId> unknown;
      for (const auto& [stream, log] : there.store.logs())
        for (const Log::Attached& one : log->cursors())
          if (auto queue = queue_of_cursor(one.id); queue && !known.contains(*queue)) unknown.push_back(one.id);
      for (CursorId id : unknown) there.store.forget_cursor(id);
      return true;
    };
    co_await on(core_, *core, sweep);
  }
}

/// Queues live on core 0 with their connections, whatever the number of cores: their streams are of a shard that core 0
/// always owns.
io::Task<Result<std::vector<LevelIds>>> VirtualHosts::new_levels(size_t count) {
  constexpr int64_t block = 64 * shard_count;
  while (spare_streams_.size() < count) {
    CO_TRY(int64_t first, co_await core_.broker.topics->stream_ids(block));
    for (int64_t id = first; id < first + block; ++id) {
      StreamId stream(static_cast<uint64_t>(id));
      if (shard_of(stream) == 0) spare_streams_.push_back(stream);
    }
  }
  std::vector<LevelIds> levels;
  for (size_t i = 0; i < count; ++i) {
    StreamId stream = spare_streams_.back();
    spare_streams_.pop_back();
    levels.push_back({stream, CursorId(stream.value)});
  }
  co_return levels;
}

DeclaredQueue& VirtualHosts::insert(VirtualHost& host, QueueDefinition definition) {
  derive(host, definition);
  auto queue = std::make_shared<Queue>(queues_, definition.name, definition.levels, definition.settings);
  queue->home = &host;
  queue->look_at_backlog();
  if (definition.owner != 0) exclusive_.emplace(definition.owner, host.name, definition.name);
  std::string name = definition.name;
  DeclaredQueue& added =
      host.queues_.insert_or_assign(name, DeclaredQueue{.definition = std::move(definition), .queue = std::move(queue)})
          .first->second;
  ++host.version_;
  if (added.definition.expires_ms) watch_expiry(host, added);
  topics_.put(host.name, added.definition);
  const QueueSettings& settings = added.definition.settings;
  if (settings.topic || settings.to_topic) added.queue->attach_topic(*core_.catalog());
  return added;
}

void VirtualHosts::watch_expiry(VirtualHost& host, DeclaredQueue& queue) {
  std::string name = queue.definition.name;
  // Not from within the timer, which goes with the queue.
  auto look = [this, &host, name] { core_.loop.post([this, &host, name] { expire(host, name); }); };
  queue.expiry = std::make_unique<io::Timer>(core_.loop, look);
  queue.expiry->arm(core_.loop.now() + *queue.definition.expires_ms);
}

void VirtualHosts::expire(VirtualHost& host, const std::string& name) {
  DeclaredQueue* there = host.find_queue(name);
  if (!there || !there->expiry) return;
  io::Millis due = there->queue->last_used_ms + *there->definition.expires_ms;
  if (there->queue->consumer_count() > 0) due = core_.loop.now() + *there->definition.expires_ms;
  if (due > core_.loop.now()) return there->expiry->arm(due);
  delete_queue_later(host, name).detach();
}

/// Where a topic of Kafka's has the name of a durable queue, the two would be different things under one name. A topic
/// that nothing was ever written to is no more than the question of a consumer who came first (Kafka's clients make
/// topics by asking for them), and goes. Else Code::exists.
io::Task<Result<void>> VirtualHosts::make_way(std::string topic) {
  TopicPtr there = core_.catalog()->find(topic);
  if (!there || there->queue) co_return Result<void>();
  bool used = !there->config.empty();
  for (size_t i = 0; i < there->partitions.size() && !used; ++i) {
    auto look = [&there, i](Core& owner) {
      Log* log = owner.find_log(*there, static_cast<int32_t>(i));
      return log && log->bounds().end > Offset(0);
    };
    used = co_await on(core_, core_.broker.owner(there->partitions[i]), look);
  }
  if (used) co_return fail(Code::exists, "there is a topic of this name");
  auto removing = core_.broker.topics->remove(std::move(topic));
  auto removed = co_await removing;
  if (!removed && removed.error().code != Code::not_found) co_return removed;
  co_return Result<void>();
}

io::Task<Result<void>> VirtualHosts::delete_named(QueueName name) {
  VirtualHost* host = find(name.vhost);
  if (!host || !host->find_queue(name.name)) co_return fail(Code::not_found, "no such queue");
  auto deleting = delete_queue(*host, name.name);
  auto deleted = co_await deleting;
  if (!deleted) co_return std::unexpected(deleted.error());
  co_return Result<void>();
}

io::Task<> VirtualHosts::delete_queue_later(VirtualHost& host, std::string name) {
  auto deleting = delete_queue(host, name);
  auto deleted = co_await deleting;
  if (!deleted)
    io::log(io::Level::warning, "a queue could not be deleted", {{"queue", name}, {"reason", deleted.error().reason}});
}

io::Task<> VirtualHosts::queue_arrived(const VirtualHost& host, std::string_view name) {
  return arriving_.ended(row_key(queue_rows, host, name));
}

io::Task<> VirtualHosts::exchange_arrived(const VirtualHost& host, std::string_view name) {
  return arriving_.ended(row_key(exchange_rows, host, name));
}

io::Task<Result<DeclaredQueue*>> VirtualHosts::declare_queue(VirtualHost& host, QueueDefinition wanted) {
  if (queues_.is_blocked()) co_return fail(Code::full, "no space left");
  if (wanted.settings.topic) {
    TopicPtr over = core_.catalog()->find(*wanted.settings.topic);
    if (!over) co_return fail(Code::not_found, "no such topic");
    if (over->log.trim_to_cursors) co_return fail(Code::invalid, "it is a queue");
  }
  if (wanted.settings.to_topic) {
    TopicPtr there = core_.catalog()->find(*wanted.settings.to_topic);
    if (!there) co_return fail(Code::not_found, "no such topic");
    if (there->queue) co_return fail(Code::invalid, "it is a queue or a stream: bind that");
  }
  auto topic = topic_name_of(host.name, wanted);
  if (topic && topic == wanted.settings.to_topic) co_return fail(Code::invalid, "it would be the queue itself");
  if (topic) {
    auto clearing = make_way(*topic);
    CO_TRY_VOID(co_await clearing);
  }
  auto making = new_levels(size_t{wanted.settings.max_priority} + 1);
  CO_TRY(wanted.levels, co_await making);
  std::string name = wanted.name;
  std::string key = row_key(queue_rows, host, name);
  do {
    co_await arriving_.ended(key);
    co_await host.leaving_queues_.ended(name);
  } while (arriving_.has(key));
  if (host.removed) co_return fail(Code::conflict, "the virtual host is deleted");
  if (DeclaredQueue* there = host.find_queue(name)) co_return there;  // somebody was faster
  bool durable = wanted.durable;
  std::string row = durable ? encode(wanted) : std::string();
  insert(host, std::move(wanted));
  if (durable) {
    std::vector<MetaCompare> compares;
    if (topic) compares.push_back({"topic/" + *topic, 0});
    std::vector<MetaWrite> writes{{key, row}};
    arriving_.begin(key);
    auto committing = meta_.commit(std::move(compares), std::move(writes));
    auto committed = co_await committing;
    DeclaredQueue* made = committed ? nullptr : host.find_queue(name);
    if (made) {
      forget(host, *made);
      host.queues_.erase(name);
    }
    arriving_.end(key);
    if (!committed) {
      if (committed.error().code == Code::conflict) co_return fail(Code::exists, "there is a topic of this name");
      co_return std::unexpected(committed.error());
    }
  }
  DeclaredQueue* there = host.find_queue(name);
  if (!there) there = host.leaving_queues_.find(name);  // somebody deletes it already
  if (!there) co_return fail(Code::conflict, "the queue was deleted while it was declared");
  co_return there;
}

/// Ends a queue, and takes what leads to it out of memory; the caller takes the queue out. Returns how many messages
/// were ready, and which exchanges lost a binding.
std::pair<int64_t, std::set<std::string>> VirtualHosts::forget(VirtualHost& host, DeclaredQueue& gone) {
  const std::string& name = gone.definition.name;
  std::set<std::string> sources;
  for (const Binding& binding : host.bindings_to(true, name)) {
    host.remove(binding);
    sources.insert(binding.source);
  }
  exclusive_.erase({gone.definition.owner, host.name, name});
  topics_.remove(host.name, gone.definition);
  gone.expiry.reset();
  ++host.version_;
  return {gone.queue->erase(), sources};
}

io::Task<Result<int64_t>> VirtualHosts::delete_queue(VirtualHost& host, std::string name) {
  DeclaredQueue* there = host.find_queue(name);
  if (!there) {
    co_await host.leaving_queues_.ended(std::move(name));
    co_return 0;
  }
  std::vector<MetaWrite> writes{{row_key(queue_rows, host, name), std::nullopt}};
  for (const Binding& binding : host.bindings_to(true, name))
    if (is_durable(host, binding)) writes.push_back({row_key(binding_rows, host, encode(binding)), std::nullopt});
  host.leaving_queues_.add(host.queues_, name);
  ++host.version_;
  if (there->definition.durable) {
    auto committing = meta_.commit({}, std::move(writes));
    auto committed = co_await committing;
    if (!committed) {
      if (there->definition.expires_ms) watch_expiry(host, *there);  // it is tried again
      ++host.version_;
      host.leaving_queues_.undo(host.queues_, name);
      co_return std::unexpected(committed.error());
    }
  }
  auto [ready, sources] = forget(host, *there);
  host.leaving_queues_.end(name);
  co_await delete_unbound(host, std::move(sources));
  co_return ready;
}

void VirtualHosts::open_delayed(VirtualHost& host, const std::string& name) {
  Exchange* exchange = host.find_exchange(name);
  if (exchange->definition.levels.empty()) return;
  exchange->delayed = std::make_shared<Queue>(queues_, name, exchange->definition.levels, QueueSettings());
  exchange->delayed->home = &host;
  exchange->delayed->watcher = make_watcher_(host, name, *exchange->delayed);
}

io::Task<Result<Exchange*>> VirtualHosts::declare_exchange(VirtualHost& host, ExchangeDefinition wanted) {
  if (wanted.durable && queues_.is_blocked()) co_return fail(Code::full, "no space left");
  std::string name = wanted.name;
  bool durable = wanted.durable;
  if (wanted.type == ExchangeType::delayed_message) {
    auto making = new_levels(1);
    CO_TRY(wanted.levels, co_await making);
  }
  std::string key = row_key(exchange_rows, host, name);
  do {
    co_await arriving_.ended(key);
    co_await host.leaving_exchanges_.ended(name);
  } while (arriving_.has(key));
  if (host.removed) co_return fail(Code::conflict, "the virtual host is deleted");
  if (Exchange* there = host.find_exchange(name)) co_return there;  // somebody was faster
  std::string row = durable ? encode(wanted) : std::string();
  insert(host, std::move(wanted));
  if (durable) {
    std::vector<MetaWrite> writes{{key, row}};
    arriving_.begin(key);
    auto committing = meta_.commit({}, std::move(writes));
    auto committed = co_await committing;
    if (!committed) {
      if (Exchange* made = host.find_exchange(name); made && made->delayed) made->delayed->erase();
      host.exchanges_.erase(name);
      ++host.version_;
    }
    arriving_.end(key);
    if (!committed) co_return std::unexpected(committed.error());
  }
  Exchange* there = host.find_exchange(name);
  if (!there) there = host.leaving_exchanges_.find(name);
  if (!there) co_return fail(Code::conflict, "the exchange was deleted while it was declared");
  co_return there;
}

io::Task<Result<void>> VirtualHosts::delete_exchange(VirtualHost& host, std::string name) {
  Exchange* there = host.find_exchange(name);
  if (!there) {
    co_await host.leaving_exchanges_.ended(std::move(name));
    co_return Result<void>();
  }
  std::vector<Binding> gone = host.bindings_to(false, name);
  std::set<std::string> sources;
  for (const Binding& binding : gone) sources.insert(binding.source);
  for (const Binding* binding : there->bindings) gone.push_back(*binding);
  std::vector<MetaWrite> writes{{row_key(exchange_rows, host, name), std::nullopt}};
  for (const Binding& binding : gone)
    if (is_durable(host, binding)) writes.push_back({row_key(binding_rows, host, encode(binding)), std::nullopt});
  host.leaving_exchanges_.add(host.exchanges_, name);
  ++host.version_;
  if (there->definition.durable) {
    auto committing = meta_.commit({}, std::move(writes));
    auto committed = co_await committing;
    if (!committed) {
      ++host.version_;
      host.leaving_exchanges_.undo(host.exchanges_, name);
      co_return std::unexpected(committed.error());
    }
  }
  there->matcher.reset();  // all that it has goes at once
  for (const Binding& binding : gone) host.remove(binding);
  if (there->delayed) there->delayed->erase();
  ++host.version_;
  host.leaving_exchanges_.end(name);
  sources.erase(name);
  co_await delete_unbound(host, std::move(sources));
  co_return Result<void>();
}

bool VirtualHosts::is_durable(const VirtualHost& host, const Binding& binding) const {
  auto source = host.exchanges_.find(binding.source);
  if (source == host.exchanges_.end() || !source->second.definition.durable) return false;
  if (binding.to_queue) {
    auto queue = host.queues_.find(binding.destination);
    return queue != host.queues_.end() && queue->second.definition.durable;
  }
  auto exchange = host.exchanges_.find(binding.destination);
  return exchange != host.exchanges_.end() && exchange->second.definition.durable;
}

io::Task<Result<void>> VirtualHosts::bind(VirtualHost& host, Binding binding) {
  std::string row = encode(binding), key = row_key(binding_rows, host, row);
  while (arriving_.has(key)) co_await arriving_.ended(key);
  Exchange* source = host.find_exchange(binding.source);
  if (!source || (binding.to_queue ? !host.find_queue(binding.destination) : !host.find_exchange(binding.destination)))
    co_return fail(Code::not_found, "what was to be bound is gone");
  if (host.removed) co_return fail(Code::conflict, "the virtual host is deleted");
  if (!host.add(binding)) co_return Result<void>();
  if (!is_durable(host, binding)) co_return Result<void>();
  std::vector<MetaWrite> writes{{key, row}};
  arriving_.begin(key);
  auto committing = meta_.commit({}, std::move(writes));
  auto committed = co_await committing;
  if (!committed) host.remove(binding);
  arriving_.end(key);
  if (committed) co_return Result<void>();
  co_return std::unexpected(committed.error());
}

io::Task<Result<void>> VirtualHosts::unbind(VirtualHost& host, Binding binding) {
  std::string key = row_key(binding_rows, host, encode(binding));
  while (host.is_leaving(binding) || arriving_.has(key)) {  // it goes with that
    co_await host.leaving_exchanges_.ended(binding.source);
    if (binding.to_queue) {
      co_await host.leaving_queues_.ended(binding.destination);
    } else {
      co_await host.leaving_exchanges_.ended(binding.destination);
    }
    co_await arriving_.ended(key);
  }
  if (!host.has(binding)) co_return Result<void>();
  if (is_durable(host, binding)) {
    std::vector<MetaWrite> writes{{key, std::nullopt}};
    arriving_.begin(key);  // who binds the same anew waits until this is gone
    auto committing = meta_.commit({}, std::move(writes));
    auto committed = co_await committing;
    if (committed) host.remove(binding);
    arriving_.end(key);
    if (!committed) co_return std::unexpected(committed.error());
  } else {
    host.remove(binding);
  }
  std::set<std::string> sources{binding.source};
  co_await delete_unbound(host, std::move(sources));
  co_return Result<void>();
}

/// The keys of all that the meta store has of what is declared in a virtual host.
std::vector<std::string> VirtualHosts::durable_rows(const VirtualHost& host) const {
  std::vector<std::string> keys;
  for (const auto& [name, queue] : host.queues_)
    if (queue.definition.durable) keys.push_back(row_key(queue_rows, host, name));
  for (const auto& [name, exchange] : host.exchanges_)
    if (exchange.definition.durable) keys.push_back(row_key(exchange_rows, host, name));
  for (const auto& [row, binding] : host.bindings_)
    if (is_durable(host, binding)) keys.push_back(row_key(binding_rows, host, row));
  return keys;
}

/// Auto-delete exchanges go with the last binding from them.
io::Task<> VirtualHosts::delete_unbound(VirtualHost& host, std::set<std::string> exchanges) {
  for (const std::string& name : exchanges) {
    Exchange* there = host.find_exchange(name);
    if (!there || !there->definition.auto_delete || !there->bindings.empty()) continue;
    auto deleting = delete_exchange(host, name);
    (void)co_await deleting;
  }
}

io::Task<> VirtualHosts::delete_exclusive(uint64_t owner) {
  std::vector<std::pair<std::string, std::string>> own;
  for (auto one = exclusive_.lower_bound({owner, "", ""}); one != exclusive_.end() && std::get<0>(*one) == owner; ++one)
    own.emplace_back(std::get<1>(*one), std::get<2>(*one));
  for (const auto& [vhost, name] : own) {
    VirtualHost* host = find(vhost);
    DeclaredQueue* queue = host ? host->find_queue(name) : nullptr;
    if (!queue || queue->definition.owner != owner) continue;  // deleted meanwhile
    auto deleting = delete_queue(*host, name);
    (void)co_await deleting;
  }
}

void VirtualHosts::consumer_left(VirtualHost& host, Queue& queue) {
  DeclaredQueue* there = host.find_queue(queue.name);
  if (!there || there->queue.get() != &queue || !there->definition.auto_delete || !there->had_consumer) return;
  if (queue.consumer_count() == 0) delete_queue_later(host, queue.name).detach();
}

std::string VirtualHosts::random_name() {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string name;
  for (int i = 0; i < 22; ++i) name += digits[core_.random.next() % 64];
  return name;
}

}  // namespace naru
