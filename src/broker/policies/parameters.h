#pragma once
// Settings that are stored as JSON under a name: policies and limits of virtual hosts, and whatever clients put there;
// RabbitMQ calls them runtime parameters. Lives on core 0; durable before a change is answered.
#include <functional>
#include <map>

#include "base/json.h"
#include "broker/meta_store.h"

namespace naru {

class Parameters {
 public:
  struct Key {
    std::string vhost, component, name;
    auto operator<=>(const Key&) const = default;
  };
  static constexpr const char *policy = "policy", *operator_policy = "operator_policy", *vhost_limits = "vhost-limits";

  explicit Parameters(MetaStore& meta) : meta_(meta) {}
  io::Task<Result<void>> load();

  const std::map<Key, Json>& all() const { return values_; }
  const std::map<std::string, Json>& globals() const { return globals_; }
  const Json* find(const Key& key) const;
  /// A limit of a virtual host: max-connections, max-queues. Nothing: none.
  std::optional<int64_t> vhost_limit(std::string_view vhost, std::string_view what) const;

  io::Task<Result<void>> set(Key key, Json value);
  /// Code::not_found
  io::Task<Result<void>> clear(Key key);
  io::Task<Result<void>> set_global(std::string name, Json value);
  /// Code::not_found
  io::Task<Result<void>> clear_global(std::string name);

  /// The rows of a virtual host, for the transaction that deletes it; then forget_vhost.
  std::vector<MetaWrite> rows_of_vhost(std::string_view vhost) const;
  void forget_vhost(std::string_view vhost);

  /// Told when what a virtual host has changed.
  std::function<void(const Key&)> on_change;

 private:
  MetaStore& meta_;
  std::map<Key, Json> values_;
  std::map<std::string, Json> globals_;
};

}  // namespace naru
