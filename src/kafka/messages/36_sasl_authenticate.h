#pragma once
// SaslAuthenticate, v0-2. One step of logging in.
// * v1 the session ends, and has to log in again  * v2 flexible
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct SaslAuthenticateRequest {
  static constexpr int16_t api_key = 36, flexible_since = 2;
  static constexpr Versions versions = between(0, 2);

  ByteView auth_bytes;
  static void describe(auto& wire, auto& m) { wire("auth_bytes", m.auth_bytes); }
};

struct SaslAuthenticateResponse {
  static constexpr int16_t api_key = 36, flexible_since = 2;
  static constexpr Versions versions = between(0, 2);

  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  Bytes auth_bytes;
  int64_t session_lifetime_ms = 0;
  static void describe(auto& wire, auto& m) {
    wire("error_code", m.error_code);
    wire("error_message", m.error_message);
    wire("auth_bytes", m.auth_bytes);
    wire("session_lifetime_ms", m.session_lifetime_ms, since(1));
  }
};

}  // namespace naru::kafka
