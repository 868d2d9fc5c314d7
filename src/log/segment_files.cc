#include "log/segment_files.h"

#include "log/record_batch.h"

namespace naru {
namespace {
// Coarser than Kafka's 4 KiB: a scan over what lies between costs less than the memory.
constexpr uint32_t step_bytes = 32 * KiB;

Result<SegmentIndex> stored_index(io::File& file, const Segment& segment) {
  uint64_t size = TRY(file.size());
  if (size <= segment.bytes || size - segment.bytes > 64 * MiB) return fail(Code::not_found, "segment: no index");
  Bytes footer(size - segment.bytes);
  TRY_VOID(file.read(segment.bytes, footer));
  return SegmentIndex::load(footer, segment.base, segment.bytes);
}

}  // namespace

Result<SegmentIndex> load_index(io::File& file, const Segment& segment, std::span<const Hole> holes) {
  if (auto stored = stored_index(file, segment)) return stored;
  SegmentIndex index(segment.base, step_bytes);
  auto note = [&](const BatchHeader& header, uint64_t at) {
    index.note(header, at);
    return true;
  };
  TRY_VOID(walk_headers(file, 0, segment.bytes, note, holes));
  return index;
}

SegmentFiles::Entry* SegmentFiles::insert(Key key, std::unique_ptr<io::File> file) {
  if (auto old = slots_.find(key); old != slots_.end()) let_go(old->second);
  while (order_.size() >= open_max_) {
    keep(order_.back());
    let_go(std::prev(order_.end()));
  }
  order_.push_front({key, {std::move(file), nullptr}});
  slots_[key] = order_.begin();
  Entry& entry = order_.front().entry;
  if (auto kept = kept_.find(key); kept != kept_.end()) {
    size_t bytes = kept->second->bytes();
    entry.index = std::move(kept->second->index);
    entry.indexed = kept->second->indexed;
    kept_order_.erase(kept->second);
    kept_.erase(kept);
    kept_bytes_ -= bytes;
  }
  return &entry;
}

void SegmentFiles::let_go(std::list<Slot>::iterator slot) {
  if (slot->entry.file.use_count() > 1) {
    std::erase_if(outlasting_, [](const auto& file) { return file.second.expired(); });
    outlasting_.emplace_back(slot->key, slot->entry.file);
  }
  slots_.erase(slot->key);
  order_.erase(slot);
}

void SegmentFiles::keep(Slot& slot) {
  // Without entries it is made again by a look at one step's bytes.
  if (!slot.entry.index || slot.entry.index->entries() == 0) return;
  kept_order_.push_front({slot.key, std::move(slot.entry.index), slot.entry.indexed});
  kept_[slot.key] = kept_order_.begin();
  kept_bytes_ += kept_order_.front().bytes();
  while (kept_bytes_ > kept_bytes_max_) drop_kept(std::prev(kept_order_.end()));
}

void SegmentFiles::drop_kept(std::list<Kept>::iterator kept) {
  kept_bytes_ -= kept->bytes();
  kept_.erase(kept->key);
  kept_order_.erase(kept);
}

bool SegmentFiles::is_in_use(const SegmentId& id) {
  auto slot = slots_.find(id);
  if (slot != slots_.end() && slot->second->entry.file.use_count() > 1) return true;
  return std::ranges::any_of(outlasting_, [&](const auto& file) { return file.first == id && !file.second.expired(); });
}

Result<SegmentFiles::Entry*> SegmentFiles::open(StreamId stream, const Segment& segment) {
  Key key{stream, segment.base, segment.version};
  if (auto slot = slots_.find(key); slot != slots_.end()) {
    if (slot->second != order_.begin()) order_.splice(order_.begin(), order_, slot->second);
    return &slot->second->entry;
  }
  return insert(key, TRY(disk_.open(segment_path(key), io::Open::write)));
}

Result<SegmentFiles::Entry*> SegmentFiles::create(StreamId stream, const Segment& segment) {
  Key key{stream, segment.base, segment.version};
  auto* entry = insert(key, TRY(disk_.open(segment_path(key), io::Open::create_new)));
  entry->index = std::make_unique<SegmentIndex>(segment.base, step_bytes);
  entry->indexed = 0;
  return entry;
}

Result<SegmentIndex*> SegmentFiles::index(StreamId stream, const Segment& segment, uint64_t written,
                                          std::span<const Hole> holes) {
  Entry* entry = TRY(open(stream, segment));
  if (!entry->index && segment.sealed) {
    if (auto stored = stored_index(*entry->file, segment)) {
      entry->index = std::make_unique<SegmentIndex>(std::move(*stored));
      entry->indexed = segment.bytes;
    }
  }
  if (!entry->index) {
    entry->index = std::make_unique<SegmentIndex>(segment.base, step_bytes);
    entry->indexed = 0;
  }
  if (entry->indexed >= written) return entry->index.get();
  bool fits = true;
  auto note = [entry, &segment, &fits](const BatchHeader& header, uint64_t at) {
    fits = SegmentIndex::fits(segment.base, header, at);
    if (!fits) return false;
    entry->index->note(header, at);
    entry->indexed = at + header.size_bytes();
    return true;
  };
  TRY_VOID(walk_headers(*entry->file, entry->indexed, written, note, holes));
  if (!fits) return fail(Code::corrupt, "a segment has more offsets than an index can have", segment.base.value);
  entry->indexed = written;
  if (segment.sealed && written == segment.bytes) write_footer(stream, segment);
  return entry->index.get();
}

void SegmentFiles::write_footer(StreamId stream, const Segment& segment) {
  Key key{stream, segment.base, segment.version};
  if (!slots_.contains(key) && !kept_.contains(key)) return;
  auto opened = open(stream, segment);
  if (!opened || !(*opened)->index || (*opened)->indexed != segment.bytes) return;
  Entry& entry = **opened;
  Bytes footer;
  entry.index->save(footer, segment.bytes);
  // Nothing may follow the footer: a write that was refused can have left some bytes there.
  bool written = entry.file->write(segment.bytes, footer).has_value();
  (void)entry.file->truncate(segment.bytes + (written ? footer.size() : 0)).has_value();
}

void SegmentFiles::close(StreamId stream, const Segment& segment) {
  Key key{stream, segment.base, segment.version};
  if (auto slot = slots_.find(key); slot != slots_.end()) let_go(slot->second);
  if (auto kept = kept_.find(key); kept != kept_.end()) drop_kept(kept->second);
}

Result<void> walk_headers(io::File& file, uint64_t at, uint64_t end,
                          const std::function<bool(const BatchHeader&, uint64_t)>& on_batch,
                          std::span<const Hole> holes) {
  // Small batches are walked in memory, large ones are stepped over. Most walks are short: each window is larger than
  // the one before.
  std::unique_ptr<uint8_t[]> window;
  uint64_t window_at = 0, window_bytes = 0, capacity = 0;
  for (;;) {
    for (; !holes.empty() && holes.front().at <= at; holes = holes.subspan(1)) at = std::max(at, holes.front().end());
    if (at >= end) return {};
    if (end - at < batch_header_bytes)
      return fail(Code::corrupt, "segment: ends inside a batch", static_cast<int64_t>(at));
    if (at < window_at || at + batch_header_bytes > window_at + window_bytes) {
      if (capacity < 64 * KiB) {
        capacity = std::max<uint64_t>(4 * KiB, 4 * capacity);
        window = std::make_unique_for_overwrite<uint8_t[]>(capacity);
      }
      window_at = at;
      window_bytes = std::min(capacity, end - at);
      TRY_VOID(file.read(at, std::span(window.get(), window_bytes)));
    }
    auto header = peek_header(ByteView(window.get() + (at - window_at), window_bytes - (at - window_at)));
    if (!header || header->size_bytes() > end - at)
      return fail(Code::corrupt, "segment: no record batch where one should begin", static_cast<int64_t>(at));
    if (!on_batch(*header, at)) return {};
    at += header->size_bytes();
  }
}

}  // namespace naru
