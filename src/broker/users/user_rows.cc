#include "broker/users/user_rows.h"

#include "base/pack.h"

namespace naru {
namespace {

constexpr uint8_t row_version = 1;
constexpr uint8_t version_with_secret = 2;  // of a user's row: the same, then the access secret

std::string key(std::string_view kind, std::initializer_list<std::string_view> names) {
  std::string out(kind);
  for (std::string_view name : names) {
    if (out.size() > kind.size()) out += '\0';
    out += name;
  }
  return out;
}

std::string to_row(const Bytes& bytes) { return std::string(text(bytes)); }

Result<Unpacker> open_row(std::string_view row, uint8_t version_max = row_version) {
  Unpacker from(view(row));
  if (auto version = from.get<uint8_t>(); from.ok() && (version == 0 || version > version_max))
    return fail(Code::unsupported, "user of a later version", version);
  return from;
}

}  // namespace

std::string row_key(const User& user) { return key(user_rows, {user.name}); }
std::string row_key(const Permission& permission) { return key(permission_rows, {permission.user, permission.vhost}); }
std::string row_key(const TopicPermission& permission) {
  return key(topic_rows, {permission.user, permission.vhost, permission.exchange});
}

std::string encode(const User& user) {
  Bytes row;
  Packer to(row);
  to.put(user.access_secret.empty() ? row_version : version_with_secret);
  to.put(user.name).put(static_cast<uint8_t>(user.password.algorithm)).put(user.password.bytes);
  to.put(static_cast<uint16_t>(user.tags.size()));
  for (const std::string& tag : user.tags) to.put(tag);
  to.put(static_cast<uint16_t>(user.limits.size()));
  for (const auto& [what, limit] : user.limits) to.put(what).put(limit);
  if (!user.access_secret.empty()) to.put(user.access_secret);
  return to_row(row);
}

Result<User> decode_user(std::string_view row) {
  Unpacker from = TRY(open_row(row, version_with_secret));
  User user{.name = std::string(from.text())};
  user.password.algorithm = static_cast<HashAlgorithm>(from.get<uint8_t>());
  user.password.bytes = from.text();
  for (auto count = from.get<uint16_t>(); from.ok() && count > 0; --count) user.tags.emplace_back(from.text());
  for (auto count = from.get<uint16_t>(); from.ok() && count > 0; --count) {
    std::string what(from.text());
    user.limits[what] = from.get<int64_t>();
  }
  if (row.starts_with(static_cast<char>(version_with_secret))) user.access_secret = from.text();
  if (!from.ok()) return fail(Code::corrupt, "user");
  return user;
}

std::string encode(const Permission& permission) {
  Bytes row;
  Packer to(row);
  to.put(row_version).put(permission.user).put(permission.vhost);
  for (const std::string& pattern : permission.patterns) to.put(pattern);
  return to_row(row);
}

Result<Permission> decode_permission(std::string_view row) {
  Unpacker from = TRY(open_row(row));
  Permission permission{.user = std::string(from.text()), .vhost = std::string(from.text()), .patterns = {}};
  for (std::string& pattern : permission.patterns) pattern = from.text();
  if (!from.ok()) return fail(Code::corrupt, "permission");
  return permission;
}

std::string encode(const TopicPermission& permission) {
  Bytes row;
  Packer(row)
      .put(row_version)
      .put(permission.user)
      .put(permission.vhost)
      .put(permission.exchange)
      .put(permission.write)
      .put(permission.read);
  return to_row(row);
}

Result<TopicPermission> decode_topic_permission(std::string_view row) {
  Unpacker from = TRY(open_row(row));
  TopicPermission permission;
  for (std::string* field :
       {&permission.user, &permission.vhost, &permission.exchange, &permission.write, &permission.read})
    *field = from.text();
  if (!from.ok()) return fail(Code::corrupt, "topic permission");
  return permission;
}

}  // namespace naru
