#pragma once
// A queue: a log, an ack cursor over it, and who wants the messages. One log per priority in use. It knows no protocol:
// AMQP, SQS and JMS queues are this class with other settings and other consumers. Lives on one core.
//
// What was published in one turn of the loop becomes one record batch at its end, what was settled becomes one entry of
// the journal, and then consumers get what there is (QueueHost::end_turn). Everything here runs to its end without
// waiting, except where a backlog has to be read from its segments.
#include <functional>
#include <list>
#include <map>
#include <memory>

#include "broker/queue/burials.h"
#include "broker/queue/consumer_line.h"
#include "broker/queue/queue_level.h"
#include "broker/queue/queue_settings.h"
#include "log/store.h"

namespace naru {

class GroupOrder;
class LeaseTaker;
class LogReaders;
struct QueueLeases;
class TopicFeed;
class TopicSource;
struct Catalog;
class QueueHost;
class VirtualHost;

/// Told of what comes into a queue that nobody consumes from, and when it is to leave.
class QueueWatcher {
 public:
  virtual ~QueueWatcher() = default;
  virtual void published(Offset offset, int64_t now_ms, const NewMessage& message) = 0;
};

class Queue : public std::enable_shared_from_this<Queue> {
 public:
  /// `levels`: by priority, the lowest first.
  Queue(QueueHost& host, std::string name, std::vector<LevelIds> levels, QueueSettings settings);
  ~Queue();
  Queue(const Queue&) = delete;

  const std::string name;
  /// Names this queue and no other, for ever: its first log's stream.
  uint64_t id() const { return id_; }
  /// Whose queue it is: for the one that handles dead letters.
  VirtualHost* home = nullptr;
  /// Of a queue where messages wait for their time; lives as long as the queue. See amqp/delay_schedule.h.
  std::unique_ptr<QueueWatcher> watcher;
  /// Good until they are set again.
  const QueueSettings& settings() const { return *settings_; }
  void set_settings(QueueSettings settings);

  /// Adds a message; it is in the log at the end of the turn. False if the queue refuses it. `at` is told where it will
  /// stand, unless it was handed over and is written nowhere.
  bool publish(const NewMessage& message, MessageId* at = nullptr);

  /// Code::busy: somebody has it exclusively, or would have.
  Result<void> add(QueueConsumer& consumer);
  void remove(QueueConsumer& consumer);
  /// The consumer takes messages again.
  void wake(QueueConsumer& consumer);
  size_t consumer_count() const;
  /// Of a message, about: what those that came last take. 0 if that is not known.
  uint64_t mean_bytes() const;
  bool is_exclusively_consumed() const { return takers_.is_exclusive(); }
  const QueueConsumer* active_consumer() const { return takers_.active(); }

  /// Hands out one message outside of any subscription. False if there is none that is ready. The taker says false if
  /// it does not want it any more.
  using Taker = std::function<bool(const Delivery&, int64_t left)>;
  io::Task<bool> get(bool no_ack, Taker take);

  /// It was processed and may go.
  void settle(const MessageId& id);
  /// Back to its place.
  void requeue(const MessageId& id, Return how);
  /// Not to be delivered again: a dead letter, where the queue has a place for these.
  void reject(const MessageId& id, Death why = Death::rejected);

  // For those who take messages for a time (queue_leases.h):
  /// Served at the end of this turn, or when there is something. Unregisters before it goes, unless it was told done.
  void ask(LeaseTaker& taker);
  void forget(LeaseTaker& taker);
  /// Somebody's hold of a message, if that has an end.
  std::optional<AckCursor::Hold> lease(const MessageId& id);
  bool is_done(const MessageId& id) const;
  /// The leader epoch under which a message that is there was published.
  int32_t epoch_of(const MessageId& id) const;
  /// How often it was handed out, as far as is known.
  uint32_t attempts(const MessageId& id) const;
  /// Of a message that somebody has: when it was first taken.
  int64_t first_taken(const MessageId& id);
  /// Until then; from a time that is past on, others may have it. False if nobody holds it for a time.
  bool extend_lease(const MessageId& id, int64_t until_ms);
  /// A message whose hold ran out, and that nobody else got: held again. False if it cannot be.
  bool renew_lease(const MessageId& id, int64_t until_ms);
  /// As if it had never been handed out.
  void undo_lease(const MessageId& id);
  /// Asked when a hold runs out: a later time if it goes on. One for all, or nothing.
  void set_lease_rule(std::function<int64_t(const MessageId&)> longer);
  struct LeaseCounts {
    int64_t ready = 0, leased = 0, delayed = 0;
  };
  LeaseCounts lease_counts();
  /// As purge, and takes from those who have them, too.
  void clear();
  /// From now on messages of each key come in turn. Keys are those of the records; one without has its own.
  void share_fairly();

  /// After a start: what lies here from before may expire.
  void look_at_backlog();
  /// For queues over a topic, and those that feed one: the catalog has changed.
  void attach_topic(const Catalog& catalog);
  /// A partition's cursor is here.
  void source_ready(TopicSource& source);
  /// The name that messages without a routing key of their own were sent to.
  const std::string& home_name() const { return settings_->topic ? *settings_->topic : name; }
  // For watchers, of the only level:
  /// The oldest message from `from` on that is not settled; none if there is none below the log's end.
  std::optional<Offset> first_open(Offset from);
  /// What is appended from now on has this offset or a later one.
  Offset end() const { return levels_[0]->log ? levels_[0]->log->bounds().end : Offset(0); }
  /// As of the end of the last turn.
  bool is_settled(Offset offset) { return opened(0).cursor->is_done(offset); }
  /// Found::elsewhere: it cannot be read now, or the queue is gone. The record is good until the queue is asked again.
  io::Task<RecordWindow::Found> read(Offset offset, StoredRecord* record);
  bool is_erased() const { return erased_; }

  struct Counts {
    int64_t ready = 0, unacked = 0;
  };
  Counts counts();
  /// Settles all that nobody holds, also what is for later; returns how many.
  int64_t purge();
  /// What was acknowledged from there on is there again, for any consumer: of a queue that keeps it, or over a topic.
  /// What waits, or is with somebody, stays as it is. `from`: first, an offset (of a queue with one log), or a time.
  /// Returns how many messages came back; that is durable with all that is in this core's journal then.
  /// Code::unsupported: not with this queue, or not from such a place.
  io::Task<Result<int64_t>> replay(ReadStart from);
  /// Ends it: consumers are told, logs and cursors go. Returns how many messages were ready.
  int64_t erase();

  struct Counters {
    uint64_t published = 0, delivered = 0, redelivered = 0, acked = 0, got = 0;
    Counters& operator+=(const Counters& other);
  };
  const Counters& counters() const { return counters_; }
  /// When it was last used in a way that keeps a queue with an expiry alive: consumers, get, declare.
  io::Millis last_used_ms = 0;

 private:
  friend class Burials;
  friend class LogReaders;
  friend class QueueHost;
  struct Next {
    uint8_t level;
    AckCursor::Taken taken;
  };

  QueueLevel& opened(uint8_t level);
  void write_down(QueueLevel& level, const Change& change);
  io::Task<Result<void>> load(QueueLevel& level, Offset offset);
  bool append_batches();
  bool waits_for_space() const;
  bool append_batch(QueueLevel& level);
  Result<Appended> append_produced(uint8_t level, std::span<uint8_t> batch, const BatchHeader& header,
                                   int64_t body_bytes);
  bool is_unread() const;
  std::optional<int64_t> expiry_of(const StoredRecord& record) const;
  void apply_settled(bool all_appended);
  void dispatch();
  bool hand_over(const NewMessage& message);
  void hand_out(QueueConsumer& consumer, const Next& next, const StoredRecord& record);
  enum class Order : uint8_t { highest_first, lowest_first };
  void know_keys(QueueLevel& level);
  std::optional<Next> take_fair();
  void look_ahead();
  bool load_ahead();
  std::optional<Next> take_grouped();
  void look_at_groups();
  Offset known_end(const QueueLevel& level) const;
  bool is_looked_ahead() const;
  int64_t waiting_ahead() const;
  QueueLeases& leases();
  void serve_leases();
  void expire_leases();
  void plan_leases();
  enum class Filled : uint8_t { some, none, limited, loading };
  Filled fill(LeaseTaker& taker);
  void lease_out(LeaseTaker& taker, const Next& next, const StoredRecord& record);
  void finish(LeaseTaker& taker, Filled how);
  void write_notes();
  void delay_appended(QueueLevel& level, Offset base);
  void end_leases();
  std::optional<Next> take_oldest(HolderId holder, Order order = Order::highest_first);
  std::optional<Next> take_next(HolderId holder, Order order = Order::highest_first);
  void put_back(const Next& next);
  void give_back(QueueLevel& level, const MessageId& id, int64_t delay_ms);
  std::optional<Next> first_unknown();
  MessageId id_of(uint8_t level, Offset offset, size_t body_bytes = 0) const;
  bool is_stale(const MessageId& id) const;
  void feed_topic(const Catalog& catalog);
  std::optional<size_t> free_level() const;
  std::optional<Offset> oldest_idle(uint8_t index);
  io::Task<> load_and_go_on(Next next);
  io::Task<bool> bring(uint8_t level, Offset offset);
  io::Task<RecordWindow::Found> find(uint8_t level, Offset offset, StoredRecord* record);
  Delivery delivery(const Next& next, const StoredRecord& record) const;
  bool has_expired(const StoredRecord& record, bool is_waited_for) const;
  void mark_settled(const MessageId& id);
  void trim_to_limits();
  io::Task<> drop_heads();
  bool over_limits(std::optional<int64_t> coming = std::nullopt);
  bool is_counted(uint8_t level, Offset offset) const;
  void count_backlog();
  void count_anew();
  io::Task<> count_backlog_now();
  io::Task<Result<Offset>> place_of(QueueLevel& level, ReadStart from);
  void reopen(QueueLevel& level, Offset from);
  LogSettings log_settings() const;
  void end_turn();
  void forget_passed();
  void apply_retention(QueueLevel& level);
  void drop_kept();
  void expire_heads();
  io::Task<> expire_heads_now();
  Result<void> add_reader(QueueConsumer& consumer);
  void changed();

  QueueHost& host_;
  std::shared_ptr<const QueueSettings> settings_;  // other queues may have the same
  const uint64_t id_;
  std::vector<std::shared_ptr<QueueLevel>> levels_;  // who waits for one has it, too: another may take its place
  size_t first_level_ = 0;                           // whose turn it is, where all are equal: a topic's partitions
  ConsumerLine takers_;
  std::shared_ptr<TopicFeed> feed_;      // of one with to_topic
  std::unique_ptr<LogReaders> readers_;  // once there was one
  std::unique_ptr<FairShare> fair_;
  std::unique_ptr<GroupOrder> groups_;
  std::unique_ptr<QueueLeases> leases_;  // once there was one
  Offset looked_to_{};                   // for groups
  HolderId getter_{};
  int64_t ready_bytes_ = 0;  // bodies of messages that nobody holds; see count_backlog
  uint64_t purges_ = 0;      // what was taken before one is not among them any more
  bool counting_ = false;
  bool dirty_ = false, loading_ = false, trimming_ = false, expiring_ = false, erased_ = false, has_ttl_ = false;
  std::vector<io::Wakeup*> load_waiters_;
  Burials burials_;
  std::optional<std::list<Queue*>::iterator> keeper_;  // its place among those with messages in memory
  io::Timer expiry_;
  Counters counters_;
  Bytes headers_;  // of the message being published
};

}  // namespace naru
