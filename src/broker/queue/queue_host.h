#pragma once
// All queues of one core, and the end of their turns: everything published since the last one is appended, then what
// was settled is written down, then consumers are served. In this order, so that a message that moves from one queue to
// another is in the journal at its new place before it leaves the old one. While the disk is full, what cannot be
// appended waits, and so does what left another queue for it; all else goes on.
#include <array>
#include <list>

#include "broker/core.h"
#include "broker/queue/queue.h"

namespace naru {

/// Where messages go that a queue gives up. Told while the message is still there; what it publishes in turn is
/// appended before the message leaves its queue.
class DeadLetters {
 public:
  virtual ~DeadLetters() = default;
  /// False if it found no place there, or not all. `takers` are the queues that have it from an earlier try and get it
  /// no more, by their ids; those that take it now are added.
  virtual bool bury(Queue& queue, const StoredRecord& record, Death why, std::vector<uint64_t>& takers) = 0;
  std::array<uint64_t, 4> buried{};  // by Death: how many found their exchange
};

/// Told when all that was published up to now is in the journal: confirm it once `position` is durable.
class TurnWaiter {
 public:
  virtual ~TurnWaiter() = default;
  virtual void on_appended(JournalPosition position) = 0;

 private:
  friend class QueueHost;
  bool waiting_ = false;
};

class QueueHost final : public QueueLogs {
 public:
  /// `unclean`: the last run ended without a checkpoint, so what it delivered is not known.
  QueueHost(Core& core, bool unclean);

  Core& core;
  io::Loop& loop;
  Store& store;
  const bool unclean;
  DeadLetters* dead_letters = nullptr;
  /// What queues that are gone had counted, by kind.
  std::array<Queue::Counters, QueueSettings::kinds> of_erased{};

  /// One object for queues that are declared alike one after another, as most are.
  std::shared_ptr<const QueueSettings> shared(QueueSettings settings);
  HolderId new_holder() { return HolderId(++last_holder_); }
  /// The queue has something to do at the end of this turn.
  void mark(Queue& queue);
  /// Once, at the end of this turn, unless the disk is full: then when it no longer is.
  void call_when_appended(TurnWaiter& waiter);
  void forget(TurnWaiter& waiter);
  /// Appends could not be made for want of space: publishers had better wait.
  bool is_blocked() const { return blocked_ || store.is_full(); }

  /// For what is published without a publisher who could be made to wait, dead letters: whether there is room for more
  /// now, and a wait until there is.
  bool has_room() const { return !is_blocked() && store.journal().has_room(); }
  io::Task<> room_for_more();
  /// Lets all others have a turn of the loop.
  io::Task<> next_turn();

  /// Before something is settled out of turn: it may have been for a message that was published in this turn, which has
  /// to be in the journal first. False if there is no space for that.
  bool append_published();

  /// What is settled while one of these lives leaves its queue for what is published in the same turn: not before all
  /// of that is in the journal. Other settlements wait for nothing, not even on a full disk.
  class Together {
   public:
    explicit Together(QueueHost& host) : host_(host) { ++host_.together_; }
    ~Together() { --host_.together_; }
    Together(const Together&) = delete;

   private:
    QueueHost& host_;
  };

  /// What was settled is on its way to other cores: `more`, or as many fewer.
  void count_sending(int more) { sending_ += more; }
  bool is_sending() const { return sending_ > 0; }

  /// Memory that queues use for messages: for what was published lately, and what was read back for consumers.
  int64_t kept_bytes() const { return kept_bytes_; }
  /// More than twice what they may at the end of a turn: what comes now is read back.
  bool has_kept_enough() const { return kept_bytes_ > 2 * kept_bytes_max; }
  /// Forgets what a window has; its memory stays until the end of the turn.
  void let_go(RecordWindow& window) { let_go_.push_back(window.give_up()); }

  Log* queue_log(StreamId stream) override;
  void catalog_changed() override;
  Result<Appended> append_to_queue(StreamId stream, std::span<uint8_t> batch, const BatchHeader& header,
                                   int64_t value_bytes) override;

 private:
  friend class LogReaders;
  friend class Queue;
  void plan();
  void end_turn();
  void tell_waiters();
  void drop_oldest_kept();
  void count_kept(Queue& queue, RecordWindow& window);
  void enlist(Queue& queue);
  void strike(Queue& queue);

  std::vector<std::shared_ptr<Queue>> dirty_;
  std::vector<TurnWaiter*> waiters_;
  struct Place {
    Queue* queue;
    uint8_t level;
  };
  std::unordered_map<StreamId, Place> by_stream_;
  std::vector<Queue*> with_topics_;
  int sending_ = 0, together_ = 0;
  std::shared_ptr<const QueueSettings> settings_;  // of the last queue
  std::list<Queue*> keepers_;                      // queues that may have messages in memory, the oldest first
  /// What queues keep in memory of what they have: beyond, the oldest is read back from its segments when it is wanted.
  static constexpr int64_t kept_bytes_max = 12 * MiB;
  int64_t kept_bytes_ = 0;
  std::vector<RecordWindow> let_go_;
  uint64_t last_holder_ = 0;
  bool planned_ = false, blocked_ = false;
  io::Timer retry_;
};

}  // namespace naru
