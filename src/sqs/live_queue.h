#pragma once
// One queue at work: what comes from the wire becomes calls of the broker's queue, and the other way round.
#include "sqs/attempts.h"
#include "sqs/deduplication.h"
#include "sqs/engine.h"
#include "sqs/leases.h"
#include "sqs/receipt.h"
#include "sqs/record.h"

namespace naru::sqs {

class Receiver;

class LiveQueue final : public MessageQueue, public std::enable_shared_from_this<LiveQueue> {
 public:
  LiveQueue(Engine& engine, std::shared_ptr<naru::Queue> queue, QueueRow row);
  ~LiveQueue() override;

  const std::string& name() const override { return queue_->name; }
  const Attributes& attributes() const override { return row_.attributes; }
  const Tags& tags() const override { return row_.tags; }
  int64_t created_s() const override { return row_.created_s; }
  int64_t modified_s() const override { return row_.modified_s; }
  QueueCounts counts() override;
  bool is_gone() const override { return queue_->is_erased(); }
  io::Task<std::vector<Outcome<Sent>>> send(std::span<const Outgoing> messages) override;
  io::Task<Outcome<std::vector<Incoming>>> receive(ReceiveRequest request, std::shared_ptr<Poll> poll) override;
  void give_back(std::span<const Incoming> messages) override;
  io::Task<std::vector<Outcome<void>>> remove(std::span<const std::string_view> receipts) override;
  std::vector<Outcome<void>> change_visibility(std::span<const Visibility> changes) override;
  io::Task<Outcome<void>> purge() override;
  io::Task<Outcome<void>> set_attributes(Attributes attributes) override;
  io::Task<Outcome<void>> tag(Tags tags) override;
  io::Task<Outcome<void>> untag(std::vector<std::string> keys) override;

  naru::Queue& queue() { return *queue_; }
  const QueueRow& row() const { return row_; }
  void set_row(QueueRow row);
  /// A connection to the client itself has closed.
  void holder_gone(const Holder& holder);
  /// After a start: what was sent to a FIFO queue in the last five minutes, from its log.
  io::Task<Result<void>> remember();
  /// Publishes what a record of another queue holds: as it is, or as a message of now. False if the queue refuses it.
  bool take_over(const Record& record, const Journey& journey);
  bool take_anew(const Record& record);

 private:
  friend class Receiver;
  template <class T>
  io::Task<std::vector<Outcome<T>>> when_durable(std::vector<Outcome<T>> answers);
  Outcome<Sent> store(const Outgoing& message);
  Incoming message_of(const Record& record, const Receipt& receipt, int64_t first_taken_ms) const;
  /// The messages of a receive that asks again; nothing if they are not all with it any more.
  io::Task<std::vector<Incoming>> repeat(std::vector<Receipt> receipts, int64_t lease_ms);
  Outcome<Receipt> check(std::string_view receipt) const;
  bool is_done(const Receipt& receipt) const;
  Outcome<void> remove_one(std::string_view receipt);
  Outcome<void> change_one(const Visibility& change);

  Engine& engine_;
  std::shared_ptr<naru::Queue> queue_;
  QueueRow row_;  // as in the meta store, if it has one there
  HeaderMaker headers_;
  std::unique_ptr<Deduplication> sent_;  // of a FIFO queue
  Leases leases_;
  Attempts attempts_;
  std::optional<int64_t> purged_at_;  // on the loop's clock
};

}  // namespace naru::sqs
