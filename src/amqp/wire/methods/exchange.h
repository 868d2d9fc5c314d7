#pragma once
// Class 40. bind and unbind, between exchanges, are RabbitMQ's.
#include "amqp/wire/method_ids.h"
#include "amqp/wire/walkers.h"

namespace naru::amqp {

struct ExchangeDeclare {
  static constexpr Method method = Method::exchange_declare;
  uint16_t ticket = 0;
  std::string_view exchange{}, type = "direct";
  bool passive = false, durable = false, auto_delete = false, internal = false, nowait = false;
  FieldTableView arguments{};
  static void describe(auto& wire, auto& m) {
    wire("ticket", m.ticket);
    wire("exchange", m.exchange);
    wire("type", m.type);
    wire("passive", m.passive);
    wire("durable", m.durable);
    wire("auto_delete", m.auto_delete);
    wire("internal", m.internal);
    wire("nowait", m.nowait);
    wire("arguments", m.arguments);
  }
};
struct ExchangeDeclareOk {
  static constexpr Method method = Method::exchange_declare_ok;
  static void describe(auto&, auto&) {}
};
struct ExchangeDelete {
  static constexpr Method method = Method::exchange_delete;
  uint16_t ticket = 0;
  std::string_view exchange{};
  bool if_unused = false, nowait = false;
  static void describe(auto& wire, auto& m) {
    wire("ticket", m.ticket);
    wire("exchange", m.exchange);
    wire("if_unused", m.if_unused);
    wire("nowait", m.nowait);
  }
};
struct ExchangeDeleteOk {
  static constexpr Method method = Method::exchange_delete_ok;
  static void describe(auto&, auto&) {}
};
struct ExchangeBind {
  static constexpr Method method = Method::exchange_bind;
  uint16_t ticket = 0;
  std::string_view destination{}, source{}, routing_key{};
  bool nowait = false;
  FieldTableView arguments{};
  static void describe(auto& wire, auto& m) {
    wire("ticket", m.ticket);
    wire("destination", m.destination);
    wire("source", m.source);
    wire("routing_key", m.routing_key);
    wire("nowait", m.nowait);
    wire("arguments", m.arguments);
  }
};
struct ExchangeBindOk {
  static constexpr Method method = Method::exchange_bind_ok;
  static void describe(auto&, auto&) {}
};
struct ExchangeUnbind {
  static constexpr Method method = Method::exchange_unbind;
  uint16_t ticket = 0;
  std::string_view destination{}, source{}, routing_key{};
  bool nowait = false;
  FieldTableView arguments{};
  static void describe(auto& wire, auto& m) {
    wire("ticket", m.ticket);
    wire("destination", m.destination);
    wire("source", m.source);
    wire("routing_key", m.routing_key);
    wire("nowait", m.nowait);
    wire("arguments", m.arguments);
  }
};
struct ExchangeUnbindOk {
  static constexpr Method method = Method::exchange_unbind_ok;
  static void describe(auto&, auto&) {}
};

}  // namespace naru::amqp
