#pragma once
// Class 50. unbind alone has no nowait.
#include "amqp/wire/method_ids.h"
#include "amqp/wire/walkers.h"

namespace naru::amqp {

struct QueueDeclare {
  static constexpr Method method = Method::queue_declare;
  uint16_t ticket = 0;
  std::string_view queue{};
  bool passive = false, durable = false, exclusive = false, auto_delete = false, nowait = false;
  FieldTableView arguments{};
  static void describe(auto& wire, auto& m) {
    wire("ticket", m.ticket);
    wire("queue", m.queue);
    wire("passive", m.passive);
    wire("durable", m.durable);
    wire("exclusive", m.exclusive);
    wire("auto_delete", m.auto_delete);
    wire("nowait", m.nowait);
    wire("arguments", m.arguments);
  }
};
struct QueueDeclareOk {
  static constexpr Method method = Method::queue_declare_ok;
  std::string_view queue{};
  uint32_t message_count = 0, consumer_count = 0;
  static void describe(auto& wire, auto& m) {
    wire("queue", m.queue);
    wire("message_count", m.message_count);
    wire("consumer_count", m.consumer_count);
  }
};
struct QueueBind {
  static constexpr Method method = Method::queue_bind;
  uint16_t ticket = 0;
  std::string_view queue{}, exchange{}, routing_key{};
  bool nowait = false;
  FieldTableView arguments{};
  static void describe(auto& wire, auto& m) {
    wire("ticket", m.ticket);
    wire("queue", m.queue);
    wire("exchange", m.exchange);
    wire("routing_key", m.routing_key);
    wire("nowait", m.nowait);
    wire("arguments", m.arguments);
  }
};
struct QueueBindOk {
  static constexpr Method method = Method::queue_bind_ok;
  static void describe(auto&, auto&) {}
};
struct QueuePurge {
  static constexpr Method method = Method::queue_purge;
  uint16_t ticket = 0;
  std::string_view queue{};
  bool nowait = false;
  static void describe(auto& wire, auto& m) {
    wire("ticket", m.ticket);
    wire("queue", m.queue);
    wire("nowait", m.nowait);
  }
};
struct QueuePurgeOk {
  static constexpr Method method = Method::queue_purge_ok;
  uint32_t message_count = 0;
  static void describe(auto& wire, auto& m) { wire("message_count", m.message_count); }
};
struct QueueDelete {
  static constexpr Method method = Method::queue_delete;
  uint16_t ticket = 0;
  std::string_view queue{};
  bool if_unused = false, if_empty = false, nowait = false;
  static void describe(auto& wire, auto& m) {
    wire("ticket", m.ticket);
    wire("queue", m.queue);
    wire("if_unused", m.if_unused);
    wire("if_empty", m.if_empty);
    wire("nowait", m.nowait);
  }
};
struct QueueDeleteOk {
  static constexpr Method method = Method::queue_delete_ok;
  uint32_t message_count = 0;
  static void describe(auto& wire, auto& m) { wire("message_count", m.message_count); }
};
struct QueueUnbind {
  static constexpr Method method = Method::queue_unbind;
  uint16_t ticket = 0;
  std::string_view queue{}, exchange{}, routing_key{};
  FieldTableView arguments{};
  static void describe(auto& wire, auto& m) {
    wire("ticket", m.ticket);
    wire("queue", m.queue);
    wire("exchange", m.exchange);
    wire("routing_key", m.routing_key);
    wire("arguments", m.arguments);
  }
};
struct QueueUnbindOk {
  static constexpr Method method = Method::queue_unbind_ok;
  static void describe(auto&, auto&) {}
};

}  // namespace naru::amqp
