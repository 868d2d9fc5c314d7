#pragma once
// Class 60: messages. nack is RabbitMQ's; so are credit, credit-ok and credit-drained, which it keeps for itself.
#include "amqp/wire/method_ids.h"
#include "amqp/wire/walkers.h"

namespace naru::amqp {

struct BasicQos {
  static constexpr Method method = Method::basic_qos;
  uint32_t prefetch_size = 0;
  uint16_t prefetch_count = 0;
  bool global = false;
  static void describe(auto& wire, auto& m) {
    wire("prefetch_size", m.prefetch_size);
    wire("prefetch_count", m.prefetch_count);
    wire("global", m.global);
  }
};
struct BasicQosOk {
  static constexpr Method method = Method::basic_qos_ok;
  static void describe(auto&, auto&) {}
};
struct BasicConsume {
  static constexpr Method method = Method::basic_consume;
  uint16_t ticket = 0;
  std::string_view queue{}, consumer_tag{};
  bool no_local = false, no_ack = false, exclusive = false, nowait = false;
  FieldTableView arguments{};
  static void describe(auto& wire, auto& m) {
    wire("ticket", m.ticket);
    wire("queue", m.queue);
    wire("consumer_tag", m.consumer_tag);
    wire("no_local", m.no_local);
    wire("no_ack", m.no_ack);
    wire("exclusive", m.exclusive);
    wire("nowait", m.nowait);
    wire("arguments", m.arguments);
  }
};
struct BasicConsumeOk {
  static constexpr Method method = Method::basic_consume_ok;
  std::string_view consumer_tag{};
  static void describe(auto& wire, auto& m) { wire("consumer_tag", m.consumer_tag); }
};
struct BasicCancel {
  static constexpr Method method = Method::basic_cancel;
  std::string_view consumer_tag{};
  bool nowait = false;
  static void describe(auto& wire, auto& m) {
    wire("consumer_tag", m.consumer_tag);
    wire("nowait", m.nowait);
  }
};
struct BasicCancelOk {
  static constexpr Method method = Method::basic_cancel_ok;
  std::string_view consumer_tag{};
  static void describe(auto& wire, auto& m) { wire("consumer_tag", m.consumer_tag); }
};
struct BasicPublish {
  static constexpr Method method = Method::basic_publish;
  uint16_t ticket = 0;
  std::string_view exchange{}, routing_key{};
  bool mandatory = false, immediate = false;
  static void describe(auto& wire, auto& m) {
    wire("ticket", m.ticket);
    wire("exchange", m.exchange);
    wire("routing_key", m.routing_key);
    wire("mandatory", m.mandatory);
    wire("immediate", m.immediate);
  }
};
struct BasicReturn {
  static constexpr Method method = Method::basic_return;
  uint16_t reply_code = 0;
  std::string_view reply_text{}, exchange{}, routing_key{};
  static void describe(auto& wire, auto& m) {
    wire("reply_code", m.reply_code);
    wire("reply_text", m.reply_text);
    wire("exchange", m.exchange);
    wire("routing_key", m.routing_key);
  }
};
struct BasicDeliver {
  static constexpr Method method = Method::basic_deliver;
  std::string_view consumer_tag{};
  uint64_t delivery_tag = 0;
  bool redelivered = false;
  std::string_view exchange{}, routing_key{};
  static void describe(auto& wire, auto& m) {
    wire("consumer_tag", m.consumer_tag);
    wire("delivery_tag", m.delivery_tag);
    wire("redelivered", m.redelivered);
    wire("exchange", m.exchange);
    wire("routing_key", m.routing_key);
  }
};
struct BasicGet {
  static constexpr Method method = Method::basic_get;
  uint16_t ticket = 0;
  std::string_view queue{};
  bool no_ack = false;
  static void describe(auto& wire, auto& m) {
    wire("ticket", m.ticket);
    wire("queue", m.queue);
    wire("no_ack", m.no_ack);
  }
};
struct BasicGetOk {
  static constexpr Method method = Method::basic_get_ok;
  uint64_t delivery_tag = 0;
  bool redelivered = false;
  std::string_view exchange{}, routing_key{};
  uint32_t message_count = 0;
  static void describe(auto& wire, auto& m) {
    wire("delivery_tag", m.delivery_tag);
    wire("redelivered", m.redelivered);
    wire("exchange", m.exchange);
    wire("routing_key", m.routing_key);
    wire("message_count", m.message_count);
  }
};
struct BasicGetEmpty {
  static constexpr Method method = Method::basic_get_empty;
  std::string_view cluster_id{};
  static void describe(auto& wire, auto& m) { wire("cluster_id", m.cluster_id); }
};
struct BasicAck {
  static constexpr Method method = Method::basic_ack;
  uint64_t delivery_tag = 0;
  bool multiple = false;
  static void describe(auto& wire, auto& m) {
    wire("delivery_tag", m.delivery_tag);
    wire("multiple", m.multiple);
  }
};
struct BasicReject {
  static constexpr Method method = Method::basic_reject;
  uint64_t delivery_tag = 0;
  bool requeue = true;
  static void describe(auto& wire, auto& m) {
    wire("delivery_tag", m.delivery_tag);
    wire("requeue", m.requeue);
  }
};
struct BasicRecoverAsync {
  static constexpr Method method = Method::basic_recover_async;
  bool requeue = false;
  static void describe(auto& wire, auto& m) { wire("requeue", m.requeue); }
};
struct BasicRecover {
  static constexpr Method method = Method::basic_recover;
  bool requeue = false;
  static void describe(auto& wire, auto& m) { wire("requeue", m.requeue); }
};
struct BasicRecoverOk {
  static constexpr Method method = Method::basic_recover_ok;
  static void describe(auto&, auto&) {}
};
struct BasicNack {
  static constexpr Method method = Method::basic_nack;
  uint64_t delivery_tag = 0;
  bool multiple = false, requeue = true;
  static void describe(auto& wire, auto& m) {
    wire("delivery_tag", m.delivery_tag);
    wire("multiple", m.multiple);
    wire("requeue", m.requeue);
  }
};
struct BasicCredit {
  static constexpr Method method = Method::basic_credit;
  std::string_view consumer_tag{};
  uint32_t credit = 0;
  bool drain = false;
  static void describe(auto& wire, auto& m) {
    wire("consumer_tag", m.consumer_tag);
    wire("credit", m.credit);
    wire("drain", m.drain);
  }
};
struct BasicCreditOk {
  static constexpr Method method = Method::basic_credit_ok;
  uint32_t available = 0;
  static void describe(auto& wire, auto& m) { wire("available", m.available); }
};
struct BasicCreditDrained {
  static constexpr Method method = Method::basic_credit_drained;
  std::string_view consumer_tag{};
  uint32_t credit_drained = 0;
  static void describe(auto& wire, auto& m) {
    wire("consumer_tag", m.consumer_tag);
    wire("credit_drained", m.credit_drained);
  }
};

}  // namespace naru::amqp
