#pragma once
// Class 85, publisher confirms, which are RabbitMQ's, and class 90, transactions.
#include "amqp/wire/method_ids.h"
#include "amqp/wire/walkers.h"

namespace naru::amqp {

struct ConfirmSelect {
  static constexpr Method method = Method::confirm_select;
  bool nowait = false;
  static void describe(auto& wire, auto& m) { wire("nowait", m.nowait); }
};
struct ConfirmSelectOk {
  static constexpr Method method = Method::confirm_select_ok;
  static void describe(auto&, auto&) {}
};

struct TxSelect {
  static constexpr Method method = Method::tx_select;
  static void describe(auto&, auto&) {}
};
struct TxSelectOk {
  static constexpr Method method = Method::tx_select_ok;
  static void describe(auto&, auto&) {}
};
struct TxCommit {
  static constexpr Method method = Method::tx_commit;
  static void describe(auto&, auto&) {}
};
struct TxCommitOk {
  static constexpr Method method = Method::tx_commit_ok;
  static void describe(auto&, auto&) {}
};
struct TxRollback {
  static constexpr Method method = Method::tx_rollback;
  static void describe(auto&, auto&) {}
};
struct TxRollbackOk {
  static constexpr Method method = Method::tx_rollback_ok;
  static void describe(auto&, auto&) {}
};

}  // namespace naru::amqp
