#include "log/producer_window.h"

#include <algorithm>

#include "base/pack.h"

namespace naru {
namespace {

constexpr uint8_t save_version = 1;
constexpr size_t producer_bytes = 8 + 2 + 1 + 8 + 8;  // without batches

}  // namespace

// After an epoch bump, by a batch or by a marker, nothing was stored yet and numbers start over.
int32_t ProducerWindow::Producer::next_sequence() const {
  if (batches == 0) return 0;
  int32_t before = last[batches - 1].last_sequence;
  return before == INT32_MAX ? 0 : before + 1;
}

const ProducerWindow::Producer* ProducerWindow::find_producer(int64_t id) const {
  auto at = producers_.find(id);
  return at != producers_.end() ? &at->second : nullptr;
}

ProducerWindow::Producer& ProducerWindow::producer(int64_t id) {
  if (producers_.size() >= producers_max && !producers_.contains(id)) forget_oldest();
  return producers_.try_emplace(id, Producer{.epoch = -1}).first->second;
}

/// A tenth at a time, so that looking at all of them is rare.
void ProducerWindow::forget_oldest() {
  std::vector<int64_t> used;
  for (const auto& [id, known] : producers_)
    if (known.transaction_first.value < 0) used.push_back(known.used_ms);
  if (used.empty()) return;
  size_t left = std::min(producers_max / 10, used.size());
  std::ranges::nth_element(used, used.begin() + static_cast<long>(left) - 1);
  int64_t newest = used[left - 1];
  std::erase_if(producers_, [&](const auto& entry) {
    const Producer& known = entry.second;
    return left > 0 && known.transaction_first.value < 0 && known.used_ms <= newest && left-- > 0;
  });
}

const ProducerWindow::Batch* ProducerWindow::find(const BatchHeader& header) const {
  const Producer* known = header.has_producer() ? find_producer(header.producer_id) : nullptr;
  if (!known || known->epoch != header.producer_epoch) return nullptr;
  for (size_t i = 0; i < known->batches; ++i)
    if (known->last[i].first_sequence == header.base_sequence && known->last[i].last_sequence == header.last_sequence())
      return &known->last[i];
  return nullptr;
}

Result<void> ProducerWindow::check(const BatchHeader& header) const {
  if (!header.has_producer() || header.producer_id >= feed_producers) return {};
  const Producer* known = find_producer(header.producer_id);
  if (!known) return {};
  if (header.producer_epoch < known->epoch) return fail(Code::fenced, "an older producer epoch", known->epoch);
  if (const Batch* before = find(header)) return fail(Code::duplicate, "batch is stored", before->base_offset.value);
  int32_t expected = header.producer_epoch > known->epoch ? 0 : known->next_sequence();
  if (header.base_sequence != expected) return fail(Code::out_of_order, "sequence of the producer", expected);
  return {};
}

std::optional<ProducerWindow::Last> ProducerWindow::last(int64_t producer_id) const {
  const Producer* known = find_producer(producer_id);
  if (!known || known->batches == 0) return std::nullopt;
  return Last{known->epoch, known->last[known->batches - 1].last_sequence};
}

void ProducerWindow::remember(const BatchHeader& header, int64_t now_ms) {
  if (!header.has_producer()) return;
  Producer& known = producer(header.producer_id);
  if (header.producer_epoch != known.epoch) known.batches = 0;
  known.epoch = header.producer_epoch;
  known.used_ms = std::max(known.used_ms, now_ms);
  if (header.is_transactional() && known.transaction_first.value < 0) known.transaction_first = header.base_offset;
  if (known.batches == batches_max) {
    std::ranges::move(known.last.begin() + 1, known.last.end(), known.last.begin());
    --known.batches;
  }
  known.last[known.batches++] = {.first_sequence = header.base_sequence,
                                 .last_sequence = header.last_sequence(),
                                 .base_offset = header.base_offset,
                                 .max_timestamp = header.max_timestamp};
}

void ProducerWindow::marker(int64_t producer_id, int16_t epoch, int64_t now_ms) {
  Producer& known = producer(producer_id);
  if (epoch > known.epoch) {
    known.epoch = epoch;
    known.batches = 0;
  }
  known.used_ms = std::max(known.used_ms, now_ms);
  known.transaction_first = Offset(-1);
}

size_t ProducerWindow::expire(int64_t now_ms, int64_t idle_ms) {
  return std::erase_if(producers_, [&](const auto& entry) {
    return entry.second.transaction_first.value < 0 && entry.second.used_ms <= now_ms - idle_ms;
  });
}

std::vector<ProducerWindow::Remembered> ProducerWindow::remembered() const {
  std::vector<Remembered> out;
  for (const auto& [id, known] : producers_)
    if (known.batches > 0) out.push_back({id, known.last[0].base_offset});
  return out;
}

std::optional<Offset> ProducerWindow::first_open_transaction() const {
  std::optional<Offset> first;
  for (const auto& [id, known] : producers_)
    if (known.transaction_first.value >= 0 && (!first || known.transaction_first < *first))
      first = known.transaction_first;
  return first;
}

void ProducerWindow::save(Bytes& to) const {
  Packer out(to);
  out.put(save_version).put(static_cast<uint32_t>(producers_.size()));
  for (const auto& [id, known] : producers_) {
    out.put(id).put(known.epoch).put(known.batches).put(known.used_ms).put(known.transaction_first.value);
    for (size_t i = 0; i < known.batches; ++i) {
      const Batch& batch = known.last[i];
      out.put(batch.first_sequence).put(batch.last_sequence).put(batch.base_offset.value).put(batch.max_timestamp);
    }
  }
}

Result<ProducerWindow> ProducerWindow::load(ByteView bytes) {
  Unpacker in(bytes);
  if (auto version = in.get<uint8_t>(); in.ok() && version != save_version)
    return fail(Code::unsupported, "producers: version", version);
  auto count = in.get<uint32_t>();
  if (!in.plausible(count, producer_bytes)) return fail(Code::corrupt, "producers: count", count);
  ProducerWindow window;
  for (uint32_t n = 0; n < count; ++n) {
    Producer known;
    auto id = in.get<int64_t>();
    known.epoch = in.get<int16_t>();
    known.batches = in.get<uint8_t>();
    known.used_ms = in.get<int64_t>();
    known.transaction_first = Offset(in.get<int64_t>());
    if (id < 0 || (n > 0 && id <= window.producers_.rbegin()->first)) return fail(Code::corrupt, "producers: ids", n);
    if (known.batches > batches_max) return fail(Code::corrupt, "producers: batches", n);
    for (size_t i = 0; i < known.batches; ++i) {
      Batch& batch = known.last[i];
      batch.first_sequence = in.get<int32_t>();
      batch.last_sequence = in.get<int32_t>();
      batch.base_offset = Offset(in.get<int64_t>());
      batch.max_timestamp = in.get<int64_t>();
      if (batch.first_sequence < 0 || batch.last_sequence < 0) return fail(Code::corrupt, "producers: sequence", n);
    }
    window.producers_.emplace_hint(window.producers_.end(), id, known);
  }
  if (!in.at_end()) return fail(Code::corrupt, "producers: length");
  return window;
}

}  // namespace naru
