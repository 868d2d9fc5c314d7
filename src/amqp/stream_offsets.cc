#include "amqp/stream_offsets.h"

#include <algorithm>
#include <charconv>

namespace naru::amqp {
namespace {

constexpr std::string_view row_prefix = "stream-offset/";
constexpr uint32_t shard = 0;             // that core 0 owns, whatever the number of cores
constexpr size_t sweep_rows_min = 1'000;  // so many are kept without a look at what is still of use

/// "stream-offset/128/tag"
std::string row_key(StreamId stream, std::string_view tag) {
  std::string key(row_prefix);
  key += std::to_string(stream.value);
  key += '/';
  return key.append(tag);
}

/// Nothing if it is no number.
std::optional<int64_t> number_in(std::string_view text) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<Offset> StreamOffsets::find(StreamId stream, std::string_view tag) const {
  std::string key = row_key(stream, tag);
  if (auto pending = pending_.find(key); pending != pending_.end()) return pending->second;
  const std::string* row = core_.store.table(shard).find(key);
  auto number = row ? number_in(*row) : std::nullopt;
  return number ? std::optional(Offset(*number)) : std::nullopt;
}

void StreamOffsets::store(StreamId stream, std::string_view tag, Offset next) {
  if (pending_.empty()) core_.loop.at_turn_end([this] { write(); });
  pending_[row_key(stream, tag)] = next;
}

void StreamOffsets::write() {
  Table& table = core_.store.table(shard);
  for (const auto& [key, next] : std::exchange(pending_, {})) {
    if (!table.find(key)) ++rows_;
    table.put(key, std::to_string(next.value));
  }
  if (rows_ >= sweep_at_) sweep();
}

/// Takes away what is of no use any more: of streams that are gone, and places before all that a stream has.
void StreamOffsets::sweep() {
  Table& table = core_.store.table(shard);
  std::set<StreamId> streams = hosts_.streams();
  std::vector<std::string> useless;
  rows_ = 0;
  table.each(row_prefix, [&](std::string_view key, std::string_view value) {
    ++rows_;
    StreamId stream(static_cast<uint64_t>(number_in(key.substr(row_prefix.size())).value_or(0)));
    const Log* log = streams.contains(stream) ? core_.store.find(stream) : nullptr;
    if (!log || Offset(number_in(value).value_or(0)) < log->bounds().begin) useless.emplace_back(key);
  });
  for (const std::string& key : useless) table.erase(key);
  rows_ -= useless.size();
  sweep_at_ = std::max(sweep_rows_min, 2 * rows_);
}

void StreamProgress::acknowledged(Offset offset) {
  auto found = std::ranges::lower_bound(given_, offset, {}, &Given::offset);
  if (found == given_.end() || found->offset != offset) return;
  found->acknowledged = true;
  bool moved = false;
  Offset next = offset;
  while (!given_.empty() && given_.front().acknowledged) {
    next = given_.front().offset + 1;
    given_.pop_front();
    moved = true;
  }
  if (!moved) return;
  if (!given_.empty()) next = given_.front().offset;  // what lies between was not wanted
  offsets_.store(stream_, tag_, next);
}

}  // namespace naru::amqp
