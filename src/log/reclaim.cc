#include "log/reclaim.h"

#include "log/store.h"

namespace naru {
namespace {

constexpr size_t punches_max = 256;  // in one go

std::vector<const AckCursor*> cursors_of(const Log& log) {
  std::vector<const AckCursor*> out;
  for (const Log::Attached& attached : log.cursors()) out.push_back(attached.cursor);
  return out;
}

int64_t settled_in(const Log& log) {
  int64_t sum = 0;
  for (const Log::Attached& attached : log.cursors()) sum += attached.cursor->done_count();
  return sum;
}

bool is_drained(const Log& log) {
  return log.active_bytes() > 0 && !log.cursors().empty() && log.settled_floor() == log.bounds().end;
}

}  // namespace

void keep_up(AckCursor& cursor, const LogState& log) {
  if (cursor.floor() < log.begin) cursor.settle(cursor.floor(), log.begin);
  for (const Hole& hole : log.holes)
    if (cursor.first_open(hole.first) < hole.last) cursor.settle(hole.first, hole.last);
}

Reclaim::Reclaim(Store& store, Limits limits)
    : store_(store), limits_(limits), timer_(store.loop(), [this] { on_timer(); }) {}

// --- at the end of a turn ---

void Reclaim::note(Log& log) {
  const LogSettings& settings = log.settings();
  // Where retention has a say, it looks in its own time.
  if (!settings.trim_to_cursors || settings.has_retention() || log.state().segments.empty()) return;
  Work& work = work_.try_emplace(log.stream(), Work{&log}).first->second;
  if (std::exchange(work.noted, true)) return;
  if (noted_.empty()) {
    store_.loop().at_turn_end([this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) sweep();
    });
  }
  noted_.push_back(log.stream());
}

void Reclaim::sweep() {
  if (store_.cancel().asked()) return;
  for (StreamId stream : std::exchange(noted_, {})) {
    auto found = work_.find(stream);
    if (found == work_.end()) continue;
    found->second.noted = false;
    trim(*found->second.log, found->second);
  }
}

void Reclaim::trim(Log& log, Work& work) {
  const auto& segments = log.state().segments;
  if (is_drained(log) && log.active_bytes() >= limits_.drained_bytes_max) {
    drain(log);
  } else {
    Offset floor = log.settled_floor(), begin = log.bounds().begin;
    for (size_t i = 1; i < segments.size() && segments[i].base <= floor; ++i) begin = segments[i].base;
    if (begin > log.bounds().begin) (void)log.trim(begin).has_value();
  }
  int64_t settled = settled_in(log), cursors = static_cast<int64_t>(log.cursors().size());
  bool has_some = !segments.empty() && settled > segments.front().base.value * cursors;
  if (has_some && settled != work.settled_seen)
    wait(work);
  else if (!work.waiting && segments.size() <= 1)
    work_.erase(log.stream());
}

void Reclaim::drain(Log& log) {
  log.drain();
  ++store_.counters().drained;
}

// --- a while later ---

void Reclaim::wait(Work& work) {
  if (std::exchange(work.waiting, true)) return;
  work.end_seen = work.log->bounds().end;
  waiting_.push_back({store_.loop().now() + limits_.wait_ms, work.log->stream()});
  arm();
}

void Reclaim::arm() {
  io::Millis due = io::never;
  if (!waiting_.empty()) due = waiting_.front().due;
  if (!punches_.empty()) due = std::min(due, punches_.front().due);
  if (due != io::never && due != timer_.deadline()) timer_.arm(due);
}

void Reclaim::on_timer() {
  if (store_.cancel().asked()) return;
  io::Millis now = store_.loop().now();
  while (!waiting_.empty() && waiting_.front().due <= now) {
    StreamId stream = waiting_.front().stream;
    waiting_.pop_front();
    auto found = work_.find(stream);
    if (found == work_.end() || !std::exchange(found->second.waiting, false)) continue;
    tend(found->second);
  }
  punch_ready();
  arm();
}

void Reclaim::tend(Work& work) {
  Log& log = *work.log;
  bool is_quiet = log.bounds().end == work.end_seen;
  work.settled_seen = settled_in(log);
  if (is_drained(log)) {
    if (!is_quiet) return wait(work);
    drain(log);
    work_.erase(log.stream());
    return;
  }
  if (is_quiet && wants_seal(log)) log.seal();
  if (wants_look(log, work)) look(work);
  if (work.look_from > Offset(0) || wants_seal(log)) wait(work);
}

/// Not for every few records more: each look reads a little around the edges of each run.
bool Reclaim::wants_look(const Log& log, const Work& work) const {
  const auto& segments = log.state().segments;
  if (!can_punch_ || segments.empty() || (segments.size() == 1 && !segments.back().sealed) || log.cursors().empty())
    return false;
  if (work.look_from > Offset(0)) return true;
  Offset base = segments.front().base;
  int64_t cursors = static_cast<int64_t>(log.cursors().size());
  int64_t records = log.bounds().end - base, before = base.value * cursors;
  for (const Hole& hole : log.state().holes) records -= hole.last - hole.first;
  int64_t fresh = settled_in(log) - std::max(work.looked_at, before);
  auto bytes = static_cast<double>(log.state().bytes());
  double fresh_bytes = bytes / static_cast<double>(std::max<int64_t>(records, 1)) * static_cast<double>(fresh);
  return fresh_bytes >= std::max(static_cast<double>(limits_.hole_bytes_min), bytes / 64);
}

/// A few records that are not done keep a segment that is not full: once sealed, the others can go.
bool Reclaim::wants_seal(const Log& log) const {
  const auto& segments = log.state().segments;
  if (!can_punch_ || segments.empty() || segments.back().sealed) return false;
  if (segments.back().bytes < limits_.seal_bytes_min) return false;
  Offset end = log.bounds().high_watermark, at = segments.back().base;
  if (end != log.bounds().end) return false;
  int64_t settled = 0, half = (end - at) / 2;
  auto cursors = cursors_of(log);
  for (size_t runs = 0; runs < limits_.runs_max && settled < half; ++runs) {
    auto run = next_settled(cursors, at, end);
    if (!run) break;
    settled += run->last - run->first;
    at = run->last;
  }
  return settled >= half;
}

// --- holes ---

void Reclaim::look(Work& work) {
  const Log& log = *work.log;
  auto cursors = cursors_of(log);
  std::vector<SettledSegment> settled;
  size_t runs = 0;
  Offset from = work.look_from;
  const auto& segments = log.state().segments;
  for (size_t i = 0; i < segments.size() && segments[i].sealed; ++i) {
    Offset limit = log.state().limit_of(i), at = std::max(from, segments[i].base);
    if (limit > log.bounds().high_watermark) break;
    if (at >= limit) continue;
    auto holes = log.state().holes_of(i);
    SettledSegment of{segments[i], limit, {holes.begin(), holes.end()}, {}};
    for (; runs < limits_.runs_max; ++runs) {
      auto run = next_settled(cursors, at, limit);
      at = run ? run->last : limit;
      if (!run) break;
      of.runs.push_back(*run);
    }
    if (!of.runs.empty()) settled.push_back(std::move(of));
    if (runs == limits_.runs_max) {
      work.look_from = at;  // goes on there next time
      break;
    }
  }
  if (runs < limits_.runs_max) {
    work.look_from = Offset(0);
    work.looked_at = settled_in(log);
  }
  if (!settled.empty()) look_for_holes(log.stream(), std::move(settled)).detach();
}

io::Task<> Reclaim::look_for_holes(StreamId stream, std::vector<SettledSegment> settled) {
  auto hold = store_.hold();
  std::vector<std::vector<Hole>> found(settled.size());
  co_await io::work(store_.loop(), io::Lane::rewrite, [&] {
    for (size_t i = 0; i < settled.size() && !store_.cancel().asked(); ++i) {
      const Segment& s = settled[i].segment;
      auto file = store_.disk().open(segment_path({stream, s.base, s.version}), io::Open::read);
      if (!file) continue;  // it went meanwhile, or descriptors are short
      if (auto holes = find_holes(**file, settled[i], limits_.hole_bytes_min)) found[i] = std::move(*holes);
    }
    return true;
  });
  for (size_t i = 0; i < found.size(); ++i)
    for (const Hole& hole : found[i]) dig(stream, settled[i].segment.base, hole);
}

void Reclaim::dig(StreamId stream, Offset base, const Hole& hole) {
  Log* log = store_.find(stream);
  if (!log || store_.cancel().asked()) return;
  auto segment = std::ranges::find(log->state().segments, base, &Segment::base);
  if (segment == log->state().segments.end()) return;
  auto run = next_settled(cursors_of(*log), hole.first, hole.last);  // a seek may have gone back
  if (!run || run->first != hole.first || run->last != hole.last) return;
  SegmentId id{stream, base, segment->version};
  auto position = log->give_up(hole);
  ++store_.counters().holes;
  punches_.push_back(
      {position, log->has_unjournaled(), id, hole.at, hole.bytes, store_.loop().now() + limits_.wait_ms});
  arm();
}

void Reclaim::punch_again(const Log& log) {
  for (size_t i = 0; i < log.state().segments.size(); ++i) {
    const Segment& s = log.state().segments[i];
    for (const Hole& hole : log.state().holes_of(i))
      punches_.push_back({0, false, {log.stream(), s.base, s.version}, hole.at, hole.bytes, store_.loop().now()});
  }
  arm();
}

void Reclaim::covered(JournalPosition position) {
  covered_ = position;
  for (Punch& punch : std::exchange(uncovered_, {})) {
    punch.due = store_.loop().now();
    (punch.position <= covered_ ? punches_.push_back(punch) : uncovered_.push_back(punch));
  }
  arm();
}

bool Reclaim::is_ready(const Punch& punch) const {
  // A slice that was handed out before may still be on its way to a client.
  return store_.journal().durable() >= punch.position && !store_.files().is_in_use(punch.segment);
}

void Reclaim::punch_ready() {
  std::vector<Punch> ready;
  io::Millis now = store_.loop().now();
  for (size_t left = punches_.size(); left > 0 && ready.size() < punches_max; --left) {
    if (punches_.front().due > now) break;
    Punch next = punches_.front();
    punches_.pop_front();
    Log* log = store_.find(next.segment.stream);
    auto is_segment = [&](const Segment& s) {
      return s.base == next.segment.base && s.version == next.segment.version;
    };
    if (!can_punch_ || !log || std::ranges::none_of(log->state().segments, is_segment)) continue;
    // Of batches that no journal has, recovery reads the segment up to its end, which it learns from the checkpoint.
    if (next.after_checkpoint && next.position > covered_) {
      uncovered_.push_back(next);
    } else if (is_ready(next)) {
      ready.push_back(next);
    } else {
      next.due = now + limits_.wait_ms;
      punches_.push_back(next);
    }
  }
  if (!ready.empty()) punch(std::move(ready)).detach();
}

io::Task<> Reclaim::punch(std::vector<Punch> ready) {
  auto hold = store_.hold();
  uint64_t punched = 0;
  auto done = co_await io::work(store_.loop(), io::Lane::bulk, [&]() -> Result<void> {
    for (const Punch& punch : ready) {
      auto file = store_.disk().open(segment_path(punch.segment), io::Open::write);
      if (!file) continue;
      // Whole blocks: to zero a part of one would be a write.
      constexpr uint64_t block = 4096;
      uint64_t from = (punch.at + block - 1) / block * block, to = (punch.at + punch.bytes) / block * block;
      if (from >= to) continue;
      TRY_VOID((*file)->punch(from, to - from));
      punched += to - from;
    }
    return {};
  });
  if (done) store_.counters().punched_bytes += punched;
  if (done) co_return;
  // A file system without holes; nothing depends on them. Any other trouble may pass.
  if (done.error().code == Code::unsupported) can_punch_ = false;
  for (Punch& punch : ready) {
    punch.due = store_.loop().now() + limits_.wait_ms;
    punches_.push_back(punch);
  }
  arm();
}

}  // namespace naru
