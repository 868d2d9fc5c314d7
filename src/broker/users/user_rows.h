#pragma once
// Users and permissions as rows of the meta store.
#include "broker/users/users.h"

namespace naru {

inline constexpr std::string_view user_rows = "user/", permission_rows = "permission/",
                                  topic_rows = "topic-permission/";
/// There once: guest has been made, and may be gone since.
inline constexpr std::string_view users_made_row = "users-made";

std::string row_key(const User& user);
std::string row_key(const Permission& permission);
std::string row_key(const TopicPermission& permission);
std::string encode(const User& user);
std::string encode(const Permission& permission);
std::string encode(const TopicPermission& permission);
// Code::corrupt; Code::unsupported if a later naru wrote it.
Result<User> decode_user(std::string_view row);
Result<Permission> decode_permission(std::string_view row);
Result<TopicPermission> decode_topic_permission(std::string_view row);

}  // namespace naru
