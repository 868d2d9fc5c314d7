#include "log/compact.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/endian.h"
#include "log/batch_builder.h"

namespace naru {
namespace {

// Four words that are stirred; the constants spell "somepseudorandomlygeneratedbytes".
struct Sip {
  uint64_t v0, v1, v2, v3;
  explicit Sip(const HashSecret& secret)
      : v0(secret.low ^ 0x736f6d6570736575),
        v1(secret.high ^ 0x646f72616e646f6d ^ 0xee),  // 0xee: the variant with 128 bits
        v2(secret.low ^ 0x6c7967656e657261),
        v3(secret.high ^ 0x7465646279746573) {}
  void rounds(int count) {
    for (; count > 0; --count) {
      v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
      v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
    }
  }
  void add(uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  uint64_t sum() const { return v0 ^ v1 ^ v2 ^ v3; }
};

}  // namespace

KeyHash hash_key(ByteView key, const HashSecret& secret) {
  Sip sip(secret);
  uint64_t last = static_cast<uint64_t>(key.size()) << 56;
  for (; key.size() >= 8; key = key.subspan(8)) sip.add(load_le<uint64_t>(key.data()));
  for (size_t i = 0; i < key.size(); ++i) last |= static_cast<uint64_t>(key[i]) << (8 * i);
  sip.add(last);
  sip.v2 ^= 0xee;
  sip.rounds(4);
  KeyHash hash{.low = sip.sum()};
  sip.v1 ^= 0xdd;
  sip.rounds(4);
  hash.high = sip.sum();
  return hash;
}

KeyMap::KeyMap(size_t bytes_max, size_t keys_max, const HashSecret& secret) : secret_(secret) {
  size_t room = std::max<size_t>(bytes_max / sizeof(Slot), 8);
  slots_.resize(keys_max < room / 8 * 7 ? std::max<size_t>(keys_max + keys_max / 7 + 2, 8) : room);
}

/// The slot that has this key, or the empty one where it belongs. There is always an empty one.
size_t KeyMap::find(const KeyHash& hash) const {
  // The high half of a product spreads evenly over any number of slots, without a division.
  auto at = static_cast<size_t>((static_cast<unsigned __int128>(hash.low) * slots_.size()) >> 64);
  while (slots_[at].next != 0 && slots_[at].hash != hash)
    if (++at == slots_.size()) at = 0;
  return at;
}

bool KeyMap::note(ByteView key, Offset offset) {
  KeyHash hash = hash_key(key, secret_);
  Slot& slot = slots_[find(hash)];
  if (slot.next == 0) {
    if (size_ >= slots_.size() - slots_.size() / 8) return false;
    ++size_;
  }
  slot.hash = hash;
  slot.next = std::max(slot.next, offset.value + 1);
  return true;
}

std::optional<Offset> KeyMap::last(ByteView key) const {
  const Slot& slot = slots_[find(hash_key(key, secret_))];
  if (slot.next == 0) return std::nullopt;
  return Offset(slot.next - 1);
}

Result<Noted> note_keys(KeyMap& map, ByteView batch) {
  RecordReader reader = TRY(RecordReader::open(batch));
  if (reader.header().is_control()) return Noted::all;
  Record record;
  while (TRY(reader.next(&record)))
    if (record.key && !map.note(*record.key, record.offset)) return Noted::full;
  return Noted::all;
}

namespace {

// What a look at all records of a batch found.
struct Verdict {
  std::vector<bool> keep;
  int32_t kept = 0;
  bool has_tombstone = false;  // among those kept
};

Result<Verdict> judge(RecordReader& reader, const KeyMap& map, const CleanRules& rules) {
  const BatchHeader& header = reader.header();
  bool tombstones_go = header.has_delete_horizon() && header.base_timestamp <= rules.now_ms;
  Verdict verdict;
  Record record;
  while (TRY(reader.next(&record))) {
    bool keep =
        record.key && (record.value || !tombstones_go) && map.last(*record.key).value_or(Offset(0)) <= record.offset;
    verdict.keep.push_back(keep);
    verdict.kept += keep;
    verdict.has_tombstone |= keep && !record.value;
  }
  return verdict;
}

BatchOptions options_of(const BatchHeader& header) {
  BatchOptions options{.base_offset = header.base_offset,
                       .codec = header.codec(),
                       .leader_epoch = header.leader_epoch,
                       .producer_id = header.producer_id,
                       .producer_epoch = header.producer_epoch,
                       .base_sequence = header.base_sequence,
                       .transactional = header.is_transactional(),
                       .control = header.is_control()};
  if (header.log_append_time()) options.log_append_time_ms = header.max_timestamp;
  return options;
}

}  // namespace

Result<Cleaned> clean_batch(ByteView batch, const KeyMap& map, const CleanRules& rules, WhenEmpty when_empty) {
  RecordReader reader = TRY(RecordReader::open(batch));
  const BatchHeader& header = reader.header();
  if (header.is_control()) return Cleaned{};
  Verdict verdict = TRY(judge(reader, map, rules));
  int32_t gone = header.count - verdict.kept;
  if (verdict.kept == 0 && when_empty == WhenEmpty::drop)
    return Cleaned{.fate = Fate::dropped, .batch = {}, .records_gone = gone};
  bool sets_horizon = verdict.has_tombstone && !header.has_delete_horizon();
  if (gone == 0 && !sets_horizon) return Cleaned{};

  BatchOptions options = options_of(header);
  if (verdict.kept == 0) {
    options.codec = Codec::none;
  } else if (header.has_delete_horizon()) {
    options.delete_horizon_ms = header.base_timestamp;
  } else if (sets_horizon) {
    options.delete_horizon_ms = rules.now_ms + rules.delete_retention_ms;
  }
  BatchBuilder builder(options);
  Record record;
  reader.rewind();
  for (bool keep : verdict.keep) {
    CHECK(TRY(reader.next(&record)));
    if (keep) builder.copy(record);
  }
  Cleaned cleaned{.fate = Fate::rewritten, .batch = {}, .records_gone = gone};
  cleaned.batch = TRY(builder.finish_at(header.last_offset(), header.max_timestamp));
  return cleaned;
}

}  // namespace naru
