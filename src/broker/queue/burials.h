#pragma once
// Messages that a queue gives up, on their way to where dead letters go. Those for which there is no room there yet, or
// no place, are with nobody until there is: their queue lets go of them only then.
#include <map>
#include <vector>

#include "broker/queue/message.h"
#include "broker/queue/queue_settings.h"
#include "io/task.h"

namespace naru {

class Queue;
class QueueHost;

class Burials {
 public:
  Burials(QueueHost& host, Queue& queue) : host_(host), queue_(queue) {}

  /// The message is with nobody but its queue. It has left when it is somewhere else.
  void bury(const MessageId& id, const StoredRecord& record, Death why);
  /// The same of one that may have to be read first.
  void find_and_bury(const MessageId& id, Death why);
  /// Dead letters need room, in memory and on the disk; messages that just go make some.
  bool must_wait() const;

 private:
  bool are_kept() const;
  io::Task<> read_and_bury(MessageId id, Death why);
  void wait_for_room(const MessageId& id, Death why);
  io::Task<> bury_waiting();
  io::Task<> try_again(MessageId id, Death why);

  QueueHost& host_;
  Queue& queue_;
  std::vector<std::pair<MessageId, Death>> waiting_;  // until there is room for them
  bool waits_ = false;
  /// Of those that were refused somewhere and are tried again: who has them already.
  std::map<std::pair<uint8_t, Offset>, std::vector<uint64_t>> half_buried_;
};

}  // namespace naru
