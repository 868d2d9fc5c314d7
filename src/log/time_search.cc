#include "log/time_search.h"

#include "log/log.h"
#include "log/record.h"

namespace naru {
namespace {

Result<MaybeRecord> look_into(const BatchPlace& batch, Offset begin, WantedTime wanted) {
  Bytes bytes(batch.header.size_bytes());
  TRY_VOID(batch.file->read(batch.at, bytes));
  auto reader = TRY(RecordReader::open(bytes));
  MaybeRecord newest;
  Record record;
  while (TRY(reader.next(&record))) {
    if (record.offset < begin) continue;
    FoundRecord here{record.offset, record.timestamp, batch.header.leader_epoch};
    if (wanted && record.timestamp >= *wanted) return here;
    if (!newest || record.timestamp > newest->timestamp) newest = here;
  }
  return wanted ? std::nullopt : newest;
}

}  // namespace

Result<MaybeRecord> TimeSearch::in(const BatchPlace& batch, Offset begin, WantedTime time) {
  const BatchHeader& header = batch.header;
  if (header.log_append_time()) {  // all its records have this time
    if (time && header.max_timestamp < *time) return std::nullopt;
    return FoundRecord{std::max(header.base_offset, begin), header.max_timestamp, header.leader_epoch};
  }
  if (header.codec() == Codec::none) return look_into(batch, begin, time);
  auto found = known_.find({header.base_offset, time});
  bool is_known = found != known_.end();
  bool was_trimmed = is_known && found->second && *found->second && (*found->second)->offset < begin;
  if (is_known && !was_trimmed) return found->second;
  next_ = batch, next_begin_ = begin, next_time_ = time;
  return fail(Code::busy, "a batch has to be inflated");
}

void TimeSearch::look() {
  known_.insert_or_assign({next_.header.base_offset, next_time_}, look_into(next_, next_begin_, next_time_));
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
    co_await io::work(loop, io::Lane::codec, job);
  }
  co_return fail(Code::closed, "the log is gone");
}

}  // namespace naru
