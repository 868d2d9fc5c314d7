#pragma once
// InitProducerId, v0-5. An id for an idempotent or transactional producer.
// * v2 flexible  * v3 keeps an id, raises its epoch  * v5 KIP-890
#include "kafka/errors.h"
#include "kafka/wire.h"

namespace naru::kafka {

struct InitProducerIdRequest {
  static constexpr int16_t api_key = 22, flexible_since = 2;
  static constexpr Versions versions = between(0, 5);

  std::optional<std::string_view> transactional_id = "";
  int32_t transaction_timeout_ms = 0;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  static void describe(auto& wire, auto& m) {
    wire("transactional_id", m.transactional_id);
    wire("transaction_timeout_ms", m.transaction_timeout_ms);
    wire("producer_id", m.producer_id, since(3));
    wire("producer_epoch", m.producer_epoch, since(3));
  }
};

struct InitProducerIdResponse {
  static constexpr int16_t api_key = 22, flexible_since = 2;
  static constexpr Versions versions = between(0, 5);

  int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  int64_t producer_id = -1;
  int16_t producer_epoch = 0;
  static void describe(auto& wire, auto& m) {
    wire("throttle_time_ms", m.throttle_time_ms);
    wire("error_code", m.error_code);
    wire("producer_id", m.producer_id);
    wire("producer_epoch", m.producer_epoch);
  }
};

}  // namespace naru::kafka
