#pragma once
// Policies: what queues and exchanges get that match a pattern, on top of what they were declared with. Of those that
// match, the one of the highest priority counts, and beside it one operator policy, which can only limit further.
#include <set>

#include "broker/policies/parameters.h"
#include "broker/users/pattern.h"

namespace naru {

struct Policy {
  std::string name, apply_to;  // all, exchanges, queues, classic_queues, quorum_queues, streams
  Pattern pattern;
  int64_t priority = 0;
  Json definition;  // "max-length": 10
};

/// Makes a policy of a parameter's value: pattern, apply-to, priority, definition. Else what is wrong with it, in
/// RabbitMQ's words.
std::expected<Policy, std::string> make_policy(std::string_view name, const Json& value, bool is_operator);

/// What in a definition has the right type and can still not be applied: an age that is none, a time beyond ten years.
/// Asked when a policy is set; one that was stored before this was asked goes without the setting.
std::optional<std::string> unusable_value(const Json& definition);

enum class PolicyTarget : uint8_t { exchange, classic_queue, quorum_queue, stream };

class Policies {
 public:
  explicit Policies(const Parameters& parameters) : parameters_(parameters) {}

  struct Match {
    const Policy *policy = nullptr, *operator_policy = nullptr;
    /// Of both: the smaller of what both limit.
    Json definition() const;
  };
  /// Valid until a policy of the virtual host changes.
  Match match(std::string_view vhost, PolicyTarget target, std::string_view name);
  /// A parameter of the virtual host has changed.
  void changed(std::string_view vhost);

 private:
  struct Host {
    std::vector<Policy> policies, operator_policies;
  };
  Host& host(std::string_view vhost);
  const Parameters& parameters_;
  std::map<std::string, Host, std::less<>> hosts_;  // made when they are asked for
};

/// Whether of two values for this key the smaller one counts; else the more specific one.
bool takes_smaller(std::string_view key);

}  // namespace naru
