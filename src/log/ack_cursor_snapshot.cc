// An ack cursor as bytes, for checkpoints.
#include <algorithm>

#include "base/varint.h"
#include "log/ack_cursor.h"

namespace naru {
namespace {
constexpr uint8_t save_version = 3;
// What stands beside the attempts of an exception.
constexpr uint64_t is_delayed = 1, is_held = 2, has_first_time = 4;
}  // namespace

void AckCursor::save(Bytes& to) const {
  Packer out(to);
  out.put(save_version).put(floor_);
  append_uvarint(to, done_.ranges().size());
  int64_t at = floor_;
  for (auto [first, last] : done_.ranges()) {
    append_uvarint(to, static_cast<uint64_t>(first - at));
    append_uvarint(to, static_cast<uint64_t>(last - first));
    at = last;
  }
  std::vector<const Entry*> kept;
  entries_.each([&](int64_t, const Entry& entry) {
    bool timed = entry.state == State::held && entry.due != never_ms;
    if (entry.attempts > 0 || entry.state == State::delayed || timed) kept.push_back(&entry);
  });
  std::ranges::sort(kept, {}, &Entry::offset);
  append_uvarint(to, kept.size());
  at = floor_;
  for (const Entry* entry : kept) {
    uint64_t how = entry->state == State::delayed                          ? is_delayed
                   : entry->state == State::held && entry->due != never_ms ? is_held
                                                                           : 0;
    if (entry->first_taken != 0) how |= has_first_time;
    append_uvarint(to, static_cast<uint64_t>(entry->offset - at));
    append_uvarint(to, uint64_t{entry->attempts} << 3 | how);
    if (how & (is_delayed | is_held)) {
      append_varint(to, entry->due);
      out.put(entry->key);
    }
    if (how & has_first_time) append_varint(to, entry->first_taken);
    at = entry->offset;
  }
  append_uvarint(to, static_cast<uint64_t>(std::max<int64_t>(doubtful_end_ - floor_, 0)));
}

void AckCursor::load_exception(Entry& entry, uint64_t head, int64_t due, uint64_t key, int64_t first_taken) {
  entry.attempts = static_cast<uint32_t>(head >> 3);
  entry.first_taken = first_taken;
  entry.key = key;
  entry.key_known = key != 0;
  if (head & is_delayed) return put_off(entry, due);
  if ((head & is_held) == 0) return put_back(entry);
  hold(entry, former_holder, due);
  --entry.attempts;
}

Result<AckCursor> AckCursor::load(ByteView bytes) {
  Unpacker from(bytes);
  auto version = from.get<uint8_t>();
  if (from.ok() && (version < 1 || version > save_version))
    return fail(Code::unsupported, "ack cursor: version", version);
  AckCursor cursor((Offset(from.get<int64_t>())));
  ByteView rest = from.rest();
  if (!from.ok() || cursor.floor_ < 0) return fail(Code::corrupt, "ack cursor: floor");
  auto number = [&](uint64_t* value) {
    int used = load_uvarint(rest, value);
    rest = rest.subspan(static_cast<size_t>(used));
    return used > 0;
  };
  constexpr auto offsets_max = static_cast<uint64_t>(INT64_MAX);
  uint64_t runs = 0, gap = 0, length = 0, exceptions = 0, head = 0;
  if (!number(&runs)) return fail(Code::corrupt, "ack cursor: runs");
  auto at = static_cast<uint64_t>(cursor.floor_);
  for (; runs > 0; --runs) {  // each takes bytes, so a count that lies ends soon
    if (!number(&gap) || !number(&length) || gap == 0 || length == 0 || gap > offsets_max - at ||
        length > offsets_max - at - gap)
      return fail(Code::corrupt, "ack cursor: run");
    cursor.done_.add(static_cast<int64_t>(at + gap), static_cast<int64_t>(at + gap + length));
    at += gap + length;
  }
  if (!number(&exceptions)) return fail(Code::corrupt, "ack cursor: exceptions");
  at = static_cast<uint64_t>(cursor.floor_);
  for (uint64_t n = 0; n < exceptions; ++n) {
    if (!number(&gap) || !number(&head) || (n > 0 && gap == 0) || gap >= offsets_max - at)
      return fail(Code::corrupt, "ack cursor: exception");
    at += gap;
    if (version < 3) head = head >> 1 << 3 | (head & 1);
    uint64_t how = head & (is_delayed | is_held), key = 0, due = 0, first_taken = 0;
    if (head >> 3 > UINT32_MAX || cursor.is_done(Offset(static_cast<int64_t>(at))) || how == (is_delayed | is_held))
      return fail(Code::corrupt, "ack cursor: exception");
    if (how != 0) {
      if (!number(&due) || rest.size() < sizeof key) return fail(Code::corrupt, "ack cursor: deadline");
      key = load_le<uint64_t>(rest.data());
      rest = rest.subspan(sizeof key);
    }
    if ((head & has_first_time) && !number(&first_taken)) return fail(Code::corrupt, "ack cursor: first time");
    cursor.load_exception(cursor.add(Offset(static_cast<int64_t>(at))), head, unzigzag(due), key,
                          unzigzag(first_taken));
  }
  uint64_t doubtful = 0;
  if (version > 1 && (!number(&doubtful) || doubtful > offsets_max - static_cast<uint64_t>(cursor.floor_)))
    return fail(Code::corrupt, "ack cursor: doubtful end");
  if (doubtful > 0) cursor.doubtful_end_ = cursor.floor_ + static_cast<int64_t>(doubtful);
  if (!rest.empty()) return fail(Code::corrupt, "ack cursor: bytes behind the end");
  return cursor;
}

}  // namespace naru
