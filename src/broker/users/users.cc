#include "broker/users/users.h"

#include <algorithm>

#include "broker/users/user_rows.h"

namespace naru {
namespace {

std::expected<Pattern, std::string> compile_pattern(std::string_view text) {
  auto pattern = Pattern::compile(text.empty() ? "^$" : text);
  if (!pattern) return std::unexpected("'" + std::string(text) + "': " + pattern.error());
  return pattern;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size()) text.replace(at, what.size(), with);
}

}  // namespace

bool User::has_tag(std::string_view tag) const { return std::ranges::find(tags, tag) != tags.end(); }

std::optional<int64_t> User::limit(std::string_view what) const {
  auto found = limits.find(std::string(what));
  if (found == limits.end() || found->second < 0) return std::nullopt;
  return found->second;
}

std::expected<Users::Allowed, std::string> Users::compile(const Permission& permission) {
  auto configure = compile_pattern(permission.patterns[0]), write = compile_pattern(permission.patterns[1]),
       read = compile_pattern(permission.patterns[2]);
  for (auto* one : {&configure, &write, &read})
    if (!*one) return std::unexpected(one->error());
  return Allowed{{std::move(*configure), std::move(*write), std::move(*read)}};
}

std::expected<Users::AllowedTopic, std::string> Users::compile(const TopicPermission& permission) {
  auto expanded = [&](std::string pattern) {
    replace_all(pattern, "{username}", escape_pattern(permission.user));
    replace_all(pattern, "{vhost}", escape_pattern(permission.vhost));
    return compile_pattern(pattern);
  };
  auto write = expanded(permission.write), read = expanded(permission.read);
  for (auto* one : {&write, &read})
    if (!*one) return std::unexpected(one->error());
  return AllowedTopic{permission.write, permission.read, std::move(*write), std::move(*read)};
}

std::optional<std::string> problem(const Permission& permission) {
  for (const std::string& pattern : permission.patterns)
    if (auto compiled = compile_pattern(pattern); !compiled) return compiled.error();
  return std::nullopt;
}

std::optional<std::string> problem(const TopicPermission& permission) {
  for (const std::string* pattern : {&permission.write, &permission.read})
    if (auto compiled = compile_pattern(*pattern); !compiled) return compiled.error();
  return std::nullopt;
}

io::Task<Result<void>> Users::load(std::string vhost) {
  CO_TRY(auto users, co_await meta_.range(std::string(user_rows)));
  for (const MetaRow& row : users) {
    CO_TRY(auto user, decode_user(row.value));
    std::string name = user.name;
    users_.insert_or_assign(name, std::move(user));
  }
  CO_TRY(auto permissions, co_await meta_.range(std::string(permission_rows)));
  for (const MetaRow& row : permissions) {
    CO_TRY(auto permission, decode_permission(row.value));
    if (auto allowed = compile(permission))
      permissions_.insert_or_assign(Place(permission.user, permission.vhost), std::move(*allowed));
  }
  CO_TRY(auto topics, co_await meta_.range(std::string(topic_rows)));
  for (const MetaRow& row : topics) {
    CO_TRY(auto permission, decode_topic_permission(row.value));
    if (auto allowed = compile(permission))
      topics_[Place(permission.user, permission.vhost)].insert_or_assign(permission.exchange, std::move(*allowed));
  }
  CO_TRY(auto made, co_await meta_.range(std::string(users_made_row)));
  if (made.empty()) CO_TRY_VOID(co_await make_guest(std::move(vhost)));
  co_return Result<void>();
}

/// The user that everybody expects, who gets in from this machine only.
io::Task<Result<void>> Users::make_guest(std::string vhost) {
  User guest{.name = "guest", .password = hash_password("guest"), .tags = {"administrator"}, .limits = {}};
  Permission all{.user = guest.name, .vhost = std::move(vhost), .patterns = {".*", ".*", ".*"}};
  std::vector<MetaWrite> writes;
  writes.push_back({row_key(guest), encode(guest)});
  writes.push_back({row_key(all), encode(all)});
  writes.push_back({std::string(users_made_row), ""});
  auto committing = meta_.commit({}, std::move(writes));
  CO_TRY_VOID(co_await committing);
  if (auto allowed = compile(all)) permissions_.insert_or_assign(Place(all.user, all.vhost), std::move(*allowed));
  users_.insert_or_assign("guest", std::move(guest));
  ++version_;
  co_return Result<void>();
}

const User* Users::find(std::string_view name) const {
  auto found = users_.find(name);
  return found == users_.end() ? nullptr : &found->second;
}

const User* Users::login(std::string_view name, std::string_view password) const {
  const User* user = find(name);
  return user && is_password(user->password, password) ? user : nullptr;
}

std::vector<Permission> Users::permissions() const {
  std::vector<Permission> all;
  for (const auto& [place, allowed] : permissions_) {
    Permission& one = all.emplace_back(Permission{place.first, place.second, {}});
    for (size_t i = 0; i < 3; ++i) one.patterns[i] = allowed.patterns[i].text();
    for (std::string& pattern : one.patterns)
      if (pattern == "^$") pattern.clear();
  }
  return all;
}

std::vector<TopicPermission> Users::topic_permissions() const {
  std::vector<TopicPermission> all;
  for (const auto& [place, exchanges] : topics_)
    for (const auto& [exchange, allowed] : exchanges)
      all.push_back({place.first, place.second, exchange, allowed.write, allowed.read});
  return all;
}

bool Users::may_enter(std::string_view user, std::string_view vhost) const {
  return permissions_.contains(Place(user, vhost));
}

bool Users::may(std::string_view user, std::string_view vhost, Operation operation, std::string_view name) const {
  auto found = permissions_.find(Place(user, vhost));
  return found != permissions_.end() && found->second.patterns[static_cast<size_t>(operation)].matches(name);
}

const std::map<std::string, Users::AllowedTopic, std::less<>>* Users::topics(std::string_view user,
                                                                             std::string_view vhost) const {
  if (topics_.empty()) return nullptr;
  auto found = topics_.find(Place(user, vhost));
  return found == topics_.end() ? nullptr : &found->second;
}

bool Users::has_topic_permission(std::string_view user, std::string_view vhost, std::string_view exchange) const {
  auto* exchanges = topics(user, vhost);
  return exchanges && exchanges->contains(exchange);
}

bool Users::may_topic(std::string_view user, std::string_view vhost, std::string_view exchange, Operation operation,
                      std::string_view key) const {
  auto* exchanges = topics(user, vhost);
  if (!exchanges) return true;
  auto found = exchanges->find(exchange);
  if (found == exchanges->end()) return true;
  return (operation == Operation::write ? found->second.write_pattern : found->second.read_pattern).matches(key);
}

io::Task<Result<void>> Users::put(User user) {
  std::vector<MetaWrite> writes;
  writes.push_back({row_key(user), encode(user)});
  auto committing = meta_.commit({}, std::move(writes));
  CO_TRY_VOID(co_await committing);
  std::string name = user.name;
  users_.insert_or_assign(name, std::move(user));
  ++version_;
  co_return Result<void>();
}

io::Task<Result<void>> Users::remove(std::string name) {
  if (!find(name)) co_return fail(Code::not_found, "no such user");
  std::vector<MetaWrite> writes;
  writes.push_back({row_key(User{.name = name}), std::nullopt});
  for (const Permission& one : permissions())
    if (one.user == name) writes.push_back({row_key(one), std::nullopt});
  for (const TopicPermission& one : topic_permissions())
    if (one.user == name) writes.push_back({row_key(one), std::nullopt});
  auto committing = meta_.commit({}, std::move(writes));
  CO_TRY_VOID(co_await committing);
  users_.erase(name);
  std::erase_if(permissions_, [&](const auto& one) { return one.first.first == name; });
  std::erase_if(topics_, [&](const auto& one) { return one.first.first == name; });
  ++version_;
  if (on_removed) on_removed(name);
  co_return Result<void>();
}

io::Task<Result<void>> Users::allow(Permission permission) {
  if (!find(permission.user)) co_return fail(Code::not_found, "no such user");
  auto allowed = compile(permission);
  if (!allowed) co_return fail(Code::invalid, "not a regular expression");
  std::vector<MetaWrite> writes;
  writes.push_back({row_key(permission), encode(permission)});
  auto committing = meta_.commit({}, std::move(writes));
  CO_TRY_VOID(co_await committing);
  permissions_.insert_or_assign(Place(permission.user, permission.vhost), std::move(*allowed));
  ++version_;
  co_return Result<void>();
}

io::Task<Result<void>> Users::forbid(std::string user, std::string vhost) {
  Permission gone{.user = std::move(user), .vhost = std::move(vhost), .patterns = {}};
  std::vector<MetaWrite> writes;
  writes.push_back({row_key(gone), std::nullopt});
  auto committing = meta_.commit({}, std::move(writes));
  CO_TRY_VOID(co_await committing);
  permissions_.erase(Place(gone.user, gone.vhost));
  ++version_;
  co_return Result<void>();
}

io::Task<Result<void>> Users::allow_topic(TopicPermission permission) {
  if (!find(permission.user)) co_return fail(Code::not_found, "no such user");
  auto allowed = compile(permission);
  if (!allowed) co_return fail(Code::invalid, "not a regular expression");
  std::vector<MetaWrite> writes;
  writes.push_back({row_key(permission), encode(permission)});
  auto committing = meta_.commit({}, std::move(writes));
  CO_TRY_VOID(co_await committing);
  topics_[Place(permission.user, permission.vhost)].insert_or_assign(permission.exchange, std::move(*allowed));
  ++version_;
  co_return Result<void>();
}

io::Task<Result<void>> Users::clear_topic(std::string user, std::string vhost, std::optional<std::string> exchange) {
  auto is_meant = [&](const TopicPermission& one) {
    return one.user == user && one.vhost == vhost && (!exchange || one.exchange == *exchange);
  };
  std::vector<MetaWrite> writes;
  for (const TopicPermission& one : topic_permissions())
    if (is_meant(one)) writes.push_back({row_key(one), std::nullopt});
  if (writes.empty()) co_return Result<void>();
  auto committing = meta_.commit({}, std::move(writes));
  CO_TRY_VOID(co_await committing);
  auto found = topics_.find(Place(user, vhost));
  if (found != topics_.end()) {
    std::erase_if(found->second, [&](const auto& one) { return !exchange || one.first == *exchange; });
    if (found->second.empty()) topics_.erase(found);
  }
  ++version_;
  co_return Result<void>();
}

std::vector<MetaWrite> Users::rows_of_vhost(std::string_view vhost) const {
  std::vector<MetaWrite> writes;
  for (const Permission& one : permissions())
    if (one.vhost == vhost) writes.push_back({row_key(one), std::nullopt});
  for (const TopicPermission& one : topic_permissions())
    if (one.vhost == vhost) writes.push_back({row_key(one), std::nullopt});
  return writes;
}

void Users::forget_vhost(std::string_view vhost) {
  std::erase_if(permissions_, [&](const auto& one) { return one.first.second == vhost; });
  std::erase_if(topics_, [&](const auto& one) { return one.first.second == vhost; });
  ++version_;
}

}  // namespace naru
