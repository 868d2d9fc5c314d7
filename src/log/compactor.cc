#include "log/compactor.h"

#include "log/record_batch.h"

namespace naru {
namespace {

/// What may be compacted now: sealed segments whose records are all readable and old enough.
std::vector<Segment> candidates(const Log& log, int64_t wall_ms) {
  std::vector<Segment> out;
  // What cursors have taken out of a log is not to be confused with what a later record of its key outdates.
  if (log.settings().trim_to_cursors || !log.state().holes.empty()) return out;
  const auto& segments = log.state().segments;
  for (size_t i = 0; i + 1 < segments.size(); ++i) {
    const Segment& s = segments[i];
    // Up to its end: what is above the high watermark may not even be in the file yet.
    if (!s.sealed || segments[i + 1].base > log.bounds().high_watermark) break;
    bool fresh = s.max_timestamp >= 0 && wall_ms - s.max_timestamp < log.settings().min_compaction_lag_ms;
    if (s.version == 0 && fresh) break;
    out.push_back(s);
  }
  return out;
}

/// The work itself, where blocking is allowed: it touches files and its own copy of the log's facts only.
class Rewrite {
 public:
  Rewrite(Store& store, const Log& log, std::vector<Segment> segments, size_t map_bytes, HashSecret secret,
          CleanRules rules)
      : disk_(store.disk()),
        cancel_(store.cancel()),
        stream_(log.stream()),
        segments_(std::move(segments)),
        end_(log.state().segments[segments_.size()].base),  // a segment that is not sealed always follows
        producers_(log.state().producers.remembered()),
        map_bytes_(map_bytes),
        secret_(secret),
        rules_(rules),
        segment_bytes_(log.settings().segment_bytes) {
    for (const Segment& s : segments_) version_ = std::max(version_, s.version + 1);
  }

  Result<void> run() {
    map_.emplace(map_bytes_, static_cast<size_t>(end_ - segments_.front().base), secret_);
    TRY_VOID(note_keys_of_new());
    for (size_t i = 0; i < taken_; ++i)
      TRY_VOID(clean(segments_[i], i + 1 < segments_.size() ? segments_[i + 1].base : end_));
    if (file_) TRY_VOID(file_->sync());
    return disk_.sync_folder(segment_folder);
  }
  /// Takes away what was written, when it is not wanted any more.
  void discard() {
    file_.reset();
    for (const Segment& s : fresh) (void)disk_.remove(segment_path({stream_, s.base, s.version})).has_value();
  }

  std::vector<Segment> fresh;
  Offset first() const { return segments_.front().base; }
  Offset last() const { return segments_[taken_ - 1].base; }
  size_t taken() const { return taken_; }
  uint64_t bytes_before = 0, bytes_after = 0;

 private:
  Result<void> each_batch(const Segment& s, const std::function<Result<bool>(ByteView)>& on_batch) {
    auto file = TRY(disk_.open(segment_path({stream_, s.base, s.version}), io::Open::read));
    Bytes batch;
    for (uint64_t at = 0; at < s.bytes;) {
      batch.resize(batch_header_bytes);
      TRY_VOID(file->read(at, batch));
      auto header = TRY(peek_header(batch));
      if (header.size_bytes() > s.bytes - at)
        return fail(Code::corrupt, "compaction: a batch reaches past its segment");
      batch.resize(header.size_bytes());
      TRY_VOID(file->read(at, batch));
      if (!TRY(on_batch(batch))) return {};
      if (cancel_.asked()) return fail(Code::closed, "compaction: the broker is stopping");
      at += header.size_bytes();
    }
    return {};
  }

  /// First pass, over what no round has seen. If the map gets full, this round ends before that segment.
  Result<void> note_keys_of_new() {
    taken_ = segments_.size();
    for (size_t i = 0; i < segments_.size(); ++i) {
      if (segments_[i].version > 0) continue;
      bool full = false;
      TRY_VOID(each_batch(segments_[i], [&](ByteView batch) -> Result<bool> {
        full = TRY(note_keys(*map_, batch)) == Noted::full;
        return !full;
      }));
      if (!full) continue;
      taken_ = i;
      break;
    }
    // To write what is clean anew would be work for nothing, and again with each round.
    auto is_new = [](const Segment& s) { return s.version == 0; };
    if (std::ranges::none_of(segments_.begin(), segments_.begin() + static_cast<long>(taken_), is_new))
      return fail(Code::busy, "compaction: one segment has more keys than memory for them");
    return {};
  }

  /// `end` is where the segment's offsets end. Those of a file have to fit into its index.
  Result<void> clean(const Segment& s, Offset end) {
    if (!file_ || fresh.back().bytes + s.bytes > segment_bytes_ || end - fresh.back().base > INT32_MAX) {
      if (file_) TRY_VOID(file_->sync());
      fresh.push_back({.base = s.base, .version = version_, .sealed = true});
      file_ = TRY(disk_.open(segment_path({stream_, s.base, version_}), io::Open::create_new));
    }
    Segment& into = fresh.back();
    bytes_before += s.bytes;
    return each_batch(s, [&](ByteView batch) -> Result<bool> {
      auto header = TRY(peek_header(batch));
      // The last batch of what is compacted stays as a header: offsets do not go back after a restart.
      bool is_last = header.next_offset() >= end_;
      auto keep = is_last || is_remembered(header) ? WhenEmpty::keep_header : WhenEmpty::drop;
      auto cleaned = TRY(clean_batch(batch, *map_, rules_, keep));
      if (cleaned.fate == Fate::dropped) return true;
      ByteView bytes = cleaned.fate == Fate::kept ? batch : ByteView(cleaned.batch);
      TRY_VOID(file_->write(into.bytes, bytes));
      into.bytes += bytes.size();
      into.max_timestamp = std::max(into.max_timestamp, header.max_timestamp);
      if (into.first_timestamp < 0) into.first_timestamp = header.max_timestamp;
      bytes_after += bytes.size();
      return true;
    });
  }

  bool is_remembered(const BatchHeader& header) const {
    auto at = std::ranges::lower_bound(producers_, header.producer_id, {}, &ProducerWindow::Remembered::producer_id);
    return at != producers_.end() && at->producer_id == header.producer_id && header.base_offset >= at->oldest;
  }

  io::Disk& disk_;
  const io::Cancel& cancel_;
  StreamId stream_;
  std::vector<Segment> segments_;
  uint32_t version_ = 1;  // of the new files: later than any of the old
  Offset end_;
  std::vector<ProducerWindow::Remembered> producers_;  // as they are now; what they forget later is kept once more
  size_t map_bytes_;
  HashSecret secret_;
  std::optional<KeyMap> map_;  // made where it may take a while
  CleanRules rules_;
  uint64_t segment_bytes_;
  size_t taken_ = 0;
  std::unique_ptr<io::File> file_;
};

/// The segments are those that the work began with.
bool unchanged(const Log& log, const std::vector<Segment>& seen, size_t count) {
  const auto& now = log.state().segments;
  if (now.size() < count) return false;
  for (size_t i = 0; i < count; ++i)
    if (now[i].base != seen[i].base || now[i].version != seen[i].version) return false;
  return true;
}

}  // namespace

/// Timestamps are the producers' word: any number at all.
static int64_t after(int64_t timestamp, int64_t ms) {
  return timestamp > io::never - ms ? io::never : std::max<int64_t>(timestamp, 0) + ms;
}

int64_t compaction_time(const Log& log, int64_t wall_ms) {
  const LogSettings& settings = log.settings();
  if (!settings.compact) return io::never;
  auto ready = candidates(log, wall_ms);
  uint64_t clean = 0, dirty = 0;
  int64_t due = io::never;
  for (const Segment& s : ready) {
    (s.version > 0 ? clean : dirty) += s.bytes;
    if (s.version > 0 || s.bytes == 0 || settings.max_compaction_lag_ms == INT64_MAX) continue;
    due = std::min(due, after(s.first_timestamp, settings.max_compaction_lag_ms));
  }
  if (dirty > 0 && static_cast<double>(dirty) > settings.min_cleanable_ratio * static_cast<double>(clean + dirty))
    return wall_ms;
  if (ready.size() < log.state().segments.size()) {  // the first that is too young yet
    const Segment& next = log.state().segments[ready.size()];
    if (next.sealed && next.version == 0)
      due = std::min(due, after(next.max_timestamp, settings.min_compaction_lag_ms));
  }
  return std::max(due, wall_ms);
}

io::Task<Result<uint64_t>> compact(Store& store, StreamId stream, size_t map_bytes, HashSecret secret) {
  Log* log = store.find(stream);
  if (!log) co_return uint64_t{0};
  int64_t wall = store.loop().wall();
  auto segments = candidates(*log, wall);
  if (segments.empty()) co_return uint64_t{0};
  CleanRules rules{wall, log->settings().delete_retention_ms};
  Rewrite rewrite(store, *log, segments, map_bytes, secret, rules);
  auto job = store.hold();
  auto done = co_await io::work(store.loop(), io::Lane::rewrite, [&] { return rewrite.run(); });
  log = store.find(stream);
  if (!done || !log || !unchanged(*log, segments, rewrite.taken())) {
    rewrite.discard();
    if (!done) co_return std::unexpected(done.error());
    co_return uint64_t{0};
  }
  store.replace(*log, rewrite.first(), rewrite.last(), rewrite.fresh);
  co_return rewrite.bytes_before - std::min(rewrite.bytes_before, rewrite.bytes_after);
}

}  // namespace naru
