#include "log/time_search.h"

#include "log/log.h"
#include "log/record.h"

namespace naru {

/// Looks for a record in one part of a segment, step by step.
class SegmentWalk {
 public:
  SegmentWalk(const SegmentPart& part, Offset begin, WantedTime wanted)
      : file_(part.file),
        at_(part.from),
        to_(part.to),
        holes_(part.holes.begin(), part.holes.end()),
        begin_(begin),
        wanted_(wanted) {}

  bool is_over() const { return over_; }
  const Result<MaybeRecord>& found() const { return found_; }
  /// What it found is trimmed since.
  bool is_stale(Offset begin) const { return found_ && *found_ && (*found_)->offset < begin; }

  void step() {
    if (auto done = try_step(); !done) {
      found_ = std::unexpected(done.error());
      over_ = true;
    }
  }

 private:
  struct BatchAt {
    uint64_t at = 0;
    BatchHeader header;
  };

  /// Goes on until a batch has to be looked into, or enough was seen.
  Result<void> try_step() {
    constexpr uint64_t step_bytes = 16 * MiB;
    const uint64_t enough = at_ + step_bytes;
    std::optional<BatchAt> candidate;
    bool stopped = false;
    auto look = [&](const BatchHeader& header, uint64_t at) {
      stopped = at >= enough;
      at_ = at;
      if (stopped) return false;
      if (header.last_offset() < begin_ || header.count == 0) return true;
      if (wanted_ ? header.max_timestamp >= *wanted_ : header.base_offset < begin_) {
        candidate = {at, header};
        stopped = true;
        at_ = at + header.size_bytes();
      } else if (!wanted_ && (!latest_ || header.max_timestamp > latest_->header.max_timestamp)) {
        latest_ = {at, header};
      }
      return !stopped;
    };
    TRY_VOID(walk_headers(*file_, at_, to_, look, holes_));
    if (candidate) TRY_VOID(look_into(*candidate));
    if (!stopped && latest_) TRY_VOID(look_into(*latest_));
    over_ = !stopped || (wanted_ && *found_);
    return {};
  }

  /// Only the batch in which the log begins may have lost the record that its header means.
  Result<void> look_into(const BatchAt& batch) {
    const BatchHeader& header = batch.header;
    if (found_ && *found_ && (*found_)->timestamp >= header.max_timestamp) return {};
    if (header.log_append_time()) {  // all its records have this time
      note({std::max(header.base_offset, begin_), header.max_timestamp, header.leader_epoch});
      return {};
    }
    Bytes bytes(header.size_bytes());
    TRY_VOID(file_->read(batch.at, bytes));
    auto reader = TRY(RecordReader::open(bytes));
    Record record;
    while (TRY(reader.next(&record))) {
      if (record.offset < begin_ || (wanted_ && record.timestamp < *wanted_)) continue;
      note({record.offset, record.timestamp, header.leader_epoch});
      if (wanted_) break;
    }
    return {};
  }

  void note(const FoundRecord& record) {
    if (!*found_ || record.timestamp > (*found_)->timestamp) found_ = record;
  }

  std::shared_ptr<io::File> file_;  // nothing is given back of it meanwhile
  uint64_t at_, to_;
  std::vector<Hole> holes_;
  Offset begin_;
  WantedTime wanted_;
  bool over_ = false;
  Result<MaybeRecord> found_;      // the one that is wanted; else the newest so far
  std::optional<BatchAt> latest_;  // of those that are wholly there
};

Result<MaybeRecord> TimeSearch::in(const SegmentPart& part, Offset begin, WantedTime time) {
  auto& walk = walks_[{{part.segment, part.version}, time}];
  if (!walk || walk->is_stale(begin)) walk = std::make_shared<SegmentWalk>(part, begin, time);
  if (walk->is_over()) return walk->found();
  next_ = walk.get();
  return fail(Code::busy, "a segment has to be looked into");
}

void TimeSearch::look() { next_->step(); }

int64_t TimeSearch::greatest_time(const Segment& segment) {
  return greatest_.try_emplace({segment.base, segment.version}, segment.max_timestamp).first->second;
}

io::Task<Result<MaybeRecord>> find_by_time(io::Loop& loop, std::function<Log*()> log, WantedTime wanted) {
  constexpr int tries = 3;  // the index, the batches; and memory can be so short that they are gone again
  for (int i = 0; i < tries && log(); ++i) {
    std::optional<io::FileRange> range = log()->missing_for_time(wanted);
    if (!range) break;
    auto job = [&range] {
      range->file->load(range->at, range->length);
      return true;
    };
    co_await io::work(loop, io::Lane::reads, job);
  }
  TimeSearch search(wanted);
  while (Log* there = log()) {
    auto found = there->find_time(search);
    if (found || found.error().code != Code::busy) co_return found;
    auto job = [&search] {
      search.look();
      return true;
    };
    co_await io::work(loop, io::Lane::reads, job);
  }
  co_return fail(Code::closed, "the log is gone");
}

}  // namespace naru
