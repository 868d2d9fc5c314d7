#pragma once
// Passwords as RabbitMQ keeps them, so that users come along with its definitions: four bytes of salt, then the digest
// of salt and password.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace naru {

/// The numbers are on disk.
enum class HashAlgorithm : uint8_t { sha256 = 1, sha512 = 2, md5 = 3 };
/// "rabbit_password_hashing_sha256"
const char* name(HashAlgorithm algorithm);
std::optional<HashAlgorithm> hash_algorithm(std::string_view name);

struct PasswordHash {
  HashAlgorithm algorithm = HashAlgorithm::sha256;
  std::string bytes;  // salt and digest; empty: nobody logs in with a password
  bool operator==(const PasswordHash&) const = default;
};

/// With SHA-256 and a salt of this moment.
PasswordHash hash_password(std::string_view password);
/// An empty password is nobody's.
bool is_password(const PasswordHash& hash, std::string_view password);

}  // namespace naru
