// Users and permissions.
#include <cstdio>

#include "ctl/command.h"
#include "http/parser.h"

namespace naru::ctl {
namespace {

using http::escape;

std::string path_of(const std::string& user) { return "/users/" + escape(user); }

/// The user, or nothing once it is told why.
std::optional<Json> existing(Call& call, const std::string& user) {
  auto response = request(call.target, "GET", path_of(user));
  if (response && response->status == 404) {
    call.exit_code = call.error(no_user, "User \"" + user + "\" does not exist");
    return std::nullopt;
  }
  auto answer = call.ask("GET", path_of(user));
  return answer ? std::optional(answer->body) : std::nullopt;
}

/// A password that was not typed as a word comes as a line from standard input.
std::string password_word(const Call& call, size_t at) {
  if (call.words.size() > at) return call.word(at);
  std::string line;
  for (int c; (c = std::getchar()) != EOF && c != '\n';) line += static_cast<char>(c);
  return line;
}

int add_user(Call& call) {
  const std::string& user = call.word(0);
  call.banner("Adding user \"" + user + "\" ...");
  std::string password = password_word(call, 1);
  if (password.empty()) return call.error(data_error, "password cannot be empty");
  auto there = request(call.target, "GET", path_of(user));
  if (there && there->status == 200) return call.error(software_error, "User \"" + user + "\" already exists");
  Json body;
  body.set("password", password).set("tags", "");
  int code = call.change("PUT", path_of(user), body);
  if (code == ok)
    call.banner(
        "Done. Don't forget to grant the user permissions to some virtual hosts! See 'naru ctl help' for "
        "set_permissions.");
  return code;
}

int delete_user(Call& call) {
  call.banner("Deleting user \"" + call.word(0) + "\" ...");
  if (!existing(call, call.word(0))) return call.exit_code;
  return call.change("DELETE", path_of(call.word(0)));
}

/// Writes a user back with something changed; what is not said stays.
int rewrite(Call& call, const std::string& user, void (*change)(Json& body, const Call& call)) {
  auto there = existing(call, user);
  if (!there) return call.exit_code;
  Json body = Json::object();
  for (const char* member : {"password_hash", "hashing_algorithm", "tags", "limits"})
    if (const Json* value = there->find(member)) body.set(member, *value);
  change(body, call);
  return call.change("PUT", path_of(user), body);
}

void drop_password(Json& body) {
  std::erase_if(*body.members(), [](const auto& one) { return one.first == "password_hash"; });
}

int change_password(Call& call) {
  call.banner("Changing password for user \"" + call.word(0) + "\" ...");
  if (call.words.size() < 2) call.words.push_back(password_word(call, 1));
  if (call.word(1).empty()) return call.error(data_error, "password cannot be empty");
  return rewrite(call, call.word(0), [](Json& body, const Call& from) {
    drop_password(body);
    body.set("password", from.word(1));
  });
}

int clear_password(Call& call) {
  call.banner("Clearing password for user \"" + call.word(0) + "\" ...");
  return rewrite(call, call.word(0), [](Json& body, const Call&) { drop_password(body); });
}

int set_access_secret(Call& call) {
  call.banner("Setting the access secret of user \"" + call.word(0) + "\" ...");
  if (!existing(call, call.word(0))) return call.exit_code;
  Json body;
  body.set("secret", password_word(call, 1));
  return call.change("PUT", path_of(call.word(0)) + "/access-secret", body);
}

int clear_access_secret(Call& call) {
  call.banner("Clearing the access secret of user \"" + call.word(0) + "\" ...");
  if (!existing(call, call.word(0))) return call.exit_code;
  return call.change("DELETE", path_of(call.word(0)) + "/access-secret");
}

int set_user_tags(Call& call) {
  std::string tags;
  for (size_t i = 1; i < call.words.size(); ++i) tags += (i > 1 ? ", " : "") + call.word(i);
  call.banner("Setting tags for user \"" + call.word(0) + "\" to [" + tags + "] ...");
  return rewrite(call, call.word(0), [](Json& body, const Call& from) {
    Json list = Json::array();
    for (size_t i = 1; i < from.words.size(); ++i) list.push(from.word(i));
    body.set("tags", std::move(list));
  });
}

int authenticate_user(Call& call) {
  const std::string& user = call.word(0);
  call.banner("Authenticating user \"" + user + "\" ...");
  std::string password = password_word(call, 1);
  Target as = call.target;
  as.user = user;
  as.password = password;
  auto response = request(as, "GET", "/whoami");
  if (!response) return call.error(unavailable, response.error().reason);
  // Who may log in and not administer is told so, in other words.
  if (response->status == 401 && response->reason() == "Login failed")
    return call.error(data_error,
                      "Error: failed to authenticate user \"" + user + "\"\nuser '" + user + "' - invalid credentials");
  call.line("Success");
  return ok;
}

int list_users(Call& call) {
  call.banner("Listing users ...");
  auto users = call.ask_list("/users");
  constexpr Column columns[] = {{"user", "name"}, {"tags", ""}};
  return users ? print_list(call, *users, columns) : call.exit_code;
}

std::string permission_path(const Call& call, const char* kind, const std::string& user) {
  return "/" + std::string(kind) + "/" + escape(call.vhost) + "/" + escape(user);
}

bool has_vhost(Call& call) {
  auto response = request(call.target, "GET", "/vhosts/" + escape(call.vhost));
  if (!response || response->status != 404) return true;
  call.exit_code = call.error(unavailable, "Virtual host " + call.vhost + " does not exist");
  return false;
}

int set_permissions(Call& call) {
  call.banner("Setting permissions for user \"" + call.word(0) + "\" in vhost \"" + call.vhost + "\" ...");
  if (!existing(call, call.word(0)) || !has_vhost(call)) return call.exit_code;
  Json body;
  body.set("configure", call.word(1)).set("write", call.word(2)).set("read", call.word(3));
  return call.change("PUT", permission_path(call, "permissions", call.word(0)), body);
}

int clear_permissions(Call& call) {
  call.banner("Clearing permissions for user \"" + call.word(0) + "\" in vhost \"" + call.vhost + "\" ...");
  if (!existing(call, call.word(0)) || !has_vhost(call)) return call.exit_code;
  auto response = request(call.target, "DELETE", permission_path(call, "permissions", call.word(0)));
  if (!response) return call.error(unavailable, response.error().reason);
  return response->ok() || response->status == 404 ? ok : call.refused(*response);
}

int set_topic_permissions(Call& call) {
  call.banner("Setting topic permissions on \"" + call.word(1) + "\" for user \"" + call.word(0) + "\" in vhost \"" +
              call.vhost + "\" ...");
  if (!existing(call, call.word(0)) || !has_vhost(call)) return call.exit_code;
  Json body;
  body.set("exchange", call.word(1)).set("write", call.word(2)).set("read", call.word(3));
  return call.change("PUT", permission_path(call, "topic-permissions", call.word(0)), body);
}

int clear_topic_permissions(Call& call) {
  bool one = call.words.size() > 1;
  call.banner("Clearing topic permissions " + (one ? "on \"" + call.word(1) + "\" " : std::string()) + "for user \"" +
              call.word(0) + "\" in vhost \"" + call.vhost + "\" ...");
  if (!existing(call, call.word(0)) || !has_vhost(call)) return call.exit_code;
  std::string path = permission_path(call, "topic-permissions", call.word(0));
  return call.change("DELETE", one ? path + "/" + escape(call.word(1)) : path);
}

constexpr Column by_user[] = {{"user", ""}, {"configure", ""}, {"write", ""}, {"read", ""}};
constexpr Column by_vhost[] = {{"vhost", ""}, {"configure", ""}, {"write", ""}, {"read", ""}};
constexpr Column topics_by_user[] = {{"user", ""}, {"exchange", ""}, {"write", ""}, {"read", ""}};
constexpr Column topics_by_vhost[] = {{"vhost", ""}, {"exchange", ""}, {"write", ""}, {"read", ""}};

// Who lists what is not there gets other codes of rabbitmqctl than who changes it.
int list_in_vhost(Call& call, const char* kind, const std::string& what, std::span<const Column> columns) {
  call.banner("Listing " + what + " for vhost \"" + call.vhost + "\" ...");
  if (!has_vhost(call)) return call.exit_code == unavailable ? data_error : call.exit_code;
  auto all = call.ask_list("/vhosts/" + escape(call.vhost) + "/" + kind);
  return all ? print_list(call, *all, columns) : call.exit_code;
}

int list_of_user(Call& call, const char* kind, const std::string& what, std::span<const Column> columns) {
  call.banner("Listing " + what + " for user \"" + call.word(0) + "\" ...");
  if (!existing(call, call.word(0))) return call.exit_code == no_user ? unavailable : call.exit_code;
  auto all = call.ask_list(path_of(call.word(0)) + "/" + kind);
  return all ? print_list(call, *all, columns) : call.exit_code;
}

int list_permissions(Call& call) { return list_in_vhost(call, "permissions", "permissions", by_user); }
int list_user_permissions(Call& call) { return list_of_user(call, "permissions", "permissions", by_vhost); }
int list_topic_permissions(Call& call) {
  return list_in_vhost(call, "topic-permissions", "topic permissions", topics_by_user);
}
int list_user_topic_permissions(Call& call) {
  return list_of_user(call, "topic-permissions", "topic permissions", topics_by_vhost);
}

int set_user_limits(Call& call) {
  call.banner("Setting user limits to \"" + call.word(1) + "\" for user \"" + call.word(0) + "\" ...");
  auto limits = parse_json(call.word(1));
  if (!limits || !limits->members()) return call.error(data_error, "Could not parse JSON document");
  if (!existing(call, call.word(0))) return call.exit_code;
  for (const auto& [what, limit] : *limits->members()) {
    Json body;
    body.set("value", limit);
    int code = call.change("PUT", "/user-limits/" + escape(call.word(0)) + "/" + escape(what), body);
    if (code != ok) return code;
  }
  return ok;
}

int clear_user_limits(Call& call) {
  call.banner("Clearing \"" + call.word(1) + "\" limit for user \"" + call.word(0) + "\" ...");
  if (!existing(call, call.word(0))) return call.exit_code;
  if (call.word(1) != "all")
    return call.change("DELETE", "/user-limits/" + escape(call.word(0)) + "/" + escape(call.word(1)));
  for (const char* what : {"max-connections", "max-channels"}) {
    int code = call.change("DELETE", "/user-limits/" + escape(call.word(0)) + "/" + what);
    if (code != ok) return code;
  }
  return ok;
}

int list_user_limits(Call& call) {
  bool one = call.has("--user");
  call.banner(one ? "Listing limits for user \"" + call.option("--user") + "\" ..."
                  : std::string("Listing limits for all users ..."));
  auto all = call.ask_list(one ? "/user-limits/" + escape(call.option("--user")) : "/user-limits");
  constexpr Column columns[] = {{"user", ""}, {"limits", "value"}};
  if (!all) return call.exit_code;
  for (Json& row : *all->items())  // shown as JSON, unlike arguments
    if (const Json* value = row.find("value")) row.set("value", to_text(*value));
  return print_list(call, *all, columns);
}

constexpr std::string_view limit_options[] = {"--user"}, limit_flags[] = {"--global"};

constexpr Command commands[] = {
    {"add_user", "<username> [<password>]", 1, 2, {}, {}, add_user},
    {"delete_user", "<username>", 1, 1, {}, {}, delete_user},
    {"change_password", "<username> [<password>]", 1, 2, {}, {}, change_password},
    {"clear_password", "<username>", 1, 1, {}, {}, clear_password},
    {"set_access_secret", "<username> [<secret>]", 1, 2, {}, {}, set_access_secret},
    {"clear_access_secret", "<username>", 1, 1, {}, {}, clear_access_secret},
    {"authenticate_user", "<username> [<password>]", 1, 2, {}, {}, authenticate_user},
    {"set_user_tags", "<username> <tag> [...]", 1, 64, {}, {}, set_user_tags},
    {"list_users", "", 0, 0, {}, {}, list_users},
    {"set_permissions", "[-p <vhost>] <username> <conf> <write> <read>", 4, 4, {}, {}, set_permissions},
    {"clear_permissions", "[-p <vhost>] <username>", 1, 1, {}, {}, clear_permissions},
    {"list_permissions", "[-p <vhost>]", 0, 0, {}, {}, list_permissions},
    {"list_user_permissions", "<username>", 1, 1, {}, {}, list_user_permissions},
    {"set_topic_permissions", "[-p <vhost>] <username> <exchange> <write> <read>", 4, 4, {}, {}, set_topic_permissions},
    {"clear_topic_permissions", "[-p <vhost>] <username> [<exchange>]", 1, 2, {}, {}, clear_topic_permissions},
    {"list_topic_permissions", "[-p <vhost>]", 0, 0, {}, {}, list_topic_permissions},
    {"list_user_topic_permissions", "<username>", 1, 1, {}, {}, list_user_topic_permissions},
    {"set_user_limits", "<username> <definition>", 2, 2, {}, {}, set_user_limits},
    {"clear_user_limits", "<username> <limit> | all", 2, 2, {}, {}, clear_user_limits},
    {"list_user_limits", "[--user <username>] [--global]", 0, 0, limit_options, limit_flags, list_user_limits},
};

}  // namespace

std::span<const Command> user_commands() { return commands; }

}  // namespace naru::ctl
