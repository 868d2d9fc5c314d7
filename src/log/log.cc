#include "log/log.h"

#include "base/pack.h"
#include "base/prng.h"
#include "log/ack_cursor.h"
#include "log/record_batch.h"

namespace naru {
namespace {
constexpr uint64_t write_behind_step = 2 * MiB;
constexpr int64_t compacted_records_max = 100'000;  // of a segment of a compacted log
}  // namespace

Log::Log(LogContext& context, LogState state, LogSettings settings)
    : context_(context),
      state_(std::move(state)),
      settings_(settings),
      high_watermark_(state_.end),
      opened_ms_(context.loop.wall()) {
  if (!state_.segments.empty()) {
    readable_segment_ = active_base();
    readable_bytes_ = active_bytes();
  }
}

Log::~Log() {
  for (auto* waiter : std::exchange(waiters_, {})) waiter->on_gone();
}

/// The age at which the active segment closes: where there is jitter, chosen by its name, so that partitions which were
/// made together do not all roll at once.
int64_t Log::segment_age_ms_max() const {
  int64_t jitter = std::min(settings_.segment_jitter_ms, settings_.segment_ms);
  if (jitter <= 0) return settings_.segment_ms;
  Prng dice(state_.stream.value ^ static_cast<uint64_t>(active_base().value));
  return settings_.segment_ms - static_cast<int64_t>(dice.below(static_cast<uint64_t>(jitter)));
}

bool Log::must_roll(uint64_t bytes, int64_t timestamp) const {
  if (state_.segments.empty() || state_.segments.back().sealed || roll_wanted_) return true;
  const Segment& active = state_.segments.back();
  if (active.bytes == 0) return false;
  // Positions and relative offsets in an index are 32 bits wide.
  if (state_.end - active.base > INT32_MAX - 1'000'000) return true;
  // Compaction takes whole segments, and the keys of one have to fit into its memory.
  if (settings_.compact && state_.end - active.base >= compacted_records_max) return true;
  // Timestamps are the producers' word: any number at all.
  bool is_later = active.first_timestamp >= 0 && timestamp > active.first_timestamp;
  return active.bytes + bytes > settings_.segment_bytes ||
         (settings_.segment_ms > 0 && is_later && timestamp - active.first_timestamp >= segment_age_ms_max());
}

Result<void> Log::start_segment() {
  TRY(context_.files.create(state_.stream, Segment{.base = state_.end}));
  Bytes entry;
  Packer(entry).put(state_.stream.value).put(state_.end.value);
  mark_position_ = context_.journal.append(EntryKind::roll, entry);
  state_.note_roll(state_.end);
  touched_ = false;
  roll_wanted_ = false;
  if (state_.segments.size() > 1) {
    const Segment& sealed = state_.segments[state_.segments.size() - 2];
    context_.files.write_footer(state_.stream, sealed);
    context_.owner.touched({state_.stream, sealed.base, sealed.version});
  }
  return {};
}

void Log::set_settings(const LogSettings& settings) {
  // A segment holds batches of one level only: recovery must know whether the journal has them.
  // An empty one can take either; to roll it would give two segments one name.
  if (settings.durability != settings_.durability) roll_wanted_ = !state_.segments.empty() && active_bytes() > 0;
  settings_ = settings;
}

Result<void> Log::roll() {
  if (state_.segments.empty() || state_.segments.back().bytes == 0) return {};
  return start_segment();
}

Result<Appended> Log::append(std::span<uint8_t> batch, const BatchHeader& header) {
  if (header.has_producer()) {
    auto checked = state_.producers.check(header);
    // It may be on its way to the disk still, so the answer waits for all that is.
    if (!checked && checked.error().code == Code::duplicate) {
      int64_t max_timestamp = state_.producers.find(header)->max_timestamp;
      return Appended{Offset(checked.error().detail), context_.journal.end(), true, max_timestamp};
    }
    TRY_VOID(checked);
  }
  if (context_.journal.is_full()) return fail(Code::full, "no space left for the journal");
  if (must_roll(batch.size(), header.max_timestamp)) TRY_VOID(start_segment());

  BatchHeader placed = header;
  placed.base_offset = state_.end;
  placed.leader_epoch = context_.epoch;
  set_base_offset(batch, placed.base_offset);
  set_leader_epoch(batch, placed.leader_epoch);
  Segment& active = state_.segments.back();
  auto* entry = TRY(context_.files.open(state_.stream, active));
  uint8_t where[24];
  store_le(where, state_.stream.value);
  JournalPosition position;
  if (settings_.durability == Durability::sync) {
    store_le(where + 8, active.base.value);
    store_le(where + 16, active.bytes);
    // The segment gets its copy from the journal's buffer, when that is written: readers see neither before.
    position = context_.journal.append_copied(EntryKind::batch, where, batch, entry->file, active.bytes, copy_tail_);
  } else {
    // The file first: if the disk is full, nothing has happened yet.
    TRY_VOID(entry->file->write(active.bytes, ByteView(batch)));
    if (!marked_dirty_) mark_position_ = context_.journal.append(EntryKind::dirty, ByteView(where, 8));
    marked_dirty_ = has_unjournaled_ = true;
    position = mark_position_;
  }
  entry->note(placed, active.bytes);
  state_.note_batch(placed, static_cast<uint32_t>(batch.size()));
  if (active.max_timestamp < 0) untimed_segments_[active.base] = context_.loop.wall();
  if (placed.has_producer()) state_.producers.remember(placed, context_.loop.wall());
  if (!std::exchange(touched_, true)) context_.owner.touched({state_.stream, active.base, active.version});
  last_position_ = position;
  appended_at_ = context_.loop.now();
  context_.owner.appended(*this, position, batch.size());
  return Appended{.base = placed.base_offset, .position = position};
}

void Log::advance(Offset end, Offset segment, uint64_t segment_bytes) {
  if (end <= high_watermark_) return;
  CHECK(end <= state_.end);
  uint64_t more = segment == readable_segment_ ? segment_bytes - readable_bytes_ : segment_bytes;
  high_watermark_ = end;
  if (segment != readable_segment_) behind_bytes_ = 0;
  readable_segment_ = segment;
  readable_bytes_ = segment_bytes;
  // In steps, so that a checkpoint finds little left to sync and the journal does not have to wait behind it.
  if (readable_bytes_ >= behind_bytes_ + write_behind_step && segment == active_base()) {
    if (auto entry = context_.files.open(state_.stream, state_.segments.back()))
      context_.owner.settled((*entry)->file, behind_bytes_, readable_bytes_ - behind_bytes_);
    behind_bytes_ = readable_bytes_;
  }
  for (auto* waiter : waiters_) waiter->on_readable(more);
}

Result<JournalPosition> Log::trim(Offset offset) {
  if (offset < state_.begin) return context_.journal.end();
  if (offset > high_watermark_) return fail(Code::out_of_range, "cannot trim what is not durable", offset.value);
  bool loses_segments = state_.segments.size() > 1 && state_.segments[1].base <= offset;
  if (loses_segments) journal_producers();
  Bytes entry;
  Packer(entry).put(state_.stream.value).put(offset.value);
  auto position = context_.journal.append(EntryKind::begin, entry);
  auto gone = state_.note_begin(offset);
  for (const Segment& segment : gone) context_.files.close(state_.stream, segment);
  context_.owner.trimmed(*this);
  for (auto* waiter : waiters_) waiter->on_trimmed();
  if (!gone.empty()) context_.owner.released(state_.stream, std::move(gone));
  return position;
}

/// Recovery makes the window from the batches, and batches of level `os` are in the segments only, which are going.
void Log::journal_producers() {
  if (!has_unjournaled_ || state_.producers.size() == 0) return;
  Bytes window, entry;
  state_.producers.save(window);
  Packer(entry).put(state_.stream.value).put(state_.end.value).put(ByteView(window));
  context_.journal.append(EntryKind::producers, entry);
}

JournalPosition Log::drain() {
  CHECK(high_watermark_ == state_.end);
  journal_producers();
  uint8_t entry[16];
  store_le(entry, state_.stream.value);
  store_le(entry + 8, state_.end.value);
  auto position = context_.journal.append(EntryKind::drained, entry);
  auto gone = state_.note_drained();
  for (const Segment& segment : gone) context_.files.close(state_.stream, segment);
  readable_bytes_ = behind_bytes_ = 0;
  context_.owner.trimmed(*this);
  for (auto* waiter : waiters_) waiter->on_trimmed();
  if (!gone.empty()) context_.owner.released(state_.stream, std::move(gone));
  return position;
}

JournalPosition Log::seal() {
  CHECK(!state_.segments.empty() && !state_.segments.back().sealed);
  uint8_t entry[16];
  store_le(entry, state_.stream.value);
  store_le(entry + 8, state_.end.value);
  auto position = context_.journal.append(EntryKind::seal, entry);
  Segment& last = state_.segments.back();
  last.sealed = true;
  context_.files.write_footer(state_.stream, last);
  context_.owner.touched({state_.stream, last.base, last.version});
  return position;
}

JournalPosition Log::give_up(const Hole& hole) {
  uint8_t entry[40];
  store_le(entry, state_.stream.value);
  store_le(entry + 8, hole.first.value);
  store_le(entry + 16, hole.last.value);
  store_le(entry + 24, hole.at);
  store_le(entry + 32, hole.bytes);
  auto position = context_.journal.append(EntryKind::hole, entry);
  CHECK(state_.note_hole(hole));
  return position;
}

Offset Log::settled_floor() const {
  if (cursors_.empty()) return state_.begin;
  Offset floor = high_watermark_;
  for (const Attached& attached : cursors_) floor = std::min(floor, attached.cursor->floor());
  return std::max(floor, state_.begin);
}

/// Where no record says its time, Kafka takes the file's. Segments do not keep that: of those of earlier runs it is
/// known only that they are older than this one.
int64_t Log::written_by(const Segment& segment) const {
  if (segment.max_timestamp >= 0) return segment.max_timestamp;
  auto noted = untimed_segments_.find(segment.base);
  return noted != untimed_segments_.end() ? noted->second : opened_ms_;
}

Result<int64_t> Log::retain(int64_t wall_ms) {
  if (!settings_.remove_old || state_.segments.empty()) return io::never;
  auto expires = [&](const Segment& s) {
    int64_t written = written_by(s);
    if (settings_.retention_ms < 0 || written > io::never - settings_.retention_ms) return io::never;
    return written + settings_.retention_ms;
  };
  // The active segment goes too when all of it is old; Kafka rolls it then and so do we.
  const Segment& active = state_.segments.back();
  Offset keep_all_from = settings_.trim_to_cursors ? settled_floor() : high_watermark_;
  if (active.bytes > 0 && expires(active) <= wall_ms && keep_all_from == state_.end) TRY_VOID(roll());

  Offset keep_from = state_.begin;
  uint64_t bytes = state_.bytes();
  for (size_t i = 0; i + 1 < state_.segments.size(); ++i) {
    const Segment& s = state_.segments[i];
    bool too_old = expires(s) <= wall_ms;
    bool too_much =
        settings_.retention_bytes >= 0 && bytes - s.bytes >= static_cast<uint64_t>(settings_.retention_bytes);
    Offset next = state_.segments[i + 1].base;
    if ((!too_old && !too_much) || next > keep_all_from) break;
    keep_from = std::max(keep_from, next);
    bytes -= s.bytes;
  }
  if (keep_from > state_.begin) TRY(trim(keep_from));
  const Segment& first = state_.segments.front();
  untimed_segments_.erase(untimed_segments_.begin(), untimed_segments_.lower_bound(first.base));
  return first.bytes == 0 ? io::never : expires(first);
}

EpochStart Log::end_of_epoch(int32_t epoch) const {
  for (size_t i = state_.epochs.size(); i-- > 0;) {
    if (state_.epochs[i].epoch > epoch) continue;
    bool newest = i + 1 == state_.epochs.size();
    return {state_.epochs[i].epoch, newest ? high_watermark_ : state_.epochs[i + 1].start};
  }
  return {-1, Offset(-1)};
}

int32_t Log::epoch_at(Offset offset) const {
  for (size_t i = state_.epochs.size(); i-- > 0;)
    if (state_.epochs[i].start <= offset) return state_.epochs[i].epoch;
  return -1;
}

void Log::replace(Offset first, Offset last, std::vector<Segment> fresh) {
  auto from = std::ranges::find(state_.segments, first, &Segment::base);
  auto to = std::ranges::find(state_.segments, last, &Segment::base);
  CHECK(from != state_.segments.end() && to != state_.segments.end() && from <= to);
  for (auto s = from; s <= to; ++s) context_.files.close(state_.stream, *s);
  // All that is replaced can be read, perhaps right up to the high watermark.
  if (readable_segment_ >= first && readable_segment_ <= last && !fresh.empty()) {
    readable_segment_ = fresh.back().base;
    readable_bytes_ = fresh.back().bytes;
  }
  auto at = state_.segments.erase(from, to + 1);
  state_.segments.insert(at, fresh.begin(), fresh.end());
}

}  // namespace naru
