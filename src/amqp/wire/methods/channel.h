#pragma once
// Class 20, and class 30, which asks for tickets that nothing has needed since AMQP 0-9-1.
#include "amqp/wire/method_ids.h"
#include "amqp/wire/walkers.h"

namespace naru::amqp {

struct ChannelOpen {
  static constexpr Method method = Method::channel_open;
  std::string_view out_of_band{};
  static void describe(auto& wire, auto& m) { wire("out_of_band", m.out_of_band); }
};
struct ChannelOpenOk {
  static constexpr Method method = Method::channel_open_ok;
  std::string_view channel_id{};
  static void describe(auto& wire, auto& m) { wire.long_text("channel_id", m.channel_id); }
};
struct ChannelFlow {
  static constexpr Method method = Method::channel_flow;
  bool active = false;
  static void describe(auto& wire, auto& m) { wire("active", m.active); }
};
struct ChannelFlowOk {
  static constexpr Method method = Method::channel_flow_ok;
  bool active = false;
  static void describe(auto& wire, auto& m) { wire("active", m.active); }
};
struct ChannelClose {
  static constexpr Method method = Method::channel_close;
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
struct ChannelCloseOk {
  static constexpr Method method = Method::channel_close_ok;
  static void describe(auto&, auto&) {}
};

struct AccessRequest {
  static constexpr Method method = Method::access_request;
  std::string_view realm = "/data";
  bool exclusive = false, passive = true, active = true, write = true, read = true;
  static void describe(auto& wire, auto& m) {
    wire("realm", m.realm);
    wire("exclusive", m.exclusive);
    wire("passive", m.passive);
    wire("active", m.active);
    wire("write", m.write);
    wire("read", m.read);
  }
};
struct AccessRequestOk {
  static constexpr Method method = Method::access_request_ok;
  uint16_t ticket = 1;
  static void describe(auto& wire, auto& m) { wire("ticket", m.ticket); }
};

}  // namespace naru::amqp
