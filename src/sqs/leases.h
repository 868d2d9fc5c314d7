#pragma once
// The visibility timeout of a message does not run while whoever received it shows life, on queues with the tag
// naru:lease. It runs from the last sign of life: an open connection to the client itself, or any request with the same
// access key from the same address. Nothing comes back earlier than it would without, except with `strict`, which gives
// back at once what a closed connection had. So a timeout of ten seconds is right for jobs of half an hour.
//
// naru:lease = connection | strict; naru:lease-max = seconds that one receive may last in all (12 hours).
#include <unordered_map>
#include <vector>

#include "broker/queue/queue.h"
#include "sqs/attributes.h"
#include "sqs/holder.h"

namespace naru::sqs {

/// What a queue's tags say of it.
struct LeaseSettings {
  enum class Mode : uint8_t { off, connection, strict };
  Mode mode = Mode::off;
  int64_t max_ms = 12 * 3600 * 1000L;
};
/// What is no valid value counts as not set.
LeaseSettings lease_settings(const Tags& tags);

/// Who has which of a queue's messages. Pure.
class Leases {
 public:
  struct Lease {
    HolderPtr holder;
    int64_t lease_ms = 0;     // the visibility timeout
    int64_t received_ms = 0;  // wall clock
    uint32_t attempt = 1;
  };
  ~Leases() { clear(); }

  LeaseSettings settings() const { return settings_; }
  /// `off` forgets all: what is out is left to its plain timeout.
  void set(const LeaseSettings& settings);
  void add(const MessageId& id, Lease lease);
  /// The message has another timeout, from now on.
  void change(const MessageId& id, int64_t lease_ms);
  void remove(const MessageId& id);
  void clear();
  /// Until when the message stays with its holder, whose time is over by `wall_ms`: a time that is past if it does not,
  /// and then it is forgotten.
  int64_t longer(const MessageId& id, io::Millis now, int64_t wall_ms);
  /// Forgets what a closed connection had, and returns it.
  std::vector<std::pair<MessageId, uint32_t>> end(const Holder& holder);
  size_t size() const { return leases_.size(); }

 private:
  static uint64_t key_of(const MessageId& id) { return static_cast<uint64_t>(id.offset.value) << 8 | id.level; }
  void forget(std::unordered_map<uint64_t, Lease>::iterator at);

  LeaseSettings settings_;
  std::unordered_map<uint64_t, Lease> leases_;
};

}  // namespace naru::sqs
