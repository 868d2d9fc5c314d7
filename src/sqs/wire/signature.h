#pragma once
// AWS Signature Version 4 of requests, by header and by query string (presigned URLs): who made a request, as far as a
// secret proves it.
#include <functional>
#include <map>

#include "http/parser.h"
#include "sqs/wire/digest.h"
#include "sqs/wire/refusal.h"

namespace naru::sqs {

/// What a request says about its signature; borrows the request, but for what was escaped there.
struct Signature {
  std::string access_key{}, date{}, region{}, service{};  // of the credential's scope
  std::string timestamp{};                                // 20260131T235959Z
  std::string signed_headers{};                           // "content-type;host;x-amz-date"
  std::string value{};                                    // hexadecimal digits
  bool is_presigned = false;
  int64_t expires_s = 0;  // of a presigned one
};

/// Nothing if the request is not signed.
Reply<std::optional<Signature>> parse_signature(const http::Request& request);

/// Keys derived from secrets, which is most of the work: one for each user, day and region.
class SigningKeys {
 public:
  const Sha256& find(const Signature& signature, std::string_view secret);

 private:
  static constexpr size_t keys_max = 256;
  std::map<std::string, Sha256> keys_;
};

/// The secret of an access key; null if nobody has it.
using SecretOf = std::function<const std::string*(std::string_view access_key)>;

/// The access key by which the request is signed for `service`, or why it is not good. `now_s`: seconds since 1970.
Reply<std::string> verify(const http::Request& request, const SecretOf& secret_of, SigningKeys& keys, int64_t now_s,
                          std::string_view service = "sqs");

/// What is signed; for tests, which know it from elsewhere.
std::string canonical_request(const http::Request& request, const Signature& signature);

/// Seconds since 1970 of "20260131T235959Z"; nothing if it is no such time.
std::optional<int64_t> parse_timestamp(std::string_view text);

}  // namespace naru::sqs
