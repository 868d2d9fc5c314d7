#pragma once
// The engine behind Queues: rows of the meta store beside the broker's own queues. Its parts that talk about one queue
// are LiveQueues.
#include "base/siphash.h"
#include "broker/vhost/names_in_transit.h"
#include "broker/vhost/virtual_hosts.h"
#include "sqs/queues.h"
#include "sqs/row.h"

namespace naru::sqs {

class LiveQueue;
class MoveTasks;

class Engine final : public Queues, TurnWaiter {
 public:
  /// `secret`: two numbers that nobody can guess, for a data folder that has no key for receipts yet.
  Engine(Core& core, QueueHost& host, VirtualHosts& hosts, MetaStore& meta, SipKey secret);
  ~Engine() override;

  /// Reads rows and key. Before queues are loaded, as it has a say in their settings.
  io::Task<Result<void>> load();
  /// What rows say of a queue's settings; called by whoever derives them.
  void derive(QueueDefinition& queue, std::string_view vhost) const;
  /// After queues were loaded: what was going on goes on. Before anybody asks for anything.
  io::Task<Result<void>> start();

  QueuePtr find(std::string_view name) override;
  io::Task<Outcome<Created>> create(std::string name, Attributes attributes, Tags tags) override;
  io::Task<Outcome<void>> remove(std::string name) override;
  std::vector<std::string> list(std::string_view prefix, std::string_view after, size_t max) override;
  std::vector<std::string> dead_letter_sources(std::string_view name, std::string_view after, size_t max) override;
  HolderPtr connected(std::string identity, bool is_direct) override;
  void seen(Holder& holder) override { holder.client->seen_at = core_.loop.now(); }
  void disconnected(Holder& holder) override;
  io::Task<Outcome<std::string>> start_move(std::string source, std::optional<std::string> destination,
                                            std::optional<int32_t> per_second_max) override;
  std::vector<MoveTask> moves(std::string_view source, size_t max) override;
  io::Task<Outcome<int64_t>> cancel_move(std::string id) override;

  // For LiveQueues:
  /// Resumes when all that was published and settled up to now is durable. False if the disk failed.
  io::Task<bool> durable();
  /// New messages would not be stored: the disk is full, or the broker is ending.
  bool is_unavailable() const;
  LiveQueue* live(std::string_view name);
  /// Makes the row what `edit` makes of it; memory follows the disk.
  io::Task<Outcome<void>> change_row(LiveQueue& queue, std::function<void(QueueRow&)> edit);
  VirtualHost* home() { return hosts_.find("/"); }
  DeclaredQueue* declared(std::string_view name);
  int64_t now_s() const { return core_.loop.wall() / 1000; }

  MetaStore& meta() { return meta_; }
  Core& core() { return core_; }
  QueueHost& host() { return host_; }
  const SipKey& key() const { return key_; }

 private:
  void on_appended(JournalPosition position) override;
  io::Task<Result<void>> load_key();
  io::Task<bool> commit_row(std::string name, const QueueRow* row);
  io::Task<Outcome<Created>> make(std::string name, QueueRow row);
  void queue_written(const MetaWrite& write);

  Core& core_;
  QueueHost& host_;
  VirtualHosts& hosts_;
  MetaStore& meta_;
  SipKey secret_, key_;
  std::map<std::string, QueueRow, std::less<>> rows_;
  std::map<std::string, std::shared_ptr<LiveQueue>, std::less<>> live_;
  NamesInTransit creating_;
  std::vector<io::Once<JournalPosition>*> durable_waiters_;
  std::unique_ptr<MoveTasks> moves_;
  std::unordered_map<std::string, std::weak_ptr<Client>> clients_;
  size_t clients_swept_at_ = 64;  // how many there may be before the gone ones are looked for
};

}  // namespace naru::sqs
