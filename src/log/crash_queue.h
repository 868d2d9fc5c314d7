#pragma once
// The part of the crash test that knows what was promised about the cursors of a queue's log. Included by tests only.
#include <algorithm>

#include "base/testing.h"
#include "log/record_batch.h"
#include "log/store.h"

namespace naru {

struct QueueModel {
  struct Reader {
    CursorId id{};
    std::set<int64_t> asked{};      // settled
    std::set<int64_t> confirmed{};  // and told that this is durable
    std::vector<int64_t> held{};    // taken, nothing more
  };
  std::vector<Reader> readers;

  Reader* find(CursorId id) {
    auto found = std::ranges::find(readers, id, &Reader::id);
    return found == readers.end() ? nullptr : &*found;
  }
  /// Only what all have settled may be missing.
  bool may_be_gone(int64_t offset) const {
    return !readers.empty() &&
           std::ranges::all_of(readers, [&](const Reader& reader) { return reader.asked.contains(offset); });
  }

  /// After a start: what was confirmed is done, and nothing that nobody asked for. From here on what is, is.
  void verify(Store& store, StreamId stream, Offset end, bool may_lose) {
    for (Reader& reader : readers) {
      SCOPED_TRACE("cursor " + std::to_string(reader.id.value));
      AckCursor& cursor = store.cursor(reader.id, stream);
      EXPECT_LE(cursor.done_end(), end) << "offsets that count as settled would be given again";
      for (int64_t n : reader.confirmed) EXPECT_TRUE(cursor.is_done(Offset(n))) << n;
      std::set<int64_t> done;
      for (int64_t n = 0; n < end.value; ++n) {
        if (!cursor.is_done(Offset(n))) continue;
        done.insert(n);
        if (!may_lose) EXPECT_TRUE(reader.asked.contains(n)) << n << " was not settled by anybody";
      }
      reader.asked = reader.confirmed = std::move(done);
      reader.held.clear();
    }
  }
};

/// A consumer of a queue: takes a few records, settles most of them, forgets about some and gives some back. Returns
/// what it settled; on_change(change) journals it, and on_taken(note) how often it took what.
template <class OnChange, class OnTaken>
void consume(QueueModel::Reader& reader, AckCursor& cursor, Log& log, Prng& random, OnChange on_change,
             OnTaken on_taken) {
  for (uint64_t n = random.between(1, 12); n > 0; --n) {
    auto taken = cursor.take(log.bounds().high_watermark, HolderId(1));
    if (!taken) break;
    auto slice = log.read(taken->offset, 1);
    ASSERT_TRUE(slice) << slice.error().reason;
    Bytes batch(slice->range.length);
    ASSERT_TRUE(slice->range.file->read(slice->range.at, batch));
    auto header = peek_header(batch);
    ASSERT_TRUE(header) << "no batch at offset " << taken->offset.value;
    EXPECT_TRUE(header->base_offset <= taken->offset && taken->offset <= header->last_offset())
        << taken->offset.value << " was taken, " << header->base_offset.value << " is what the log has";
    reader.held.push_back(taken->offset.value);
    if (random.chance(0.3)) on_taken(TakenNote{taken->offset, taken->offset + 1, taken->attempt, 7, 0});
  }
  std::ranges::sort(reader.held);
  std::vector<int64_t> kept;
  for (size_t i = 0; i < reader.held.size();) {
    Offset first(reader.held[i]), last = first;
    if (random.chance(0.06)) {
      cursor.release(first, 0, 0);
      ++i;
    } else if (random.chance(0.1)) {
      kept.push_back(reader.held[i++]);
    } else {
      for (; i < reader.held.size() && reader.held[i] == last.value && !random.chance(0.2); ++i) ++last;
      if (first == last) continue;
      for (Offset at = first; at < last; ++at) reader.asked.insert(at.value);
      on_change(Change{first, last, Change::Kind::settle});
    }
  }
  reader.held = std::move(kept);
}

}  // namespace naru
