#pragma once
// What the two kinds of cursors share. A cursor says what one subscriber has done with one log; it does no I/O. What
// must survive a restart is a fold over Changes, which the owner writes to the journal, and a snapshot now and then.
#include <cstdint>

#include "base/pack.h"
#include "base/result.h"
#include "log/offset.h"

namespace naru {

/// Who holds a record: a consumer, a connection's channel, one receive call. The owner of the cursor gives the numbers;
/// a number is not used again while the former holder's records are out.
using HolderId = Strong<uint64_t, struct HolderTag>;

/// A time that never comes: a hold without deadline lasts as long as its holder.
inline constexpr int64_t never_ms = INT64_MAX;

/// The durable mutation of a cursor.
struct Change {
  enum class Kind : uint8_t {
    settle = 1,  // [first, last) is done
    seek = 2,    // first is the floor: below it all is done, from there on nothing is
  };
  Offset first{}, last{};
  Kind kind = Kind::settle;
  bool operator==(const Change&) const = default;
};

/// In a journal: kind u8, first i64, last i64.
inline void encode_change(Packer& to, const Change& change) {
  to.put(static_cast<uint8_t>(change.kind)).put(change.first.value).put(change.last.value);
}
inline Result<Change> decode_change(Unpacker& from) {
  auto kind = from.get<uint8_t>();
  Change change{Offset(from.get<int64_t>()), Offset(from.get<int64_t>()), static_cast<Change::Kind>(kind)};
  bool known = change.kind == Change::Kind::settle ? change.first < change.last : change.kind == Change::Kind::seek;
  if (!from.ok() || !known || change.first.value < 0) return fail(Code::corrupt, "change of a cursor");
  return change;
}

}  // namespace naru
