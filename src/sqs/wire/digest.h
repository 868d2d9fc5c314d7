#pragma once
// MD5 of what is sent and received (the service has no other digest there), SHA-256 and its HMAC for signatures.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/hex.h"

namespace naru::sqs {

using naru::text;  // which the two below would hide

using Md5 = std::array<char, 32>;  // lower-case hexadecimal digits
inline std::string_view text(const Md5& digest) { return {digest.data(), digest.size()}; }

/// Takes bytes in pieces.
class Md5Maker {
 public:
  Md5Maker();
  ~Md5Maker();
  Md5Maker(const Md5Maker&) = delete;
  Md5Maker& add(std::string_view bytes);
  /// Begins anew.
  Md5 take();

 private:
  void* context_;
};
Md5 md5(std::string_view bytes);

using Sha256 = std::array<uint8_t, 32>;
Sha256 sha256(std::string_view bytes);
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);
inline std::string_view text(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}
/// In a time that does not tell where they differ.
bool is_same_secret(std::string_view a, std::string_view b);

}  // namespace naru::sqs
