// The only file of this layer that sees OpenSSL.
#include "sqs/wire/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"

namespace naru::sqs {
namespace {

// Looking a digest up by name takes longer than computing it of a small message.
const EVP_MD* md5_function() {
  static const EVP_MD* function = EVP_MD_fetch(nullptr, "MD5", "-fips");
  return function;
}
const EVP_MD* sha256_function() {
  static const EVP_MD* function = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return function;
}

EVP_MD_CTX* context_of(void* context) { return static_cast<EVP_MD_CTX*>(context); }

void begin(void* context) { CHECK(EVP_DigestInit_ex2(context_of(context), md5_function(), nullptr) == 1); }

}  // namespace

Md5Maker::Md5Maker() : context_(EVP_MD_CTX_new()) { begin(context_); }
Md5Maker::~Md5Maker() { EVP_MD_CTX_free(context_of(context_)); }

Md5Maker& Md5Maker::add(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(context_of(context_), bytes.data(), bytes.size()) == 1);
  return *this;
}

Md5 Md5Maker::take() {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_DigestFinal_ex(context_of(context_), out, &size) == 1 && size == 16);
  begin(context_);
  Md5 hex;
  for (size_t i = 0; i < size; ++i) {
    hex[2 * i] = hex_digits[out[i] >> 4];
    hex[2 * i + 1] = hex_digits[out[i] & 15];
  }
  return hex;
}

Md5 md5(std::string_view bytes) {
  thread_local Md5Maker maker;
  return maker.add(bytes).take();
}

Sha256 sha256(std::string_view bytes) {
  Sha256 out;
  unsigned int size = 0;
  CHECK(EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, sha256_function(), nullptr) == 1);
  return out;
}

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
  Sha256 out;
  unsigned int size = 0;
  CHECK(HMAC(sha256_function(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data(), &size) != nullptr);
  return out;
}

bool is_same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace naru::sqs
