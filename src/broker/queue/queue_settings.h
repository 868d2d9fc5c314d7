#pragma once
// What a queue does with its messages, whatever protocol it was made by. Derived from its arguments and the policies
// that match its name.
#include <cstdint>
#include <optional>
#include <string>

#include "broker/queue/fair_share.h"
#include "log/log.h"

namespace naru {

/// What happens to a message that a full queue has no room for.
enum class Overflow : uint8_t {
  drop_head,           // the oldest message makes room, as a dead letter if there is a place for these
  reject_publish,      // the new one is refused
  reject_publish_dlx,  // the new one is refused, and becomes a dead letter
};

/// Why a message left its queue without having been processed.
enum class Death : uint8_t { rejected, expired, maxlen, delivery_limit };

/// How a message comes back from who held it.
enum class Return : uint8_t {
  looked_at,  // nobody was to process it: as if it had not been taken
  returned,   // was not processed
  failed,     // processing it failed, or ended its consumer
};

/// What comes back may have to wait: longer each time, by as much.
struct RetryDelay {
  bool of_failed = false, of_returned = false;
  int64_t step_ms = 0, most_ms = INT64_MAX;
  int64_t after(uint32_t attempts, Return how) const {
    if (how == Return::failed ? !of_failed : how == Return::returned ? !of_returned : true) return 0;
    return attempts > 0 && step_ms > most_ms / attempts ? most_ms : step_ms * attempts;
  }
  bool operator==(const RetryDelay&) const = default;
};

struct QueueSettings {
  Durability durability = Durability::sync;
  std::optional<int64_t> message_ttl_ms{};  // from when it was published
  std::optional<int64_t> lifetime_ms{};     // from its timestamp on, also of messages that are there already
  std::optional<int64_t> max_length{};      // ready messages
  std::optional<int64_t> max_bytes{};       // of their bodies
  Overflow overflow = Overflow::drop_head;
  std::optional<std::string> dead_letter_exchange{}, dead_letter_key{};
  /// A dead letter stays until it has a place there; only with reject_publish, as it would fill the queue.
  bool keeps_dead_letters = false;
  uint8_t max_priority = 0;  // 0: no priorities
  /// Of the messages of one key at most one is with a consumer at a time, in order. The key is the record's, or one of
  /// its headers.
  struct Key {
    std::string header{};  // empty: the record's key
    bool operator==(const Key&) const = default;
  };
  std::optional<Key> order_key{};
  /// Consumers get messages of each key in turn, however many there are of one.
  std::optional<Key> fair_key{};
  FairShare::Shares shares{};
  /// Messages of one group, which is the record's key, are strictly one after the other, also while some are out: see
  /// group_order.h. Only what is durable is handed out.
  bool grouped = false;
  /// The messages are the records of this topic, of all its partitions; the queue has no log of its own.
  std::optional<std::string> topic{};
  /// What comes is appended to this topic, and done here when it is there (topic_feed.h); nobody else gets it.
  std::optional<std::string> to_topic{};
  std::string topic_vhost{};  // where that topic belongs, if it is a stream's
  /// A log that consumers read and take nothing from. max_bytes is then of the whole log, and all that other queues do
  /// with messages (limits, expiry, priorities, dead letters) is not for it.
  bool is_stream = false;
  std::optional<int64_t> max_age_ms{};
  /// How long, and how much of, what was acknowledged can still be read. Nothing: not at all; one of them: that much.
  std::optional<int64_t> retain_ms{}, retain_bytes{};
  enum class Kind : uint8_t { classic, quorum, stream };
  static constexpr size_t kinds = 3;
  Kind kind() const { return is_stream ? Kind::stream : counts_deliveries ? Kind::quorum : Kind::classic; }
  bool retains() const { return is_stream || retain_ms || retain_bytes; }
  std::optional<uint64_t> segment_bytes{};
  bool single_active_consumer = false;
  bool counts_deliveries = false;            // consumers are told how often a message came back
  std::optional<uint32_t> delivery_limit{};  // how often a message may be given back
  RetryDelay retry_delay{};
  /// How long a consumer may keep a message without an acknowledgement. Nothing: for ever.
  std::optional<int64_t> consumer_timeout_ms{};
  bool operator==(const QueueSettings&) const = default;
};

/// Of the logs that such a queue lives in.
LogSettings queue_log_settings(const QueueSettings& settings);

}  // namespace naru
