#pragma once
// Class 10: login, limits, the end. blocked, unblocked and update-secret are RabbitMQ's.
#include "amqp/wire/method_ids.h"
#include "amqp/wire/walkers.h"

namespace naru::amqp {

struct ConnectionStart {
  static constexpr Method method = Method::connection_start;
  uint8_t version_major = 0, version_minor = 9;
  FieldTableView server_properties{};
  std::string_view mechanisms = "PLAIN", locales = "en_US";  // separated by spaces
  static void describe(auto& wire, auto& m) {
    wire("version_major", m.version_major);
    wire("version_minor", m.version_minor);
    wire("server_properties", m.server_properties);
    wire.long_text("mechanisms", m.mechanisms);
    wire.long_text("locales", m.locales);
  }
};
struct ConnectionStartOk {
  static constexpr Method method = Method::connection_start_ok;
  FieldTableView client_properties{};
  std::string_view mechanism = "PLAIN", response{}, locale = "en_US";
  static void describe(auto& wire, auto& m) {
    wire("client_properties", m.client_properties);
    wire("mechanism", m.mechanism);
    wire.long_text("response", m.response);
    wire("locale", m.locale);
  }
};
struct ConnectionSecure {
  static constexpr Method method = Method::connection_secure;
  std::string_view challenge{};
  static void describe(auto& wire, auto& m) { wire.long_text("challenge", m.challenge); }
};
struct ConnectionSecureOk {
  static constexpr Method method = Method::connection_secure_ok;
  std::string_view response{};
  static void describe(auto& wire, auto& m) { wire.long_text("response", m.response); }
};
struct ConnectionTune {
  static constexpr Method method = Method::connection_tune;
  uint16_t channel_max = 0;
  uint32_t frame_max = 0;
  uint16_t heartbeat = 0;  // seconds
  static void describe(auto& wire, auto& m) {
    wire("channel_max", m.channel_max);
    wire("frame_max", m.frame_max);
    wire("heartbeat", m.heartbeat);
  }
};
struct ConnectionTuneOk {
  static constexpr Method method = Method::connection_tune_ok;
  uint16_t channel_max = 0;
  uint32_t frame_max = 0;
  uint16_t heartbeat = 0;  // seconds
  static void describe(auto& wire, auto& m) {
    wire("channel_max", m.channel_max);
    wire("frame_max", m.frame_max);
    wire("heartbeat", m.heartbeat);
  }
};
struct ConnectionOpen {
  static constexpr Method method = Method::connection_open;
  std::string_view virtual_host = "/", capabilities{};
  bool insist = false;
  static void describe(auto& wire, auto& m) {
    wire("virtual_host", m.virtual_host);
    wire("capabilities", m.capabilities);
    wire("insist", m.insist);
  }
};
struct ConnectionOpenOk {
  static constexpr Method method = Method::connection_open_ok;
  std::string_view known_hosts{};
  static void describe(auto& wire, auto& m) { wire("known_hosts", m.known_hosts); }
};
struct ConnectionClose {
  static constexpr Method method = Method::connection_close;
  uint16_t reply_code = 0;
  std::string_view reply_text{};
  uint16_t class_id = 0, method_id = 0;  // of the method that failed, or 0
  static void describe(auto& wire, auto& m) {
    wire("reply_code", m.reply_code);
    wire("reply_text", m.reply_text);
    wire("class_id", m.class_id);
    wire("method_id", m.method_id);
  }
};
struct ConnectionCloseOk {
  static constexpr Method method = Method::connection_close_ok;
  static void describe(auto&, auto&) {}
};
struct ConnectionBlocked {
  static constexpr Method method = Method::connection_blocked;
  std::string_view reason{};
  static void describe(auto& wire, auto& m) { wire("reason", m.reason); }
};
struct ConnectionUnblocked {
  static constexpr Method method = Method::connection_unblocked;
  static void describe(auto&, auto&) {}
};
struct ConnectionUpdateSecret {
  static constexpr Method method = Method::connection_update_secret;
  std::string_view new_secret{}, reason{};
  static void describe(auto& wire, auto& m) {
    wire.long_text("new_secret", m.new_secret);
    wire("reason", m.reason);
  }
};
struct ConnectionUpdateSecretOk {
  static constexpr Method method = Method::connection_update_secret_ok;
  static void describe(auto&, auto&) {}
};

}  // namespace naru::amqp
