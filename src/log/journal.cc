#include "log/journal.h"

#include <cstdio>
#include <cstdlib>

#include "base/crc32c.h"
#include "base/pack.h"

namespace naru {
namespace {

/// The part of an entry's checksum that is not written: where it must stand to be believed.
uint32_t place_seed(JournalId id, uint32_t number, uint64_t at) {
  uint8_t place[24];
  store_le(place, id.generation);
  store_le(place + 8, id.core);
  store_le(place + 12, number);
  store_le(place + 16, at);
  return crc32c(place);
}

constexpr uint64_t align_up(uint64_t bytes) { return (bytes + journal_align - 1) / journal_align * journal_align; }
constexpr size_t group_entry_bytes = entry_header_bytes + 8;
constexpr size_t zeros_ahead = 1 * MiB, small_group = 32 * KiB;
constexpr io::Millis retry_ms = 500;
constexpr size_t small_copy = 2 * KiB, gather_bytes = 64 * KiB;

}  // namespace

std::string journal_file_name(JournalId id, uint32_t number) {
  char name[64];
  std::snprintf(name, sizeof name, "journal/%010llu-%03u-%010u", static_cast<unsigned long long>(id.generation),
                id.core, number);
  return name;
}

/// What may be waiting when the disk turns out to be full, for the journal and for the segments, and some for what
/// comes then.
static uint64_t reserve_bytes(const Journal::Limits& limits) {
  return limits.reserve_bytes > 0 ? limits.reserve_bytes : 2 * limits.waiting_bytes + 2 * limits.write_bytes;
}

static std::string reserve_name(JournalId id) { return journal_file_name(id, 0).substr(0, 8 + 14) + ".reserve"; }

AlignedBuffer::~AlignedBuffer() { std::free(data_); }

uint8_t* AlignedBuffer::grow(size_t bytes) {
  if (size_ + bytes > capacity_) {
    size_t capacity = align_up(std::max<size_t>(size_ + bytes, std::max<size_t>(capacity_ * 2, 64 * KiB)));
    auto* data = static_cast<uint8_t*>(std::aligned_alloc(io::direct_align, capacity));
    CHECK(data);
    if (size_ > 0) std::memcpy(data, data_, size_);
    std::free(data_);
    data_ = data;
    capacity_ = capacity;
  }
  size_ += bytes;
  return data_ + size_ - bytes;
}

Journal::Journal(io::Loop& loop, io::Disk& disk, JournalId id, Limits limits, Events events)
    : loop_(loop),
      disk_(disk),
      id_(id),
      limits_(limits),
      events_(std::move(events)),
      reserve_(std::make_shared<SpaceReserve>(disk, reserve_name(id), reserve_bytes(limits))),
      retry_(loop, [this] { retry(); }) {}

Journal::~Journal() { CHECK(!in_flight_); }

Result<void> Journal::start(std::vector<std::string> spares) {
  spares_ = std::move(spares);
  took_reserve(reserve_->take());
  return open_file(fill_file_);
}

Result<void> Journal::open_file(uint32_t number) {
  std::string name = journal_file_name(id_, number);
  if (!spares_.empty()) {
    TRY_VOID(disk_.rename(spares_.back(), name));
    spares_.pop_back();
  }
  auto file = TRY(disk_.open(name, io::Open::create, io::Cache::direct));
  uint64_t size = TRY(file->size());
  files_.push_back({number, std::move(file), size});
  return {};
}

Journal::Group& Journal::open_group(size_t entry_bytes) {
  if (!sealed_) {
    Group& group = groups_.back();
    uint64_t used = group.bytes.size();
    if (used < limits_.write_bytes && group.at + used + entry_bytes <= limits_.file_bytes) return group;
    sealed_ = true;
    fill_at_ = group.at + align_up(used);
  }
  // An entry larger than a file gets a file of its own.
  bool fits_file = fill_at_ == 0 || fill_at_ + group_entry_bytes + entry_bytes <= limits_.file_bytes;
  if (!fits_file) switch_file();
  Group& group = groups_.emplace_back();
  group.file = fill_file_;
  group.at = fill_at_;
  group.end = end_;
  if (!buffers_.empty()) {
    group.bytes = std::move(buffers_.back());
    buffers_.pop_back();
  }
  sealed_ = false;
  uint8_t number[8];
  store_le(number, ++group_number_);
  write_entry(EntryKind::group, number, {});
  return group;
}

bool Journal::switch_file() {
  if (!sealed_) {
    sealed_ = true;
    fill_at_ = groups_.back().at + align_up(groups_.back().bytes.size());
  }
  if (fill_at_ == 0) return false;
  ++fill_file_;
  fill_at_ = 0;
  fill_file_begin_ = end_;
  events_.file_full();
  return true;
}

void Journal::write_entry(EntryKind kind, ByteView a, ByteView b) {
  Group& group = groups_.back();
  uint64_t at = group.at + group.bytes.size();
  uint8_t* entry = group.bytes.grow(entry_header_bytes + a.size() + b.size());
  store_le(entry + 4, static_cast<uint32_t>(a.size() + b.size()));
  store_le(entry + 8, static_cast<uint32_t>(kind));
  if (!a.empty()) std::memcpy(entry + entry_header_bytes, a.data(), a.size());
  if (!b.empty()) std::memcpy(entry + entry_header_bytes + a.size(), b.data(), b.size());
  ByteView rest(entry + 4, entry_header_bytes - 4 + a.size() + b.size());
  store_le(entry, crc32c(rest, place_seed(id_, group.file, at)));
  end_ += entry_header_bytes + a.size() + b.size();
  waiting_bytes_ += entry_header_bytes + a.size() + b.size();
  group.end = end_;
}

JournalPosition Journal::append(EntryKind kind, ByteView a, ByteView b) {
  open_group(entry_header_bytes + a.size() + b.size());
  write_entry(kind, a, b);
  flush_later();
  return end_;
}

JournalPosition Journal::append_copied(EntryKind kind, ByteView a, ByteView b, const std::shared_ptr<io::File>& file,
                                       uint64_t at, CopyTail& tail) {
  append(kind, a, b);
  Group& group = groups_.back();
  size_t copy = group.copies.size();
  group.copies.push_back({group.bytes.size() - b.size(), b.size()});
  group.copied_bytes += b.size();
  if (tail.group == group_number_) {
    CopyRun& run = group.runs[tail.run];
    if (run.file == file && run.end == at) {
      group.copies[run.last].next = copy + 1;
      run.last = copy;
      run.end += b.size();
      return end_;
    }
  }
  tail.group = group_number_;
  tail.run = group.runs.size();
  group.runs.push_back({file, at, at + b.size(), copy, copy});
  return end_;
}

/// Writes the parts that segments get.
Result<void> Journal::copy_out(const Group& group) {
  for (const CopyRun& run : group.runs) TRY_VOID(copy_run(group, run));
  return {};
}

Result<void> Journal::copy_run(const Group& group, const CopyRun& run) {
  ByteView bytes = group.bytes.all();
  std::vector<ByteView> pieces;
  // Small ones are put together first: to the kernel each piece is work of its own.
  Bytes gathered;
  uint64_t at = run.at;
  auto write_gathered = [&]() -> Result<void> {
    TRY_VOID(run.file->write(at, ByteView(gathered)));
    at += gathered.size();
    gathered.clear();
    return {};
  };
  for (size_t next = run.first + 1; next > 0; next = group.copies[next - 1].next) {
    const Copy& copy = group.copies[next - 1];
    ByteView piece = bytes.subspan(copy.offset, copy.length);
    if (piece.size() > small_copy) {
      if (!gathered.empty()) TRY_VOID(write_gathered());
      pieces.push_back(piece);
      continue;
    }
    if (!pieces.empty()) {
      TRY_VOID(run.file->write(at, pieces));
      for (ByteView written : pieces) at += written.size();
      pieces.clear();
    }
    if (gathered.size() + piece.size() > gather_bytes) TRY_VOID(write_gathered());
    if (gathered.capacity() == 0) gathered.reserve(std::min<uint64_t>(gather_bytes, run.end - run.at));
    naru::append(gathered, piece);
  }
  if (!gathered.empty()) TRY_VOID(write_gathered());
  return pieces.empty() ? Result<void>() : run.file->write(at, pieces);
}

/// A sync is cheaper by a third to a half where it has no new size and no new blocks to write down. So a small group in
/// a file that is used for the first time takes zeros for those after it along. (Space that is only allocated does not
/// help: that it is in use from now on is written down as well.)
Result<void> Journal::write_group(Opened& to, const Group& group) {
  alignas(io::direct_align) static uint8_t zeros[zeros_ahead];
  uint64_t end = group.at + group.bytes.size();
  if (end > to.written && group.bytes.size() <= small_group && end < limits_.file_bytes) {
    ByteView pieces[] = {group.bytes.all(),
                         ByteView(zeros).first(std::min<uint64_t>(zeros_ahead, limits_.file_bytes - end))};
    auto written = to.file->write(group.at, pieces);
    if (written) to.written = end + pieces[1].size();
    if (written || written.error().code != Code::full) return written;
  }
  TRY_VOID(to.file->write(group.at, group.bytes.all()));
  to.written = std::max(to.written, end);
  return {};
}

void Journal::flush_later() {
  if (flush_planned_ || in_flight_) return;
  flush_planned_ = true;
  loop_.at_turn_end([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    flush_planned_ = false;
    flush();
  });
}

/// A group on its way to the disk: to the journal, and to the segments.
struct Journal::Flight {
  int parts = 1;
  Result<void> journal, segments;
};

/// Of two outcomes the one to act on: a full disk heals, anything else does not.
static Result<void> worse(const Result<void>& a, const Result<void>& b) {
  auto heals = [](const Result<void>& r) { return r.error().code == Code::full || r.error().code == Code::busy; };
  if (a && b) return {};
  if (!a && (b || !heals(a))) return a;
  return b ? a : b;
}

io::Task<> Journal::abandon() {
  abandoned_ = true;
  retry_.cancel();
  while (in_flight_) co_await loop_.sleep_until(loop_.now() + 1);
}

void Journal::flush() {
  if (abandoned_ || in_flight_ || groups_.empty() || failed_) return;
  Group& group = groups_.front();
  if (groups_.size() == 1 && !sealed_) {
    sealed_ = true;
    fill_at_ = group.at + align_up(group.bytes.size());
  }
  if (files_.empty() || files_.back().number < group.file) {
    if (auto opened = open_file(group.file); !opened) return written(opened);
  }
  size_t padding = align_up(group.bytes.size()) - group.bytes.size();
  if (padding > 0) std::memset(group.bytes.grow(padding), 0, padding);
  auto of_group = std::ranges::find(files_, group.file, &Opened::number);
  CHECK(of_group != files_.end());
  in_flight_ = true;
  auto flight = std::make_shared<Flight>();
  auto done = [this, flight] {
    if (--flight->parts > 0) return;
    in_flight_ = false;
    written(worse(flight->journal, flight->segments));
  };
  bool beside = group.copied_bytes >= copy_beside_bytes;
  if (beside) {
    ++flight->parts;
    loop_.work(io::Lane::segment, [&group, flight] { flight->segments = copy_out(group); }, done);
  }
  loop_.work(
      io::Lane::journal,
      [this, opened = &*of_group, &group, flight, beside] {
        Result<void>& result = flight->journal;
        result = write_group(*opened, group);
        if (result && !beside) result = copy_out(group);
        if (result) result = opened->file->sync();
        // A new or recycled file is found after a crash only if its name is durable as well.
        if (result && !opened->named) result = disk_.sync_folder("journal");
        if (result) opened->named = true;
      },
      done);
}

void Journal::written(Result<void> result) {
  if (!result && result.error().code == Code::full && std::exchange(has_reserve_, false)) return use_reserve();
  if (!result && (result.error().code == Code::full || result.error().code == Code::busy)) {
    full_ = true;
    retry_.arm(loop_.now() + retry_ms);
    tell_space();
    wake_impatient();
    return;
  }
  if (!result) {
    // A failed sync is never retried: the kernel may have dropped the pages and would call the next sync fine.
    failed_ = true;
    wake(durable_);
    events_.failed(result.error());
    return;
  }
  full_ = false;
  tell_space();
  if (short_of_space_ && retry_.deadline() == io::never) retry_.arm(loop_.now() + retry_ms);
  Group group = std::move(groups_.front());
  groups_.pop_front();
  waiting_bytes_ -= group.end - durable_;
  durable_ = group.end;
  group.bytes.clear();
  if (buffers_.size() < 2 && group.bytes.capacity() <= 2 * limits_.write_bytes)
    buffers_.push_back(std::move(group.bytes));
  flush();  // who came meanwhile is the next group
  events_.durable(durable_);
  wake(durable_);
}

/// What is to be written has to wait no longer than until the reserve's space is free.
void Journal::use_reserve() {
  short_of_space_ = in_flight_ = true;
  tell_space();
  loop_.work(
      io::Lane::journal, [this] { reserve_->give_up(); },
      [this] {
        in_flight_ = false;
        flush();
      });
}

/// Nobody waits for this, not even the end of the journal.
void Journal::take_reserve() {
  auto taken = std::make_shared<Result<bool>>();
  loop_.work(
      io::Lane::journal, [reserve = reserve_, taken] { *taken = reserve->take(); },
      [this, taken, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired()) took_reserve(*taken);
      });
}

void Journal::took_reserve(const Result<bool>& taken) {
  has_reserve_ = taken && *taken;
  short_of_space_ = !taken;
  tell_space();
  if (short_of_space_) retry_.arm(loop_.now() + retry_ms);
}

void Journal::tell_space() {
  if (std::exchange(told_full_, is_full()) != is_full() && events_.space) events_.space();
}

void Journal::retry() {
  if (abandoned_ || failed_ || in_flight_) return;  // when what is on its way is written, it is looked at again
  if (full_) return flush();
  if (short_of_space_) take_reserve();
}

void Journal::wake_impatient() {
  std::vector<std::coroutine_handle<>> giving_up;
  for (const Waiter& waiter : waiters_)
    if (!waiter.patient) giving_up.push_back(waiter.handle);
  std::erase_if(waiters_, [](const Waiter& waiter) { return !waiter.patient; });
  for (auto handle : giving_up) handle.resume();
}

void Journal::add_waiter(Waiter waiter) {
  // Mostly the newest position comes last; who asks late for an older one must not wait for what comes after it.
  auto at = waiters_.end();
  while (at != waiters_.begin() && std::prev(at)->position > waiter.position) --at;
  waiters_.insert(at, waiter);
}

void Journal::wake(JournalPosition durable) {
  while (!waiters_.empty() && (waiters_.front().position <= durable || failed_)) {
    auto handle = waiters_.front().handle;
    waiters_.pop_front();
    handle.resume();
  }
  if (has_room() || failed_) {
    for (auto* waiter : std::exchange(room_waiters_, {})) waiter->wake();
  }
}

Result<void> Journal::Wait::await_resume() const {
  if (journal.durable_ >= position) return {};
  if (journal.full_ && !journal.failed_) return fail(Code::full, "no space left for the journal");
  return fail(Code::io, "the journal could not be written");
}

io::Task<> Journal::room() {
  while (!has_room() && !failed_) {
    io::Wakeup wakeup;
    room_waiters_.push_back(&wakeup);
    co_await wakeup;
  }
}

void Journal::recycle_below(uint32_t number) {
  while (files_.size() > 1 && files_.front().number < number) {
    std::string name = journal_file_name(id_, files_.front().number);
    files_.pop_front();
    // One spare is enough: the next switch takes it, and the one after takes what is freed meanwhile.
    if (spares_.size() < 2) {
      spares_.push_back(std::move(name));
    } else {
      (void)disk_.remove(name).has_value();
    }
  }
}

Result<JournalEnd> read_journal(io::File& file, JournalId id, uint32_t number,
                                const std::function<Result<void>(const JournalEntry&)>& on_entry) {
  uint64_t size = TRY(file.size());
  // A window that slides over the file; it always holds one whole entry or we stop.
  Bytes window;
  uint64_t window_at = 0;
  auto load = [&](uint64_t at, size_t bytes) -> Result<ByteView> {
    if (at + bytes > size) return fail(Code::out_of_range);
    if (at < window_at || at + bytes > window_at + window.size()) {
      window.resize(std::min<uint64_t>(std::max<size_t>(bytes, MiB), size - at));
      window_at = at;
      TRY_VOID(file.read(at, window));
    }
    return ByteView(window).subspan(at - window_at, bytes);
  };
  // The entry at `at`, or nothing if no whole one stands there.
  auto entry_at = [&](uint64_t at) -> Result<std::optional<JournalEntry>> {
    auto header = load(at, entry_header_bytes);
    if (!header && header.error().code == Code::out_of_range) return std::nullopt;
    if (!header) return std::unexpected(header.error());
    uint32_t length = load_le<uint32_t>(header->data() + 4), kind = load_le<uint32_t>(header->data() + 8);
    if (kind == 0 || kind > 255) return std::nullopt;
    auto whole = load(at, entry_header_bytes + length);
    if (!whole && whole.error().code == Code::out_of_range) return std::nullopt;
    if (!whole) return std::unexpected(whole.error());
    if (load_le<uint32_t>(whole->data()) != crc32c(whole->subspan(4), place_seed(id, number, at))) return std::nullopt;
    return JournalEntry{static_cast<EntryKind>(kind), at, whole->subspan(entry_header_bytes)};
  };

  JournalEnd end;
  bool group_expected = true;
  for (uint64_t at = 0;;) {
    auto entry = TRY(entry_at(at));
    if (entry && entry->kind == EntryKind::group) {
      if (at % journal_align != 0 || entry->payload.size() != 8) break;
      end.last_group = load_le<uint64_t>(entry->payload.data());
      if (end.first_group == 0) end.first_group = end.last_group;
      group_expected = false;
    } else if (entry && !group_expected) {
      TRY_VOID(on_entry(*entry));
    } else {
      if (at % journal_align == 0) break;
      // The end of a group is zeros up to the next aligned place; anything else is a group cut short.
      auto rest = load(at, align_up(at) - at);
      if (!rest || std::ranges::any_of(*rest, [](uint8_t b) { return b != 0; })) {
        end.torn = true;
        break;
      }
      at = align_up(at);
      group_expected = true;
      continue;
    }
    at += entry_header_bytes + entry->payload.size();
    end.at = at;
  }
  // A later group that is whole was written only after the one before it was durable. Only what looks like the head of
  // a group is looked at: a recycled file is full of bytes that may look like anything else.
  for (uint64_t later = align_up(end.at + 1); later + group_entry_bytes <= size; later += journal_align) {
    ByteView head = TRY(load(later, group_entry_bytes));
    if (load_le<uint32_t>(head.data() + 4) != 8 ||
        load_le<uint32_t>(head.data() + 8) != static_cast<uint32_t>(EntryKind::group))
      continue;
    auto entry = TRY(entry_at(later));
    if (entry && load_le<uint64_t>(entry->payload.data()) > end.last_group) {
      end.damaged_before = later;
      break;
    }
  }
  return end;
}

}  // namespace naru
