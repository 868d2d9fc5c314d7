#pragma once
#include <algorithm>
#include <optional>

#include "log/cursor.h"

namespace naru {

/// One committed position in one log: a Kafka consumer group on a partition, the reader of a stream, a durable
/// subscription. All below the position is done, nothing from it on. It may go back: that is how records are replayed.
class OffsetCursor {
 public:
  OffsetCursor() = default;
  /// Nothing committed yet: the subscriber's own rule says where it starts.
  bool is_set() const { return position_.value >= 0; }
  /// The next record to read. Only where is_set().
  Offset position() const { return position_; }
  /// The leader epoch that the subscriber had seen with it; -1 if it did not say.
  int32_t leader_epoch() const { return leader_epoch_; }

  /// Moves to `position`, forward or back. Returns the change to write down, or nothing if nothing changes.
  std::optional<Change> commit(Offset position, int32_t leader_epoch = -1) {
    if (position == position_ && leader_epoch == leader_epoch_) return std::nullopt;
    position_ = position;
    leader_epoch_ = leader_epoch;
    return Change{position, position, Change::Kind::seek};
  }
  /// Recovery: settle moves forward to its end, seek moves anywhere.
  void apply(const Change& change) {
    position_ = change.kind == Change::Kind::seek ? change.first : std::max(position_, change.last);
  }
  /// How many offsets are left up to `end`; 0 if the position is past it.
  int64_t lag(Offset end) const { return is_set() && position_ < end ? end - position_ : 0; }

  /// Version u8 = 1, position i64 (-1 not set), leader epoch i32.
  void save(Bytes& to) const { Packer(to).put(save_version).put(position_.value).put(leader_epoch_); }
  static Result<OffsetCursor> load(ByteView bytes) {
    Unpacker from(bytes);
    if (auto version = from.get<uint8_t>(); from.ok() && version != save_version)
      return fail(Code::unsupported, "offset cursor: version", version);
    OffsetCursor cursor;
    cursor.position_ = Offset(from.get<int64_t>());
    cursor.leader_epoch_ = from.get<int32_t>();
    if (!from.at_end() || cursor.position_.value < -1) return fail(Code::corrupt, "offset cursor");
    return cursor;
  }

 private:
  static constexpr uint8_t save_version = 1;
  Offset position_{-1};
  int32_t leader_epoch_ = -1;
};

}  // namespace naru
