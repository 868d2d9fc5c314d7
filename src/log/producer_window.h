#pragma once
// What a log remembers of its idempotent producers, so that a batch sent twice is stored once and a gap is noticed.
//
// Rules (Kafka's): a batch repeats one of the producer's last five if epoch, first and last sequence are equal. Else
// its first sequence follows the last one; 2147483647 is followed by 0. A greater epoch starts at 0, a smaller one is
// fenced. Of a producer unknown here (new, expired, or trimmed away) any first sequence is taken.
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "log/record_batch.h"

namespace naru {

inline constexpr int64_t producer_expiry_ms = 24 * 60 * 60 * 1000;  // Kafka's producer.id.expiration.ms

/// Producer ids from here on are naru's own: what queues feed into topics. Their sequence numbers ascend with gaps, and
/// who appends looks himself at what is there (last). No client may use them.
inline constexpr int64_t feed_producers = int64_t{1} << 62;

/// One per log. The owner calls check before it appends a batch and remember after, in log order; recovery calls
/// remember (or marker) for each batch that it finds, and so arrives at the same state, as long as nobody was
/// forgotten.
class ProducerWindow {
 public:
  /// Kafka clients have at most five batches on the way.
  static constexpr size_t batches_max = 5;
  /// Ids are what clients say they are. Of more than so many, those that were used longest ago are forgotten.
  static constexpr size_t producers_max = 100'000;
  struct Batch {
    int32_t first_sequence = 0, last_sequence = 0;
    Offset base_offset{};
    int64_t max_timestamp = no_timestamp;  // what a duplicate is answered with under log append time
  };

  /// May this batch be appended? Fine also for batches without a producer id. Code::duplicate (detail = the offset that
  /// it got then; see find), Code::fenced (detail = the epoch known), Code::out_of_order (detail = the sequence that
  /// was expected).
  Result<void> check(const BatchHeader& header) const;
  /// The stored batch that this one repeats, or null. Valid until the next change.
  const Batch* find(const BatchHeader& header) const;

  struct Last {
    int16_t epoch;
    int32_t sequence;
  };
  /// What is stored last of a producer; nothing if it is unknown.
  std::optional<Last> last(int64_t producer_id) const;

  /// A batch was appended at header.base_offset. Nothing to do without a producer id.
  void remember(const BatchHeader& header, int64_t now_ms);
  /// A transaction's end was appended: the window stays, the transaction is over, a greater epoch fences the old one.
  void marker(int64_t producer_id, int16_t epoch, int64_t now_ms);

  /// Forgets producers idle for `idle_ms`, except in an open transaction. Returns how many went.
  size_t expire(int64_t now_ms, int64_t idle_ms = producer_expiry_ms);
  /// For compaction: from `oldest` on, the batches of this producer are remembered, and kept even when they are empty.
  struct Remembered {
    int64_t producer_id = 0;
    Offset oldest{};
  };
  /// By producer id.
  std::vector<Remembered> remembered() const;
  /// The first offset of the oldest open transaction: the last stable offset if there is one.
  std::optional<Offset> first_open_transaction() const;

  size_t size() const { return producers_.size(); }
  void clear() { producers_.clear(); }

  /// Appends a snapshot for a checkpoint: version u8 = 1, count u32, then per producer id i64, epoch i16, batches u8,
  /// last used i64, transaction begin i64 (-1 none), and per batch first and last sequence i32, offset i64, max
  /// timestamp i64. Little-endian; ids ascend.
  void save(Bytes& to) const;
  /// Reads exactly one snapshot. Code::corrupt if it is none, Code::unsupported if a later version wrote it.
  static Result<ProducerWindow> load(ByteView bytes);

 private:
  struct Producer {
    int64_t used_ms = 0;
    Offset transaction_first = Offset(-1);
    int16_t epoch = 0;
    uint8_t batches = 0;  // of `last`, oldest first
    std::array<Batch, batches_max> last{};
    int32_t next_sequence() const;
  };
  const Producer* find_producer(int64_t id) const;
  Producer& producer(int64_t id);
  void forget_oldest();

  // A tree, not a hash table: whoever makes ids up could make them collide.
  std::map<int64_t, Producer> producers_;
};

}  // namespace naru
