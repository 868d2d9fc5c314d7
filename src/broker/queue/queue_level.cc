#include "broker/queue/queue_level.h"

#include "broker/queue/message.h"
#include "broker/queue/topic_source.h"

namespace naru {

QueueLevel::QueueLevel(const LevelIds& its_ids) : ids(its_ids) {}
QueueLevel::~QueueLevel() = default;

Offset QueueLevel::end() const { return source ? source->end : log->bounds().end; }

void QueueLevel::buffer(int64_t timestamp, const NewMessage& message, ByteView headers, int32_t header_count) {
  if (header.count == 0) {
    batch.resize(batch_header_bytes);
    header.base_timestamp = header.max_timestamp = timestamp;
  }
  append_record(batch, timestamp - header.base_timestamp, header.count, message.key, message.body, headers,
                header_count);
  if (message.delayed_to) delays.emplace_back(header.count, *message.delayed_to);
  ++header.count;
  header.max_timestamp = std::max(header.max_timestamp, timestamp);
}

void QueueLevel::seal() {
  header.last_offset_delta = header.count - 1;
  seal_batch(batch, header);
}

Bytes QueueLevel::take_batch() {
  header = {};
  return std::exchange(batch, {});
}

void QueueLevel::mark(Offset offset, bool together) {
  auto& runs = together ? moved : settled;
  if (!runs.empty() && runs.back().last == offset.value) {
    ++runs.back().last;
  } else {
    runs.push_back({offset.value, offset.value + 1});
  }
}

void QueueLevel::move_settled() {
  settled.insert(settled.end(), moved.begin(), moved.end());
  moved.clear();
}

void QueueLevel::merge_settled() {
  std::ranges::sort(settled, {}, &Run::first);
  size_t runs = 0;
  for (const Run& one : settled) {
    if (runs > 0 && one.first <= settled[runs - 1].last) {
      settled[runs - 1].last = std::max(settled[runs - 1].last, one.last);
    } else {
      settled[runs++] = one;
    }
  }
  settled.resize(runs);
}

void QueueLevel::add_note(const TakenNote& note) {
  if (!notes.empty()) {
    TakenNote& last = notes.back();
    bool joins = last.last == note.first && last.attempts == note.attempts && last.first_ms == note.first_ms &&
                 last.until_ms == note.until_ms;
    if (joins) return (void)(last.last = note.last);
  }
  notes.push_back(note);
}

}  // namespace naru
