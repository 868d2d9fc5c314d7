// The only file of this layer that sees OpenSSL's digests.
#include "broker/users/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/check.h"

namespace naru {
namespace {

constexpr size_t salt_bytes = 4;

std::string digest(HashAlgorithm algorithm, std::string_view salt, std::string_view password) {
  const EVP_MD* function = algorithm == HashAlgorithm::sha256   ? EVP_sha256()
                           : algorithm == HashAlgorithm::sha512 ? EVP_sha512()
                                                                : EVP_md5();
  std::string input(salt);
  input += password;
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  // Fails where the machine's policy forbids a function, as MD5: then nobody logs in by it.
  bool done = EVP_Digest(input.data(), input.size(), out, &size, function, nullptr) == 1;
  OPENSSL_cleanse(input.data(), input.size());
  return done ? std::string(reinterpret_cast<const char*>(out), size) : std::string();
}

}  // namespace

const char* name(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha256: return "rabbit_password_hashing_sha256";
    case HashAlgorithm::sha512: return "rabbit_password_hashing_sha512";
    case HashAlgorithm::md5: return "rabbit_password_hashing_md5";
  }
  return "";
}

std::optional<HashAlgorithm> hash_algorithm(std::string_view wanted) {
  for (auto one : {HashAlgorithm::sha256, HashAlgorithm::sha512, HashAlgorithm::md5})
    if (wanted == name(one)) return one;
  return std::nullopt;
}

PasswordHash hash_password(std::string_view password) {
  std::string salt(salt_bytes, '\0');
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(salt.data()), static_cast<int>(salt.size())) == 1);
  return {HashAlgorithm::sha256, salt + digest(HashAlgorithm::sha256, salt, password)};
}

bool is_password(const PasswordHash& hash, std::string_view password) {
  if (hash.bytes.size() <= salt_bytes || password.empty()) return false;
  std::string_view stored(hash.bytes);
  std::string wanted = digest(hash.algorithm, stored.substr(0, salt_bytes), password);
  stored.remove_prefix(salt_bytes);
  return wanted.size() == stored.size() && CRYPTO_memcmp(wanted.data(), stored.data(), wanted.size()) == 0;
}

}  // namespace naru
