#pragma once
// SaslHandshake, v0-1. Chooses how to log in.
// * v0 raw tokens follow  * v1 SaslAuthenticate follows
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct SaslHandshakeRequest {
  static constexpr int16_t api_key = 17, flexible_since = never;
  static constexpr Versions versions = between(0, 1);

  std::string_view mechanism;
  static void describe(auto& wire, auto& m) { wire("mechanism", m.mechanism); }
};

struct SaslHandshakeResponse {
  static constexpr int16_t api_key = 17, flexible_since = never;
  static constexpr Versions versions = between(0, 1);

  ErrorCode error_code = ErrorCode::none;
  std::vector<std::string> mechanisms;
  static void describe(auto& wire, auto& m) {
    wire("error_code", m.error_code);
    wire("mechanisms", m.mechanisms);
  }
};

}  // namespace naru::kafka
