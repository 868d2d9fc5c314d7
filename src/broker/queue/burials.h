#pragma once
// Messages that a queue gives up, on their way to where dead letters go. Those for which there is no room there yet, or
// no place, are with nobody until there is: their queue lets go of them only then.
#include <deque>
#include <map>
#include <tuple>
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
  using Letter = std::pair<MessageId, Death>;
  using Place = std::tuple<uint8_t, uint16_t, Offset>;
  static Place place_of(const MessageId& id) { return {id.level, id.tenant, id.offset}; }
  bool are_kept() const;
  void read_later(const Letter& letter);
  io::Task<> read_all();
  void wait_for_room(const Letter& letter);
  io::Task<> bury_waiting();
  void try_again_later(const Letter& letter);
  io::Task<> try_all_again();

  QueueHost& host_;
  Queue& queue_;
  std::deque<Letter> to_read_;   // by one at a time: a consumer may have thousands, and reject them in one go
  std::vector<Letter> waiting_;  // until there is room for them
  std::deque<Letter> refused_;   // somewhere, and tried again
  bool reads_ = false, waits_ = false, tries_ = false;
  uint64_t buried_ = 0;
  /// Of those that were refused somewhere and are tried again: who has them already.
  std::map<Place, std::vector<uint64_t>> half_buried_;
};

}  // namespace naru
