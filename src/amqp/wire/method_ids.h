#pragma once
// Every method that RabbitMQ knows, its extensions of AMQP 0-9-1 included: struct, enumerator, class id, method id,
// name.
#include <cstdint>
#include <string_view>

#define NARU_AMQP_METHODS(X)                                                                      \
  X(ConnectionStart, connection_start, 10, 10, "connection.start")                                \
  X(ConnectionStartOk, connection_start_ok, 10, 11, "connection.start-ok")                        \
  X(ConnectionSecure, connection_secure, 10, 20, "connection.secure")                             \
  X(ConnectionSecureOk, connection_secure_ok, 10, 21, "connection.secure-ok")                     \
  X(ConnectionTune, connection_tune, 10, 30, "connection.tune")                                   \
  X(ConnectionTuneOk, connection_tune_ok, 10, 31, "connection.tune-ok")                           \
  X(ConnectionOpen, connection_open, 10, 40, "connection.open")                                   \
  X(ConnectionOpenOk, connection_open_ok, 10, 41, "connection.open-ok")                           \
  X(ConnectionClose, connection_close, 10, 50, "connection.close")                                \
  X(ConnectionCloseOk, connection_close_ok, 10, 51, "connection.close-ok")                        \
  X(ConnectionBlocked, connection_blocked, 10, 60, "connection.blocked")                          \
  X(ConnectionUnblocked, connection_unblocked, 10, 61, "connection.unblocked")                    \
  X(ConnectionUpdateSecret, connection_update_secret, 10, 70, "connection.update-secret")         \
  X(ConnectionUpdateSecretOk, connection_update_secret_ok, 10, 71, "connection.update-secret-ok") \
  X(ChannelOpen, channel_open, 20, 10, "channel.open")                                            \
  X(ChannelOpenOk, channel_open_ok, 20, 11, "channel.open-ok")                                    \
  X(ChannelFlow, channel_flow, 20, 20, "channel.flow")                                            \
  X(ChannelFlowOk, channel_flow_ok, 20, 21, "channel.flow-ok")                                    \
  X(ChannelClose, channel_close, 20, 40, "channel.close")                                         \
  X(ChannelCloseOk, channel_close_ok, 20, 41, "channel.close-ok")                                 \
  X(AccessRequest, access_request, 30, 10, "access.request")                                      \
  X(AccessRequestOk, access_request_ok, 30, 11, "access.request-ok")                              \
  X(ExchangeDeclare, exchange_declare, 40, 10, "exchange.declare")                                \
  X(ExchangeDeclareOk, exchange_declare_ok, 40, 11, "exchange.declare-ok")                        \
  X(ExchangeDelete, exchange_delete, 40, 20, "exchange.delete")                                   \
  X(ExchangeDeleteOk, exchange_delete_ok, 40, 21, "exchange.delete-ok")                           \
  X(ExchangeBind, exchange_bind, 40, 30, "exchange.bind")                                         \
  X(ExchangeBindOk, exchange_bind_ok, 40, 31, "exchange.bind-ok")                                 \
  X(ExchangeUnbind, exchange_unbind, 40, 40, "exchange.unbind")                                   \
  X(ExchangeUnbindOk, exchange_unbind_ok, 40, 51, "exchange.unbind-ok")                           \
  X(QueueDeclare, queue_declare, 50, 10, "queue.declare")                                         \
  X(QueueDeclareOk, queue_declare_ok, 50, 11, "queue.declare-ok")                                 \
  X(QueueBind, queue_bind, 50, 20, "queue.bind")                                                  \
  X(QueueBindOk, queue_bind_ok, 50, 21, "queue.bind-ok")                                          \
  X(QueuePurge, queue_purge, 50, 30, "queue.purge")                                               \
  X(QueuePurgeOk, queue_purge_ok, 50, 31, "queue.purge-ok")                                       \
  X(QueueDelete, queue_delete, 50, 40, "queue.delete")                                            \
  X(QueueDeleteOk, queue_delete_ok, 50, 41, "queue.delete-ok")                                    \
  X(QueueUnbind, queue_unbind, 50, 50, "queue.unbind")                                            \
  X(QueueUnbindOk, queue_unbind_ok, 50, 51, "queue.unbind-ok")                                    \
  X(BasicQos, basic_qos, 60, 10, "basic.qos")                                                     \
  X(BasicQosOk, basic_qos_ok, 60, 11, "basic.qos-ok")                                             \
  X(BasicConsume, basic_consume, 60, 20, "basic.consume")                                         \
  X(BasicConsumeOk, basic_consume_ok, 60, 21, "basic.consume-ok")                                 \
  X(BasicCancel, basic_cancel, 60, 30, "basic.cancel")                                            \
  X(BasicCancelOk, basic_cancel_ok, 60, 31, "basic.cancel-ok")                                    \
  X(BasicPublish, basic_publish, 60, 40, "basic.publish")                                         \
  X(BasicReturn, basic_return, 60, 50, "basic.return")                                            \
  X(BasicDeliver, basic_deliver, 60, 60, "basic.deliver")                                         \
  X(BasicGet, basic_get, 60, 70, "basic.get")                                                     \
  X(BasicGetOk, basic_get_ok, 60, 71, "basic.get-ok")                                             \
  X(BasicGetEmpty, basic_get_empty, 60, 72, "basic.get-empty")                                    \
  X(BasicAck, basic_ack, 60, 80, "basic.ack")                                                     \
  X(BasicReject, basic_reject, 60, 90, "basic.reject")                                            \
  X(BasicRecoverAsync, basic_recover_async, 60, 100, "basic.recover-async")                       \
  X(BasicRecover, basic_recover, 60, 110, "basic.recover")                                        \
  X(BasicRecoverOk, basic_recover_ok, 60, 111, "basic.recover-ok")                                \
  X(BasicNack, basic_nack, 60, 120, "basic.nack")                                                 \
  X(BasicCredit, basic_credit, 60, 200, "basic.credit")                                           \
  X(BasicCreditOk, basic_credit_ok, 60, 201, "basic.credit-ok")                                   \
  X(BasicCreditDrained, basic_credit_drained, 60, 202, "basic.credit-drained")                    \
  X(ConfirmSelect, confirm_select, 85, 10, "confirm.select")                                      \
  X(ConfirmSelectOk, confirm_select_ok, 85, 11, "confirm.select-ok")                              \
  X(TxSelect, tx_select, 90, 10, "tx.select")                                                     \
  X(TxSelectOk, tx_select_ok, 90, 11, "tx.select-ok")                                             \
  X(TxCommit, tx_commit, 90, 20, "tx.commit")                                                     \
  X(TxCommitOk, tx_commit_ok, 90, 21, "tx.commit-ok")                                             \
  X(TxRollback, tx_rollback, 90, 30, "tx.rollback")                                               \
  X(TxRollbackOk, tx_rollback_ok, 90, 31, "tx.rollback-ok")

namespace naru::amqp {

/// Class id, then method id, as a method frame begins. A value from the wire may be none of these.
enum class Method : uint32_t {
#define NARU_ENUMERATOR(type, enumerator, class_id, method_id, text) enumerator = class_id << 16 | method_id,
  NARU_AMQP_METHODS(NARU_ENUMERATOR)
#undef NARU_ENUMERATOR
};

constexpr uint16_t class_id(Method method) { return static_cast<uint16_t>(static_cast<uint32_t>(method) >> 16); }
constexpr uint16_t method_id(Method method) { return static_cast<uint16_t>(method); }

/// "basic.publish"; empty for a method that does not exist.
std::string_view name(Method method);

/// Whether a content header and the body follow.
constexpr bool has_content(Method method) {
  return method == Method::basic_publish || method == Method::basic_return || method == Method::basic_deliver ||
         method == Method::basic_get_ok;
}

inline constexpr uint16_t basic_class = 60;

}  // namespace naru::amqp
