#pragma once
// One virtual host: exchanges, queues and bindings by name, in memory, and the way of a message through them. Lives on
// core 0; changes come from VirtualHosts, which makes them durable.
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

#include "base/json.h"
#include "broker/routing/bindings.h"
#include "broker/vhost/definitions.h"
#include "broker/vhost/leaving.h"

namespace naru {

struct Exchange {
  ExchangeDefinition definition;
  std::unique_ptr<Bindings> matcher;    // null when the exchange is as good as gone
  std::set<const Binding*> bindings{};  // from here; owned by the virtual host
  std::shared_ptr<Queue> delayed{};     // where messages wait for their time, if it is an exchange that delays
  std::optional<std::string> policy_alternate{};
  mutable uint64_t reached_by = 0;  // the last routing that came here
  /// Where a message goes that leads nowhere: what was declared, else what a policy says.
  std::optional<std::string_view> alternate() const;
};

struct DeclaredQueue {
  QueueDefinition definition;
  std::shared_ptr<Queue> queue;
  bool had_consumer = false;            // an auto-delete queue goes with the last one, not before the first
  std::unique_ptr<io::Timer> expiry{};  // where it goes when nobody uses it
  mutable uint64_t reached_by = 0;      // the last routing that came here
};

class VirtualHost {
 public:
  explicit VirtualHost(std::string its_name) : name(std::move(its_name)) {}
  const std::string name;
  Json metadata = Json::object();  // description, tags, default_queue_type
  /// Deleted, or about to be: nothing is declared here any more.
  bool removed = false;

  /// Queues that may be of this type, and do not say which, are: x-queue-type. Empty: classic ones.
  std::string_view default_queue_type() const { return metadata.text_of("default_queue_type"); }

  DeclaredQueue* find_queue(std::string_view queue_name);
  Exchange* find_exchange(std::string_view exchange_name);
  const std::map<std::string, DeclaredQueue, std::less<>>& queues() const { return queues_; }
  const std::map<std::string, Exchange, std::less<>>& exchanges() const { return exchanges_; }

  /// Rises with every change that may lead a message elsewhere: what was routed before may be used until then.
  uint64_t version() const { return version_; }
  const std::unordered_map<std::string, Binding>& bindings() const { return bindings_; }
  bool has(const Binding& binding) const { return bindings_.contains(encode(binding)); }

  /// Whether the routing key alone says where a message goes from there: no headers, no chance.
  bool routes_by_key(const Exchange& exchange) const;
  /// Adds to `queues` each queue that this message reaches, once, through however many exchanges. Where an exchange
  /// leads nowhere, its alternate is taken.
  void route(const Exchange& from, const RoutedMessage& message, std::vector<std::shared_ptr<Queue>>& queues);
  /// Exchanges and bindings that messages came by so far: what routing has cost.
  uint64_t passed() const { return passed_; }

 private:
  friend class VirtualHosts;
  /// A queue or an exchange that bindings lead to.
  struct Target {
    bool is_queue;
    std::string name;
    std::set<const Binding*> bindings;
  };
  void add(ExchangeDefinition definition);
  /// False if it is there already.
  bool add(Binding binding);
  void remove(const Binding& binding);
  std::vector<Binding> bindings_to(bool is_queue, const std::string& target) const;
  /// One of its ends is being deleted.
  bool is_leaving(const Binding& binding);

  std::map<std::string, DeclaredQueue, std::less<>> queues_;
  std::map<std::string, Exchange, std::less<>> exchanges_;
  Leaving<DeclaredQueue> leaving_queues_;
  Leaving<Exchange> leaving_exchanges_;
  std::unordered_map<std::string, Binding> bindings_;  // by their rows
  std::unordered_map<uint64_t, Target> targets_;
  std::map<std::pair<bool, std::string>, uint64_t> target_ids_;
  uint64_t version_ = 1, last_target_ = 0;
  uint64_t routings_ = 0, passed_ = 0;
  std::vector<Destination> matched_;  // reused
};

}  // namespace naru
