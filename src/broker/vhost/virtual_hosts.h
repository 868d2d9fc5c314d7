#pragma once
// All virtual hosts, and every change of what is declared in them. Lives on core 0. What is durable is in the meta
// store before a change is answered; what is not dies with the process, and its logs are dropped at the next start.
#include <functional>
#include <set>
#include <tuple>
#include <unordered_map>

#include "broker/core.h"
#include "broker/meta_store.h"
#include "broker/policies/policies.h"
#include "broker/queue/queue_host.h"
#include "broker/users/users.h"
#include "broker/vhost/names_in_transit.h"
#include "broker/vhost/queue_topics.h"
#include "broker/vhost/virtual_host.h"

namespace naru {

class VirtualHosts {
 public:
  /// Fills settings and expiry of a queue from its arguments, which were checked when it was declared, and from what
  /// policies say: "max-length": 10.
  using Derive = std::function<void(QueueDefinition&, std::string_view vhost, FieldTableView policy)>;

  /// Makes what wakes the messages that wait at an exchange; `queue` holds them, those from before too.
  using MakeWatcher =
      std::function<std::unique_ptr<QueueWatcher>(VirtualHost& host, const std::string& exchange, Queue& queue)>;

  VirtualHosts(Core& core, QueueHost& queues, MetaStore& meta, Users& users, Parameters& parameters, Derive derive);

  /// Call before load.
  void delay_with(MakeWatcher make) { make_watcher_ = std::move(make); }
  /// Reads what is declared from the meta store after a start, users and parameters too. A data folder that never had
  /// one gets the virtual host "/".
  io::Task<Result<void>> load();
  /// The streams that queues live in.
  std::set<StreamId> streams() const;
  /// From now on Kafka's clients see the queues. After the catalog was read.
  io::Task<> show_queues();

  VirtualHost* find(std::string_view name);
  const std::map<std::string, std::unique_ptr<VirtualHost>, std::less<>>& all() const { return hosts_; }
  Policies& policies() { return policies_; }
  /// The policies of a queue or an exchange.
  Policies::Match match(const VirtualHost& host, const QueueDefinition& queue);
  Policies::Match match(const VirtualHost& host, const ExchangeDefinition& exchange);

  /// What derives a queue's settings says something else now.
  void derive_again(VirtualHost& host, std::string_view queue);

  /// Makes a virtual host, or changes the metadata of one.
  io::Task<Result<void>> put(std::string name, Json metadata);
  /// With all that is in it, its permissions and its policies. Code::not_found. Tells on_removed first.
  io::Task<Result<void>> remove(std::string name);
  std::function<void(VirtualHost&)> on_removed;

  // Each of these is durable when it returns, if the thing is. Code::full; what the meta store says. Equivalence and
  // permissions are the caller's; that names exist was checked by it too, and is checked again. What is being deleted
  // is not there for anybody; to declare it anew, or to delete it again, takes until that is durable.
  io::Task<Result<DeclaredQueue*>> declare_queue(VirtualHost& host, QueueDefinition wanted);
  /// Returns how many messages were ready; 0 if there is no such queue.
  io::Task<Result<int64_t>> delete_queue(VirtualHost& host, std::string name);
  /// Resumes when no queue of this name is being deleted.
  io::Task<> queue_left(VirtualHost& host, std::string name) { return host.leaving_queues_.ended(std::move(name)); }
  /// Resume when a queue or an exchange of this name that is there stays there, whatever happens: who declares it again
  /// is answered then.
  io::Task<> queue_arrived(const VirtualHost& host, std::string_view name);
  io::Task<> exchange_arrived(const VirtualHost& host, std::string_view name);
  io::Task<Result<Exchange*>> declare_exchange(VirtualHost& host, ExchangeDefinition wanted);
  io::Task<Result<void>> delete_exchange(VirtualHost& host, std::string name);
  /// Fine if it is there already.
  io::Task<Result<void>> bind(VirtualHost& host, Binding binding);
  /// Fine if it is not there.
  io::Task<Result<void>> unbind(VirtualHost& host, Binding binding);
  /// The connection has ended, and its queues with it.
  io::Task<> delete_exclusive(uint64_t owner);
  /// A queue has lost a consumer, which may have been what kept it.
  void consumer_left(VirtualHost& host, Queue& queue);

  /// 22 characters that nobody had before: for names that the broker gives.
  std::string random_name();

 private:
  io::Task<Result<void>> put_with(std::string name, Json metadata, std::vector<MetaWrite> writes);
  io::Task<Result<std::vector<LevelIds>>> new_levels(size_t count);
  io::Task<Result<void>> make_way(std::string topic);
  io::Task<Result<void>> delete_named(QueueName name);
  io::Task<> delete_queue_later(VirtualHost& host, std::string name);
  std::pair<int64_t, std::set<std::string>> forget(VirtualHost& host, DeclaredQueue& gone);
  DeclaredQueue& insert(VirtualHost& host, QueueDefinition definition);
  void insert(VirtualHost& host, ExchangeDefinition definition);
  void derive(const VirtualHost& host, QueueDefinition& definition);
  void derive(const VirtualHost& host, Exchange& exchange);
  void renew(std::string_view vhost);
  std::vector<std::string> durable_rows(const VirtualHost& host) const;
  io::Task<Result<void>> load_hosts();
  void watch_expiry(VirtualHost& host, DeclaredQueue& queue);
  void expire(VirtualHost& host, const std::string& name);
  bool is_durable(const VirtualHost& host, const Binding& binding) const;
  io::Task<> delete_unbound(VirtualHost& host, std::set<std::string> exchanges);
  void predeclare(VirtualHost& host);
  void open_delayed(VirtualHost& host, const std::string& exchange);

  Core& core_;
  QueueHost& queues_;
  MetaStore& meta_;
  Users& users_;
  Parameters& parameters_;
  Policies policies_;
  Derive derive_;
  QueueTopics topics_;
  MakeWatcher make_watcher_;
  std::map<std::string, std::unique_ptr<VirtualHost>, std::less<>> hosts_;
  /// Deleted ones, empty: who was at work on one may still look at it.
  std::vector<std::unique_ptr<VirtualHost>> removed_;
  NamesInTransit arriving_;
  std::vector<StreamId> spare_streams_;
  /// Queues that go with their connection, by that: virtual host and name.
  std::set<std::tuple<uint64_t, std::string, std::string>> exclusive_;
};

}  // namespace naru
