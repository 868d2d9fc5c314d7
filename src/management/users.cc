// /api/users, /api/whoami, /api/user-limits
#include "base/base64.h"
#include "management/view.h"

namespace naru::management {

Json view(const User& user) {
  Json tags = Json::array(), limits = Json::object(), out;
  for (const std::string& tag : user.tags) tags.push(tag);
  for (const auto& [what, limit] : user.limits) limits.set(what, limit);
  out.set("name", user.name)
      .set("password_hash", to_base64(user.password.bytes))
      .set("hashing_algorithm", name(user.password.algorithm))
      .set("tags", std::move(tags))
      .set("limits", std::move(limits));
  return out;
}

namespace {

/// A user's row has so many of each at most, and is read again whole.
constexpr size_t tags_max = 64, limits_max = 64;

/// "administrator, monitoring" or a list.
std::vector<std::string> parse_tags(const Json& given) {
  std::vector<std::string> tags;
  auto add = [&](std::string_view tag) {
    while (tag.starts_with(' ')) tag.remove_prefix(1);
    while (tag.ends_with(' ')) tag.remove_suffix(1);
    if (tag.empty() || tags.size() > tags_max) return;  // one too many says enough
    if (std::ranges::find(tags, tag) == tags.end()) tags.emplace_back(tag);
  };
  if (auto* items = given.items())
    for (const Json& item : *items) add(item.text().value_or(""));
  std::string_view text = given.text().value_or("");
  while (!text.empty()) {
    size_t comma = text.find(',');
    add(text.substr(0, comma));
    text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
  }
  return tags;
}

std::optional<std::string> too_much(const User& user) {
  if (user.tags.size() > tags_max) return "more than " + std::to_string(tags_max) + " tags";
  if (user.limits.size() > limits_max) return "more than " + std::to_string(limits_max) + " limits";
  for (const std::string& tag : user.tags)
    if (auto wrong = name_problem(tag)) return "tag: " + *wrong;
  for (const auto& [what, limit] : user.limits)
    if (auto wrong = name_problem(what)) return "limit: " + *wrong;
  return std::nullopt;
}

}  // namespace

std::expected<User, std::string> parse_user(std::string user_name, const Json& body, const User* before) {
  User user;
  if (before) user = *before;
  user.name = std::move(user_name);
  user.password = {};
  const Json *password = body.find("password"), *hash = body.find("password_hash"), *tags = body.find("tags");
  if (password && hash) return std::unexpected("both_password_and_password_hash_are_provided");
  if (!tags) return std::unexpected("key_missing: tags");
  if (password) {
    if (password->text().value_or("").empty()) return std::unexpected("Blank passwords are not allowed");
    user.password = hash_password(*password->text());
  } else if (hash) {
    auto bytes = from_base64(hash->text().value_or("?"));
    if (!bytes) return std::unexpected("password_hash is no base64");
    user.password.bytes = std::move(*bytes);
    std::string algorithm = text_in(body, "hashing_algorithm");
    if (!algorithm.empty()) {
      auto known = hash_algorithm(algorithm);
      if (!known) return std::unexpected("unknown hashing_algorithm " + algorithm);
      user.password.algorithm = *known;
    }
  }
  user.tags = parse_tags(*tags);
  if (const Json* limits = body.find("limits"); limits && limits->members()) {
    user.limits.clear();
    for (const auto& [what, limit] : *limits->members())
      if (limit.integer()) user.limits[what] = *limit.integer();
  }
  if (auto wrong = too_much(user)) return std::unexpected(*wrong);
  return user;
}

namespace {

io::Task<Reply> whoami(Call& call) {
  Json tags = Json::array(), out;
  for (const std::string& tag : call.user.tags) tags.push(tag);
  out.set("name", call.user.name).set("tags", std::move(tags)).set("is_internal_user", true);
  co_return Reply{200, std::move(out)};
}

io::Task<Reply> list(Call& call) {
  Json all = Json::array();
  for (const auto& [name, user] : call.site.users.all()) all.push(view(user));
  co_return Reply{200, std::move(all)};
}

io::Task<Reply> without_permissions(Call& call) {
  std::set<std::string> with;
  for (const Permission& one : call.site.users.permissions()) with.insert(one.user);
  Json all = Json::array();
  for (const auto& [name, user] : call.site.users.all())
    if (!with.contains(name)) all.push(view(user));
  co_return Reply{200, std::move(all)};
}

io::Task<Reply> get(Call& call) {
  const User* user = call.site.users.find(call.name());
  co_return user ? Reply{200, view(*user)} : not_found();
}

io::Task<Reply> put(Call& call) {
  const User* before = call.site.users.find(call.name());
  if (call.name().empty()) co_return bad_request("a user needs a name");
  auto user = parse_user(call.name(), call.body, before);
  if (!user) co_return bad_request(user.error());
  bool is_new = !before;
  auto storing = call.site.users.put(std::move(*user));
  auto stored = co_await storing;
  co_return !stored ? failed(stored.error()) : is_new ? created() : no_content();
}

io::Task<Reply> remove(Call& call) {
  auto removing = call.site.users.remove(call.name());
  auto removed = co_await removing;
  co_return removed ? no_content() : failed(removed.error());
}

io::Task<Reply> bulk_delete(Call& call) {
  const Json* names = call.body.find("users");
  if (!names || !names->items()) co_return bad_request("users: a list of names");
  for (const Json& name : *names->items())
    if (!call.site.users.find(name.text().value_or(""))) co_return bad_request("no_such_user: " + to_text(name));
  for (const Json& name : *names->items()) {
    auto removing = call.site.users.remove(std::string(name.text().value_or("")));
    auto removed = co_await removing;
    if (!removed && removed.error().code != Code::not_found) co_return failed(removed.error());
  }
  co_return no_content();
}

Json limits_view(const User& user) {
  Json value = Json::object(), out;
  for (const auto& [what, limit] : user.limits) value.set(what, limit);
  out.set("user", user.name).set("value", std::move(value));
  return out;
}

io::Task<Reply> list_limits(Call& call) {
  Json all = Json::array();
  for (const auto& [name, user] : call.site.users.all())
    if (!user.limits.empty() && (call.names.empty() || call.name() == name)) all.push(limits_view(user));
  co_return Reply{200, std::move(all)};
}

/// /user-limits/USER/max-connections
io::Task<Reply> change_limit(Call& call) {
  const User* there = call.site.users.find(call.names[0]);
  const std::string& what = call.names[1];
  if (!there) co_return not_found();
  if (what != "max-connections" && what != "max-channels") co_return bad_request("Unrecognised limits: " + what);
  User user = *there;
  if (call.method == "DELETE") {
    user.limits.erase(what);
  } else {
    auto value = number_in(call.body, "value");
    const Json* given = call.body.find("value");
    if (!value && given) value = given->integer();
    if (!value) co_return bad_request("value: a number");
    user.limits[what] = *value;
  }
  auto storing = call.site.users.put(std::move(user));
  auto stored = co_await storing;
  co_return stored ? no_content() : failed(stored.error());
}

/// What a user signs requests of SQS with: PUT {"secret":"..."}, or DELETE. It is never shown.
io::Task<Reply> change_secret(Call& call) {
  const User* there = call.site.users.find(call.names[0]);
  if (!there) co_return not_found();
  User user = *there;
  user.access_secret.clear();
  if (call.method == "PUT") {
    user.access_secret = text_in(call.body, "secret");
    if (user.access_secret.empty()) co_return bad_request("secret: a text");
  }
  auto storing = call.site.users.put(std::move(user));
  auto stored = co_await storing;
  co_return stored ? no_content() : failed(stored.error());
}

constexpr Route routes[] = {
    {"GET", "/whoami", Needs::management, whoami},
    {"GET", "/users", Needs::administrator, list},
    {"GET", "/users/without-permissions", Needs::administrator, without_permissions},
    {"POST", "/users/bulk-delete", Needs::administrator, bulk_delete},
    {"GET", "/users/{}", Needs::administrator, get},
    {"PUT", "/users/{}", Needs::administrator, put},
    {"DELETE", "/users/{}", Needs::administrator, remove},
    {"PUT", "/users/{}/access-secret", Needs::administrator, change_secret},
    {"DELETE", "/users/{}/access-secret", Needs::administrator, change_secret},
    {"GET", "/user-limits", Needs::administrator, list_limits},
    {"GET", "/user-limits/{}", Needs::administrator, list_limits},
    {"PUT", "/user-limits/{}/{}", Needs::administrator, change_limit},
    {"DELETE", "/user-limits/{}/{}", Needs::administrator, change_limit},
};

}  // namespace

std::span<const Route> user_routes() { return routes; }

}  // namespace naru::management
