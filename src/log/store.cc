#include "log/store.h"

#include "base/pack.h"

namespace naru {
namespace {
// Until somebody says how long to keep its records, nothing of a log is removed.
constexpr LogSettings unknown_settings{.remove_old = false};
}  // namespace

Store::Store(io::Loop& loop, io::Disk& disk, JournalId id, int32_t epoch, StoreSettings settings, Fatal fatal)
    : disk_(disk),
      id_(id),
      settings_(settings),
      fatal_(std::move(fatal)),
      files_(disk, settings.open_files_max),
      journal_(loop, disk, id, settings.journal,
               {.durable = [this](JournalPosition position) { became_durable(position); },
                .file_full = [this] { plan_checkpoint(); },
                .failed = [this](Error error) { fail_once(error); },
                .space =
                    [this] {
                      if (on_space) on_space();
                    }}),
      context_{loop, journal_, files_, *this, epoch},
      reclaim_(*this, settings.reclaim),
      retry_(loop, [this] { write_checkpoint().detach(); }) {
  for (uint32_t shard = 0; shard < shard_count; ++shard) tables_.emplace_back(journal_, static_cast<uint8_t>(shard));
}

Store::~Store() { CHECK(jobs_ == 0); }

Result<void> Store::start(StoreState& recovered, const std::function<bool(uint32_t shard)>& owns,
                          std::vector<std::string> spares) {
  for (auto& [stream, state] : recovered.logs) {
    if (!owns(shard_of(stream))) continue;
    logs_.emplace(stream, std::make_unique<Log>(context_, std::move(state), unknown_settings));
  }
  for (uint32_t shard = 0; shard < shard_count; ++shard)
    if (owns(shard)) tables_[shard].adopt(std::move(recovered.tables[shard]));
  for (auto& [id, state] : recovered.cursors)
    if (owns(shard_of(state.stream))) hold_cursor(id, log_of(state.stream), std::move(state.cursor));
  TRY_VOID(journal_.start(std::move(spares)));
  for (const auto& [stream, log] : logs_)
    if (!log->state().holes.empty()) reclaim_.punch_again(*log);
  return {};
}

Log& Store::log_of(StreamId stream) {
  auto& log = logs_[stream];
  if (!log) {
    LogState fresh;
    fresh.stream = stream;
    log = std::make_unique<Log>(context_, std::move(fresh), unknown_settings);
  }
  return *log;
}

Log& Store::log(StreamId stream, const LogSettings& settings) {
  Log& log = log_of(stream);
  log.set_settings(settings);
  reclaim_.note(log);
  return log;
}

Log* Store::find(StreamId stream) {
  auto found = logs_.find(stream);
  return found == logs_.end() ? nullptr : found->second.get();
}

JournalPosition Store::drop(StreamId stream) {
  auto found = logs_.find(stream);
  if (found == logs_.end()) return journal_.end();
  uint8_t entry[8];
  store_le(entry, stream.value);
  auto position = journal_.append(EntryKind::drop, entry);
  auto segments = found->second->state().segments;
  for (const Segment& segment : segments) {
    files_.close(stream, segment);
    dirty_.erase({stream, segment.base, segment.version});
  }
  for (const Log::Attached& attached : found->second->cursors()) cursors_.erase(attached.id);
  reclaim_.forget(stream);
  logs_.erase(found);
  remove_files(stream, std::move(segments));
  return position;
}

AckCursor& Store::hold_cursor(CursorId id, Log& log, AckCursor cursor) {
  auto& held = cursors_.emplace(id, HeldCursor{log, std::move(cursor)}).first->second;
  log.attach(id, held.cursor);
  return held.cursor;
}

AckCursor& Store::cursor(CursorId id, StreamId stream) {
  if (auto found = cursors_.find(id); found != cursors_.end()) return found->second.cursor;
  Log& log = log_of(stream);
  Offset begin = log.bounds().begin;
  // Journaled although it has settled nothing: what it has not seen must not go, also after a restart.
  journal_change(id, stream, {begin, begin, Change::Kind::seek});
  AckCursor& made = hold_cursor(id, log, AckCursor(begin));
  keep_up(made, log.state());
  return made;
}

JournalPosition Store::change(CursorId id, const Change& change) {
  auto found = cursors_.find(id);
  CHECK(found != cursors_.end());
  auto& [log, cursor] = found->second;
  auto position = journal_change(id, log.stream(), change);
  cursor.apply(change);
  if (change.kind == Change::Kind::seek) keep_up(cursor, log.state());
  reclaim_.note(log);
  return position;
}

JournalPosition Store::journal_change(CursorId id, StreamId stream, const Change& change) {
  scratch_.clear();
  Packer to(scratch_);
  to.put(id.value).put(stream.value);
  encode_change(to, change);
  return journal_.append(EntryKind::settle, scratch_);
}

void Store::note_taken(CursorId id, const TakenNote& note) {
  auto found = cursors_.find(id);
  if (found == cursors_.end() || journal_.is_full()) return;
  scratch_.clear();
  Packer to(scratch_);
  to.put(id.value).put(found->second.log.stream().value);
  encode_note(to, note);
  journal_.append(EntryKind::taken, scratch_);
}

JournalPosition Store::forget_cursor(CursorId id) {
  auto found = cursors_.find(id);
  if (found == cursors_.end()) return journal_.end();
  uint8_t entry[8];
  store_le(entry, id.value);
  auto position = journal_.append(EntryKind::forget_cursor, entry);
  Log& log = found->second.log;
  log.detach(id);
  cursors_.erase(found);
  reclaim_.note(log);
  return position;
}

void Store::trimmed(Log& log) {
  for (const Log::Attached& attached : log.cursors()) keep_up(*attached.cursor, log.state());
}

void Store::appended(Log& log, JournalPosition position, uint64_t bytes) {
  ++counters_.appended_batches;
  counters_.appended_bytes += bytes;
  if (log.settings().durability == Durability::os && (unjournaled_bytes_ += bytes) > settings_.unjournaled_bytes_max) {
    // Bytes that no journal bounds: a checkpoint keeps what recovery has to look at small.
    unjournaled_bytes_ = 0;
    begin_checkpoint();
  }
  if (position <= journal_.durable()) {
    log.advance(log.state().end, log.active_base(), log.active_bytes());
    reclaim_.note(log);
    return;
  }
  // Appends to one log in one turn share a position or rise together: the last word counts.
  if (!marks_.empty() && marks_.back().stream == log.stream() && marks_.back().position == position) marks_.pop_back();
  marks_.push_back({position, log.stream(), log.state().end, log.active_base(), log.active_bytes()});
}

void Store::became_durable(JournalPosition position) {
  while (!marks_.empty() && marks_.front().position <= position) {
    Mark mark = marks_.front();
    marks_.pop_front();
    Log* log = find(mark.stream);
    if (!log) continue;
    // At level `os` later appends share the position of the mark: all is confirmed, so all can be read.
    if (log->last_position() <= position) {
      log->advance(log->state().end, log->active_base(), log->active_bytes());
    } else {
      log->advance(mark.end, mark.segment, mark.segment_bytes);
    }
    reclaim_.note(*log);
  }
  bool waits_for_space = retry_.deadline() != io::never;
  if (pending_ && !checkpointing_ && !waits_for_space && position >= pending_->position) write_checkpoint().detach();
}

void Store::remove_files(StreamId stream, std::vector<Segment> segments) {
  if (segments.empty()) return;
  for (const Segment& segment : segments) dirty_.erase({stream, segment.base, segment.version});
  // Only once the journal says that they are gone: until then a crash would miss them.
  [](Store& store, StreamId id, std::vector<Segment> gone, JournalPosition position) -> io::Task<> {
    auto durable = co_await store.durable(position);
    if (durable) {
      ++store.jobs_;
      co_await io::work(store.loop(), io::Lane::bulk, [&] {
        for (const Segment& s : gone) (void)store.disk_.remove(segment_path({id, s.base, s.version})).has_value();
        return true;
      });
      store.job_done();
    }
  }(*this, stream, std::move(segments), journal_.end())
                                                                                            .detach();
}

Bytes Store::snapshot(uint32_t number) {
  CheckpointWriter to(id_, number);
  for (auto& [stream, log] : logs_) {
    // A log may have a segment and no batch yet: its first one may already stand behind this checkpoint.
    if (log->state().end.value > 0 || !log->state().segments.empty()) to.add(log->state());
    log->checkpointed();
  }
  for (uint32_t shard = 0; shard < shard_count; ++shard) to.add(static_cast<uint8_t>(shard), tables_[shard].rows());
  for (const auto& [id, held] : cursors_) to.add(id, held.log.stream(), held.cursor);
  return std::move(to).finish();
}

/// The journal has just begun a new file and nothing stands in it yet: the state now is what all files before it make.
void Store::plan_checkpoint() {
  if (checkpointing_) return;  // the one that is being written will ask for the next when it is done
  if (pending_) dirty_.merge(pending_->dirty);
  uint32_t number = journal_.file_number();
  pending_ = Pending{number, journal_.file_begin(), snapshot(number), std::exchange(dirty_, {})};
  unjournaled_bytes_ = 0;
  if (journal_.durable() >= pending_->position) write_checkpoint().detach();
}

void Store::fail_once(Error error) {
  if (!std::exchange(failed_, true)) fatal_(error);
}

void Store::settled(std::shared_ptr<io::File> file, uint64_t at, uint64_t length) {
  ++jobs_;
  loop().work(
      io::Lane::bulk, [file = std::move(file), at, length] { file->write_behind(at, length); }, [this] { job_done(); });
}

void Store::job_done() {
  if (--jobs_ > 0) return;
  for (auto* waiter : std::exchange(idle_waiters_, {})) waiter->wake();
}

void Store::begin_checkpoint() {
  if (!journal_.switch_file()) plan_checkpoint();  // the file that is being filled is empty: it can serve
}

/// Once the journal up to it is durable: before, it would say more than a crash leaves.
io::Task<Result<void>> Store::write_checkpoint() {
  if (!pending_ || checkpointing_ || journal_.durable() < pending_->position) co_return Result<void>();
  checkpointing_ = true;
  ++jobs_;
  auto written = co_await io::work(loop(), io::Lane::bulk, [this]() -> Result<void> {
    if (pending_->dirty.size() > 32) {
      TRY_VOID(disk_.sync_all());
    } else {
      for (const SegmentId& id : pending_->dirty) {
        auto file = disk_.open(segment_path(id), io::Open::write);
        if (!file && file.error().code == Code::not_found) continue;  // trimmed meanwhile
        if (!file) return std::unexpected(file.error());
        TRY_VOID((*file)->sync());
      }
    }
    TRY_VOID(disk_.sync_folder(segment_folder));
    std::string name = checkpoint_file_name(id_, pending_->number);
    return io::replace_file(disk_, "journal", name.substr(name.find('/') + 1), pending_->contents);
  });
  checkpointing_ = false;
  if (written) {
    ++counters_.checkpoints;
    reclaim_.covered(pending_->position);
    uint32_t old = std::exchange(last_checkpoint_, pending_->number);
    journal_.recycle_below(pending_->number);
    if (old != last_checkpoint_) (void)disk_.remove(checkpoint_file_name(id_, old)).has_value();
    pending_.reset();
    retry_.cancel();
    // The journal went on to yet another file meanwhile: what it holds is covered by the next one.
    if (journal_.files_in_use() > 2) begin_checkpoint();
  } else if (written.error().code == Code::full || written.error().code == Code::busy) {
    retry_.arm(loop().now() + 1000);
  } else {
    fail_once(written.error());
  }
  job_done();
  co_return written;
}

io::Task<Result<void>> Store::checkpoint() {
  if (is_full()) co_return fail(Code::full, "no space left for the journal");
  co_await settle();
  // One that is planned already does not cover all.
  while (pending_ && !failed_ && !is_full() && retry_.deadline() == io::never) co_await settle();
  if (!pending_ && !failed_) {
    begin_checkpoint();
    co_await settle();
  }
  if (failed_) co_return fail(Code::io, "the disk failed");
  if (pending_) co_return fail(Code::full, "no space left for a checkpoint");
  co_return Result<void>();
}

io::Task<> Store::settle() {
  for (bool again = true; again;) {
    auto stored = co_await durable_if_space(journal_.end());  // a disk that got full meanwhile must not hold up an end
    while (jobs_ > 0) {
      io::Wakeup wakeup;
      idle_waiters_.push_back(&wakeup);
      co_await wakeup;
    }
    // A job may have had something to write down.
    again = stored && journal_.durable() < journal_.end();
  }
}

io::Task<> Store::abandon() {
  retry_.cancel();
  co_await journal_.abandon();
  while (jobs_ > 0) {
    io::Wakeup wakeup;
    idle_waiters_.push_back(&wakeup);
    co_await wakeup;
  }
}

int64_t Store::retain() {
  int64_t wall = loop().wall(), next = io::never;
  for (auto& [stream, log] : logs_) {
    log->expire_producers(wall);
    next = std::min(next, std::max(log->retain(wall).value_or(0), wall + 1));  // what failed is tried again
  }
  return next;
}

void Store::replace(Log& log, Offset first, Offset last, std::vector<Segment> fresh) {
  Bytes entry;
  Packer to(entry);
  to.put(log.stream().value).put(first.value).put(last.value).put(static_cast<uint32_t>(fresh.size()));
  for (const Segment& s : fresh)
    to.put(s.base.value).put(s.bytes).put(s.max_timestamp).put(s.first_timestamp).put(s.version);
  journal_.append(EntryKind::replace, entry);
  std::vector<Segment> gone;
  for (const Segment& s : log.state().segments)
    if (s.base >= first && s.base <= last) gone.push_back(s);
  log.replace(first, last, std::move(fresh));
  remove_files(log.stream(), std::move(gone));
}

}  // namespace naru
