#pragma once
// Consumers that read a queue's log and take nothing away: all those of a stream, and of a queue those that asked for a
// place to begin at. Each has a place of its own. They see what is durable and nothing else, so that whoever remembers
// an offset finds the same message there after a crash. Belongs to its queue.
#include <memory>
#include <vector>

#include "broker/queue/queue.h"

namespace naru {

class LogReaders final : ReadWaiter {
 public:
  LogReaders(QueueHost& host, Queue& queue) : host_(host), queue_(queue) {}
  ~LogReaders() override { close(); }

  /// Where the consumer's start is in the log is found out at once, or as soon as the disk has told.
  void add(Log& log, QueueConsumer& consumer);
  void remove(QueueConsumer& consumer);
  bool any() const { return !readers_.empty(); }
  size_t size() const;
  /// Hands out what there is to those that take; `recent` is what the queue has in memory.
  void dispatch(RecordWindow& recent);
  /// The first offset from `kept` on that one of them will want from memory; `end` if none will.
  Offset wanted_from(Offset kept, Offset end) const;
  /// Forgets what was read from the disk ahead of its readers.
  void drop_kept();
  /// The log is going: all readers are forgotten. Says who they were.
  std::vector<QueueConsumer*> close();

 private:
  struct Reader {
    QueueConsumer* consumer;  // null: it has left
    Offset next{};
    bool busy = false;  // its start is looked up, or its next run is read
    RecordWindow run{};
  };
  using ReaderPtr = std::shared_ptr<Reader>;  // one that left may be waiting for the disk still

  void on_readable(uint64_t bytes) override;
  void on_gone() override { log_ = nullptr; }
  void serve(const ReaderPtr& reader, RecordWindow& recent);
  void forget_run(Reader& reader);
  io::Task<> seek(ReaderPtr reader);
  io::Task<> load(ReaderPtr reader);
  io::Task<bool> warm(std::optional<io::FileRange> range);

  QueueHost& host_;
  Queue& queue_;
  Log* log_ = nullptr;  // null: nobody reads, or it is gone
  std::vector<ReaderPtr> readers_;
  size_t first_ = 0;  // who is served first
  bool serving_ = false;
};

}  // namespace naru
