// Class tx (90): what is published and acknowledged takes effect with tx.commit, all in one turn of the loop, messages
// before acknowledgements. As in RabbitMQ a crash in the middle may keep a part: the messages, or some of them.
#include "amqp/session.h"

namespace naru::amqp {

Outcome Channel::tx_select() {
  if (confirming_) return Refusal{ReplyCode::precondition_failed, "cannot switch from confirm to tx mode"};
  if (!transaction_) transaction_ = std::make_unique<Transaction>();
  session_.send(number, TxSelectOk{});
  return {};
}

/// Keeps what content_ holds until the commit. Its way was found when it was published, as in RabbitMQ.
Outcome Channel::stage(ByteView body, bool has_bcc) {
  Transaction::Publish publish{.exchange = content_.exchange,
                               .routing_key = content_.routing_key,
                               .properties = {},
                               .body = Bytes(body.begin(), body.end()),
                               .mandatory = content_.mandatory,
                               .has_bcc = has_bcc,
                               .queues = route_.queues};
  append_properties(publish.properties, content_.properties);
  uint64_t& all = session_.door().staged_bytes;
  uint64_t bytes = publish.bytes(), max = session_.door().core.budget.total() / 2;
  if (all + bytes > max)
    return Refusal{ReplyCode::precondition_failed,
                   "transactions are larger than the memory for them, " + std::to_string(max) + " bytes"};
  all += bytes;
  transaction_->bytes += bytes;
  transaction_->published.push_back(std::move(publish));
  return {};
}

Outcome Channel::tx_commit() {
  if (!transaction_) return Refusal{ReplyCode::precondition_failed, "channel is not transactional"};
  bool accepted = true;
  for (const Transaction::Publish& one : transaction_->published) {
    content_.exchange = one.exchange;
    content_.routing_key = one.routing_key;
    content_.mandatory = one.mandatory;
    auto properties = decode_properties(one.properties);
    CHECK(properties);
    content_.properties = *properties;
    route_.version = 0;  // what follows is no longer what its key leads to
    route_.queues = one.queues;
    bool has_bcc = false;
    (void)gather_keys(&has_bcc);
    answer_copies(one.body);
    accepted &= hand_over(one.body, one.has_bcc);
  }
  end_content();
  // Whoever acknowledges together with what is published does so for that.
  std::optional<QueueHost::Together> together;
  if (!transaction_->published.empty()) together.emplace(session_.door().queues);
  for (const auto& settled : transaction_->settled) {
    settled.how(*settled.message.queue, settled.message.id);
    finished(settled.message);
  }
  together.reset();
  forget_transaction();
  transaction_ = std::make_unique<Transaction>();
  if (!accepted) return Refusal{ReplyCode::precondition_failed, "partial tx completion"};
  ++next_publish_;
  session_.confirm_after_turn(*this);  // commit-ok: Channel::confirm
  return {};
}

Outcome Channel::tx_rollback() {
  if (!transaction_) return Refusal{ReplyCode::precondition_failed, "channel is not transactional"};
  take_back_staged();
  forget_transaction();
  transaction_ = std::make_unique<Transaction>();
  session_.send(number, TxRollbackOk{});
  return {};
}

/// What was acknowledged and not committed is outstanding again.
void Channel::take_back_staged() {
  if (!transaction_) return;
  for (auto& settled : transaction_->settled) unsettled_.put_back(settled.tag, std::move(settled.message));
  transaction_->settled.clear();
}

void Channel::forget_transaction() {
  if (transaction_) session_.door().staged_bytes -= transaction_->bytes;
  transaction_.reset();
}

}  // namespace naru::amqp
