#pragma once
// What the API says of things that administrators make: the same JSON in lists, in single answers and in definitions.
#include "management/call.h"

namespace naru::management {

Json view(const User& user);
Json view(const Permission& permission);
Json view(const TopicPermission& permission);
Json view_parameter(const Parameters::Key& key, const Json& value);
/// A policy as it is stored, with its name and virtual host.
Json view_policy(const Parameters::Key& key, const Json& value);

/// Makes the user that `body` describes, or changes one: password or password_hash with hashing_algorithm, tags,
/// limits. Else what is wrong with it.
std::expected<User, std::string> parse_user(std::string name, const Json& body, const User* before);
/// What is wrong with a parameter; nothing if it may be set. `value` is made as it is to be stored.
std::optional<std::string> check_parameter(const Parameters::Key& key, Json& value);
/// The stored form of a policy that a client sent.
Json policy_value(const Json& body);

}  // namespace naru::management
