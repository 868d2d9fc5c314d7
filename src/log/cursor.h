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

/// That records were taken, how often and until when somebody has them; or what has become of that. Not needed to know
/// what is done, but whoever counts receives wants to go on counting after a crash.
struct TakenNote {
  Offset first{}, last{};
  uint32_t attempts = 0;
  int64_t first_ms = 0;  // when they were taken first; 0: not known
  int64_t until_ms = 0;  // held until then; without attempts or a first time: delayed; 0: neither
  bool operator==(const TakenNote&) const = default;
};

/// In a journal: first i64, last i64, attempts u32, first time i64, until i64.
inline void encode_note(Packer& to, const TakenNote& note) {
  to.put(note.first.value).put(note.last.value).put(note.attempts).put(note.first_ms).put(note.until_ms);
}
inline Result<TakenNote> decode_note(Unpacker& from) {
  TakenNote note{Offset(from.get<int64_t>()), Offset(from.get<int64_t>()), from.get<uint32_t>(), from.get<int64_t>(),
                 from.get<int64_t>()};
  if (!from.ok() || note.first.value < 0 || note.last <= note.first) return fail(Code::corrupt, "note of a cursor");
  return note;
}

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
