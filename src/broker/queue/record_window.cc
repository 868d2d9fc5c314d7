#include "broker/queue/record_window.h"

#include <charconv>

#include "log/batch_builder.h"

namespace naru {

void RecordWindow::keep(Offset first, Offset end, Bytes batch) {
  kept_bytes_ += batch.capacity();
  kept_.push_back({.first = first, .end = end, .bytes = std::move(batch), .next = first});
}

void RecordWindow::forget_below(Offset offset) {
  for (; passed_ < kept_.size() && kept_[passed_].end <= offset; ++passed_)
    kept_bytes_ -= std::exchange(kept_[passed_].bytes, {}).capacity();
  if (2 * passed_ >= kept_.size()) {
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<ptrdiff_t>(passed_));
    passed_ = 0;
  }
  if (run_.end <= offset) run_ = {};
}

void RecordWindow::clear() {
  kept_ = {};
  passed_ = 0;
  kept_bytes_ = 0;
  run_ = {};
}

RecordWindow RecordWindow::give_up() {
  RecordWindow given;
  given.kept_.swap(kept_);
  std::swap(given.run_, run_);
  clear();
  return given;
}

RecordWindow::Found RecordWindow::find(Offset offset, StoredRecord* record) {
  if (!kept().empty() && offset >= kept().back().end) return Found::elsewhere;  // not appended yet
  if (!kept().empty() && offset >= kept_from()) {
    auto after = std::ranges::upper_bound(kept(), offset, {}, &Run::first);
    return find_in(*std::prev(after), offset, record);
  }
  if (offset >= run_.first && offset < run_.end) return find_in(run_, offset, record);
  return Found::elsewhere;
}

namespace {

/// Key, value and headers; the header that says when the record expires is taken out.
void fill(StoredRecord* record, const RawRecord& raw, bool may_expire) {
  record->key.reset();
  record->value.reset();
  record->expires_ms.reset();
  if (raw.key_bytes >= 0) record->key = ByteView(raw.key, static_cast<size_t>(raw.key_bytes));
  if (raw.value_bytes >= 0) record->value = ByteView(raw.value, static_cast<size_t>(raw.value_bytes));
  ByteView headers(raw.headers, static_cast<size_t>(raw.end - raw.headers));
  record->headers = Headers(headers, raw.header_count);
  if (raw.header_count == 0 || !may_expire) return;
  Header first = *record->headers.begin();
  if (first.name != expires_header || !first.value) return;
  std::string_view digits = text(*first.value);
  int64_t ms = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), ms).ec == std::errc()) record->expires_ms = ms;
  auto behind = static_cast<size_t>(first.value->data() + first.value->size() - raw.headers);
  record->headers = Headers(headers.subspan(behind), raw.header_count - 1);
}

}  // namespace

RecordWindow::Found RecordWindow::find_in(Run& run, Offset offset, StoredRecord* record) const {
  if (offset < run.next) run.batch_at = run.record_at = 0, run.next = run.first;
  while (run.batch_at < run.bytes.size()) {
    ByteView rest = ByteView(run.bytes).subspan(run.batch_at);
    auto header = peek_header(rest);
    if (!header) return Found::gone;  // cannot be: what is here was checked when it was stored
    if (header->last_offset() < offset || header->is_control()) {
      run.batch_at += header->size_bytes();
      run.record_at = 0;
      run.next = header->next_offset();
      if (run.next > offset) return Found::gone;
      continue;
    }
    const uint8_t* end = rest.data() + header->size_bytes();
    const uint8_t* at = rest.data() + (run.record_at ? run.record_at : batch_header_bytes);
    while (at < end) {
      RawRecord raw;
      const uint8_t* behind = parse_record(at, end, &raw);
      if (!behind) return Found::gone;
      Offset here = header->base_offset + raw.offset_delta;
      if (here > offset) return Found::gone;
      at = behind;
      run.record_at = static_cast<size_t>(at - rest.data());
      run.next = here + 1;
      if (here < offset) continue;
      fill(record, raw, trusts_headers_ && !header->log_append_time());
      record->offset = offset;
      record->was_produced = header->log_append_time();
      record->timestamp =
          header->log_append_time() ? header->max_timestamp : timestamp_of(header->base_timestamp, raw.timestamp_delta);
      return Found::here;
    }
    return Found::gone;  // the batch goes on behind its last record: compaction
  }
  return Found::gone;
}

namespace {

/// The bytes of whole batches of a slice, compressed ones written out.
Result<Bytes> read_run(const io::FileRange& range, Offset* end) {
  Bytes raw(range.length);
  TRY_VOID(range.file->read(range.at, raw));
  Bytes run;
  bool rewrite = false;
  size_t at = 0;
  while (at < raw.size()) {
    ByteView rest = ByteView(raw).subspan(at);
    auto header = peek_header(rest);
    if (!header || header->size_bytes() > rest.size()) break;
    ByteView batch = rest.first(header->size_bytes());
    *end = header->next_offset();
    if (header->codec() != Codec::none && !std::exchange(rewrite, true)) run.assign(raw.begin(), raw.begin() + at);
    if (header->codec() != Codec::none) {
      auto reader = TRY(RecordReader::open(batch));
      BatchOptions options{.base_offset = header->base_offset};
      if (header->log_append_time()) options.log_append_time_ms = header->max_timestamp;
      BatchBuilder builder(options);
      Record record;
      while (TRY(reader.next(&record))) builder.copy(record);
      append(run, TRY(builder.finish_at(header->last_offset(), header->max_timestamp)));
    } else if (rewrite) {
      append(run, batch);
    }
    at += header->size_bytes();
  }
  if (rewrite) return run;
  raw.resize(at);
  return raw;
}

}  // namespace

io::Task<Result<void>> RecordWindow::load(io::Loop& loop, Log& log, Offset offset, size_t bytes_max) {
  if (offset >= log.bounds().high_watermark) co_return fail(Code::out_of_range, "not readable yet", offset.value);
  CO_TRY(Slice slice, log.read(offset, bytes_max));
  auto loading = load(loop, std::move(slice), offset);
  co_return co_await loading;
}

io::Task<Result<void>> RecordWindow::load(io::Loop& loop, Slice slice, Offset offset) {
  Offset end = slice.first;
  auto job = [&] { return read_run(slice.range, &end); };
  auto bytes = co_await io::work(loop, io::Lane::reads, job);
  if (!bytes) co_return std::unexpected(bytes.error());
  // What was asked for may be gone: then the run begins with a gap, or is nothing else.
  Offset first = std::min(slice.first, offset);
  if (slice.range.length == 0) end = offset + 1;
  run_ = {.first = first, .end = end, .bytes = std::move(*bytes), .next = first};
  co_return Result<void>();
}

}  // namespace naru
