#include "log/index.h"

#include <algorithm>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/pack.h"

namespace naru {
namespace {

constexpr uint32_t footer_magic = 0x7864696e;  // "nidx" in a hex dump
constexpr uint8_t footer_version = 1;
constexpr size_t footer_entry_bytes = 4 + 4 + 8;

}  // namespace

void SegmentIndex::note(const BatchHeader& header, uint64_t position) {
  CHECK(header.base_offset >= base_ && fits(base_, header, position));
  uint64_t last = entries_.empty() ? 0 : entries_.back().position;
  CHECK(entries_.empty() || position > last);
  if (position - last >= step_bytes_)
    entries_.push_back(
        {static_cast<uint32_t>(header.base_offset - base_), static_cast<uint32_t>(position), max_timestamp_});
  if (header.max_timestamp > max_timestamp_) {
    max_timestamp_ = header.max_timestamp;
    max_timestamp_batch_ = header.base_offset;
  }
}

uint64_t SegmentIndex::position_for(Offset offset) const {
  auto next = std::ranges::upper_bound(entries_, offset - base_, {}, [](const Entry& e) { return int64_t{e.offset}; });
  return next == entries_.begin() ? 0 : std::prev(next)->position;
}

uint64_t SegmentIndex::position_after(Offset offset, uint64_t end) const {
  auto next = std::ranges::lower_bound(entries_, offset - base_, {}, [](const Entry& e) { return int64_t{e.offset}; });
  return next == entries_.end() ? end : next->position;
}

uint64_t SegmentIndex::position_for_time(int64_t ms) const {
  auto next = std::ranges::lower_bound(entries_, ms, {}, &Entry::max_before);
  return next == entries_.begin() ? 0 : std::prev(next)->position;
}

uint64_t SegmentIndex::floor_position(uint64_t position) const {
  auto next = std::ranges::upper_bound(entries_, position, {}, [](const Entry& e) { return uint64_t{e.position}; });
  return next == entries_.begin() ? 0 : std::prev(next)->position;
}

void SegmentIndex::save(Bytes& to, uint64_t segment_bytes) const {
  size_t begin = to.size();
  Packer out(to);
  out.put(footer_magic).put(footer_version).put(uint8_t{0}).put(uint16_t{0}).put(step_bytes_);
  out.put(static_cast<uint32_t>(entries_.size())).put(segment_bytes).put(base_.value);
  out.put(max_timestamp_).put(max_timestamp_batch_.value);
  for (const Entry& entry : entries_) out.put(entry.offset).put(entry.position).put(entry.max_before);
  out.put(crc32c(ByteView(to).subspan(begin)));
}

Result<SegmentIndex> SegmentIndex::load(ByteView footer, Offset base, uint64_t segment_bytes) {
  if (footer.size() < sizeof(uint32_t)) return fail(Code::corrupt, "index: cut short");
  ByteView body = footer.first(footer.size() - sizeof(uint32_t));
  if (load_le<uint32_t>(footer.data() + body.size()) != crc32c(body)) return fail(Code::corrupt, "index: checksum");
  Unpacker in(body);
  if (in.get<uint32_t>() != footer_magic) return fail(Code::corrupt, "index: magic");
  if (auto version = in.get<uint8_t>(); version != footer_version)
    return fail(Code::unsupported, "index: version", version);
  in.get<uint8_t>(), in.get<uint16_t>();
  SegmentIndex index(base, in.get<uint32_t>());
  auto count = in.get<uint32_t>();
  if (in.get<uint64_t>() != segment_bytes || in.get<int64_t>() != base.value)
    return fail(Code::corrupt, "index: of another segment");
  index.max_timestamp_ = in.get<int64_t>();
  index.max_timestamp_batch_ = Offset(in.get<int64_t>());
  if (!in.ok() || in.rest().size() != count * footer_entry_bytes) return fail(Code::corrupt, "index: length", count);
  index.entries_.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    Entry entry{in.get<uint32_t>(), in.get<uint32_t>(), in.get<int64_t>()};
    bool ascends =
        i == 0 || (entry.offset > index.entries_.back().offset && entry.position > index.entries_.back().position &&
                   entry.max_before >= index.entries_.back().max_before);
    if (!ascends || entry.position >= segment_bytes) return fail(Code::corrupt, "index: entries", i);
    index.entries_.push_back(entry);
  }
  return index;
}

Result<SegmentIndex> SegmentIndex::rebuild(Offset base, ByteView batches, uint32_t step_bytes) {
  SegmentIndex index(base, step_bytes);
  Offset next = base;
  for (size_t at = 0; at < batches.size();) {
    auto header = peek_header(batches.subspan(at));
    if (!header || header->size_bytes() > batches.size() - at || header->base_offset < next || !fits(base, *header, at))
      return fail(Code::corrupt, "index: no batch where one should begin", static_cast<int64_t>(at));
    index.note(*header, at);
    next = header->next_offset();
    at += header->size_bytes();
  }
  return index;
}

}  // namespace naru
