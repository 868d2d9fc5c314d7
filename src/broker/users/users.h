#pragma once
// Users, and what they may do in which virtual host. Lives on core 0; what is changed is in the meta store before it is
// answered. Whoever remembers an answer remembers version() with it.
#include <array>
#include <functional>
#include <map>
#include <vector>

#include "broker/meta_store.h"
#include "broker/users/password.h"
#include "broker/users/pattern.h"

namespace naru {

struct User {
  std::string name;
  PasswordHash password{};
  std::vector<std::string> tags{};  // administrator, monitoring, policymaker, management, impersonator, or one's own
  std::map<std::string, int64_t> limits{};  // max-connections, max-channels; negative: none
  /// What requests are signed with (AWS Signature Version 4), the name being the access key. In plain text, as a
  /// signature cannot be checked by a digest. Empty: this user cannot sign.
  std::string access_secret{};

  bool has_tag(std::string_view tag) const;
  /// Nothing: as many as they like.
  std::optional<int64_t> limit(std::string_view what) const;
};

enum class Operation : uint8_t { configure = 0, write = 1, read = 2 };

/// What a user may do in a virtual host: patterns of the names of queues and exchanges. The default exchange's name
/// here is amq.default. An empty pattern matches no name.
struct Permission {
  std::string user, vhost;
  std::array<std::string, 3> patterns;  // by Operation
};
/// What a user may publish to a topic exchange, and bind from it: patterns of routing keys, in which {username} and
/// {vhost} stand for these. Where there is none, all is allowed.
struct TopicPermission {
  std::string user, vhost, exchange, write, read;
};

class Users {
 public:
  explicit Users(MetaStore& meta) : meta_(meta) {}
  /// Reads all after a start. On a data folder that never had users: guest, who may do everything in `vhost`.
  io::Task<Result<void>> load(std::string vhost);

  /// Rises with every change.
  uint64_t version() const { return version_; }
  const User* find(std::string_view name) const;
  const std::map<std::string, User, std::less<>>& all() const { return users_; }
  /// The user of that name, if the password is theirs.
  const User* login(std::string_view name, std::string_view password) const;

  std::vector<Permission> permissions() const;
  std::vector<TopicPermission> topic_permissions() const;
  /// Whether a user may be in a virtual host at all.
  bool may_enter(std::string_view user, std::string_view vhost) const;
  bool may(std::string_view user, std::string_view vhost, Operation operation, std::string_view name) const;
  bool may_topic(std::string_view user, std::string_view vhost, std::string_view exchange, Operation operation,
                 std::string_view key) const;
  /// Whether may_topic could say no for any key.
  bool has_topic_permission(std::string_view user, std::string_view vhost, std::string_view exchange) const;

  // Each is durable when it returns. Code::not_found: no such user; Code::invalid: a pattern that is none.
  io::Task<Result<void>> put(User user);
  /// With all permissions. Tells on_removed.
  io::Task<Result<void>> remove(std::string name);
  io::Task<Result<void>> allow(Permission permission);
  io::Task<Result<void>> forbid(std::string user, std::string vhost);
  io::Task<Result<void>> allow_topic(TopicPermission permission);
  /// Of one exchange, or of all if it is not said.
  io::Task<Result<void>> clear_topic(std::string user, std::string vhost, std::optional<std::string> exchange);

  /// The rows of a virtual host's permissions, for the transaction that deletes it; then forget_vhost.
  std::vector<MetaWrite> rows_of_vhost(std::string_view vhost) const;
  void forget_vhost(std::string_view vhost);

  std::function<void(const std::string& user)> on_removed;

 private:
  using Place = std::pair<std::string, std::string>;  // user, virtual host
  struct Allowed {
    std::array<Pattern, 3> patterns;  // by Operation
  };
  struct AllowedTopic {
    std::string write, read;
    Pattern write_pattern, read_pattern;
  };
  static std::expected<Allowed, std::string> compile(const Permission& permission);
  static std::expected<AllowedTopic, std::string> compile(const TopicPermission& permission);
  const std::map<std::string, AllowedTopic, std::less<>>* topics(std::string_view user, std::string_view vhost) const;
  io::Task<Result<void>> make_guest(std::string vhost);

  MetaStore& meta_;
  uint64_t version_ = 1;
  std::map<std::string, User, std::less<>> users_;
  std::map<Place, Allowed> permissions_;
  std::map<Place, std::map<std::string, AllowedTopic, std::less<>>> topics_;
};

/// What is wrong with the patterns, in a few words; nothing if they are fine.
std::optional<std::string> problem(const Permission& permission);
std::optional<std::string> problem(const TopicPermission& permission);

}  // namespace naru
