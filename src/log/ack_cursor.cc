#include "log/ack_cursor.h"

#include <algorithm>
#include <functional>

#include "base/check.h"

namespace naru {
namespace {

// A queue that is idle again should cost what an idle queue costs, whatever it held at its busiest.
constexpr size_t timers_kept = 64;

}  // namespace

AckCursor::Entry& AckCursor::add(Offset offset) {
  Entry& entry = entries_.insert(offset.value);
  entry.offset = offset.value;
  return entry;
}

AckCursor::Holder& AckCursor::holder_of(HolderId id) {
  if (recent_ && recent_->id == id) return *recent_;
  Holder* before = recent_;
  recent_ = &holders_[id];
  recent_->id = id;
  if (before) drop_if_idle(*before);
  return *recent_;
}

// --- taking ---

std::optional<AckCursor::Taken> AckCursor::take(Offset end, HolderId holder, int64_t deadline_ms) {
  for (;;) {
    int64_t oldest = oldest_waiting(holder);
    if (next_ < end.value && next_ < oldest)
      if (auto taken = take_new(Offset(std::min(end.value, oldest)), holder, deadline_ms)) return taken;
    if (oldest >= end.value) return std::nullopt;
    Entry& entry = *find(Offset(oldest));
    if (keys_source_ && !entry.key_known) {  // it was delayed from the start, or comes from a snapshot
      entry.key = keys_source_->key_of(Offset(oldest));
      entry.key_known = true;
    }
    bool is_blocked = blocked(entry.key, holder);
    leave(entry);
    if (is_blocked)
      park(entry);
    else
      hold(entry, holder, deadline_ms);
    if (entry.key != 0) update_key(entry.key);
    if (!is_blocked) return Taken{Offset(entry.offset), entry.attempts};
  }
}

/// The oldest record that this holder may have and that is not new: due again, or parked behind a key of its own.
int64_t AckCursor::oldest_waiting(HolderId holder) const {
  int64_t oldest = returned_.empty() ? never_ms : *returned_.begin();
  if (parked_.empty()) return oldest;
  auto of = holders_.find(holder);
  return of == holders_.end() || of->second.own.empty() ? oldest : std::min(oldest, *of->second.own.begin());
}

/// The next record below `end` that was never looked at and is not blocked; blocked ones are parked on the way.
std::optional<AckCursor::Taken> AckCursor::take_new(Offset end, HolderId holder, int64_t deadline_ms) {
  for (;; ++next_) {
    if (!done_.empty()) next_ = done_.first_gap(next_);
    if (next_ >= end.value) return std::nullopt;
    if (Entry* known = find(Offset(next_))) {
      if (is_key_wanted(*known)) learn_key(*known);
      continue;
    }
    uint64_t key = keys_source_ ? keys_source_->key_of(Offset(next_)) : 0;
    bool is_blocked = blocked(key, holder);
    if (is_blocked && parked_.size() >= parked_max_) return std::nullopt;
    Entry& entry = add(Offset(next_));
    entry.key = key;
    entry.key_known = keys_source_ != nullptr;
    if (is_blocked)
      park(entry);
    else
      hold(entry, holder, deadline_ms);
    if (entry.key != 0) update_key(entry.key);
    if (is_blocked) continue;
    ++next_;
    return Taken{Offset(entry.offset), entry.attempts};
  }
}

bool AckCursor::blocked(uint64_t key, HolderId holder) const {
  if (key == 0) return false;
  auto busy = keys_.find(key);
  return busy != keys_.end() && (busy->second.delayed > 0 || busy->second.holder->id != holder);
}

/// It keeps others of its key waiting, but nobody has asked which that is: it comes from a note.
bool AckCursor::is_key_wanted(const Entry& entry) const {
  bool is_busy = entry.state == State::held || (entry.state == State::delayed && entry.attempts > 0);
  return is_busy && keys_source_ && !entry.key_known;
}

/// Before anything behind it is looked at.
void AckCursor::learn_key(Entry& entry) {
  entry.key = keys_source_->key_of(Offset(entry.offset));
  entry.key_known = true;
  if (entry.key == 0) return;
  Key& key = keys_[entry.key];
  if (entry.state == State::delayed) {
    ++key.delayed;
  } else if (key.held++ == 0) {
    key.holder = entry.holder;
  }
  update_key(entry.key);
}

// --- states ---

void AckCursor::leave(Entry& entry) {
  bool timed = entry.state == State::held || entry.state == State::delayed;
  if (timed && entry.due != never_ms) --timed_;
  switch (entry.state) {
    case State::none: break;
    case State::returned: returned_.erase(entry.offset); break;
    case State::parked: parked_.erase({entry.key, entry.offset}); break;
    case State::delayed:
      --delayed_;
      if (entry.key != 0 && entry.attempts > 0) --keys_.find(entry.key)->second.delayed;
      break;
    case State::held: {
      --held_;
      Holder& of = *std::exchange(entry.holder, nullptr);
      --of.count;
      (entry.before ? entry.before->after : of.first) = entry.after;
      if (entry.after) entry.after->before = entry.before;
      // Of a key that is busy no more nobody asks whose it was; see update_key.
      if (entry.key != 0) --keys_.find(entry.key)->second.held;
      drop_if_idle(of);
      break;
    }
  }
  entry.state = State::none;
  entry.due = never_ms;
}

void AckCursor::hold(Entry& entry, HolderId holder, int64_t deadline_ms) {
  Holder& of = holder_of(holder);
  ++of.count;
  entry.before = nullptr;
  entry.after = of.first;
  if (of.first) of.first->before = &entry;
  of.first = &entry;
  entry.state = State::held;
  entry.holder = &of;
  entry.due = deadline_ms;
  ++entry.attempts;
  ++held_;
  if (entry.key != 0) {
    Key& key = keys_[entry.key];
    key.holder = &of;
    ++key.held;
  }
  start_timer(entry);
}

void AckCursor::put_back(Entry& entry) {
  entry.state = State::returned;
  returned_.insert(entry.offset);
}

void AckCursor::put_off(Entry& entry, int64_t due_ms) {
  entry.state = State::delayed;
  entry.due = due_ms;
  ++delayed_;
  if (entry.key != 0 && entry.attempts > 0) ++keys_[entry.key].delayed;
  start_timer(entry);
}

void AckCursor::park(Entry& entry) {
  entry.state = State::parked;
  parked_.emplace(entry.key, entry.offset);
}

/// After any change to a record with this key. A free key with parked records has at least one record among the
/// returned, so that somebody finds it; a busy one is listed with its holder, who alone may go on with it.
void AckCursor::update_key(uint64_t key) {
  auto parked = parked_.lower_bound({key, INT64_MIN});
  int64_t oldest = parked != parked_.end() && parked->first == key ? parked->second : -1;
  auto busy = keys_.find(key);
  if (busy != keys_.end() && busy->second.held == 0 && busy->second.delayed == 0) {
    unlist(busy->second);
    keys_.erase(busy);
    busy = keys_.end();
  }
  if (busy == keys_.end()) {
    if (oldest < 0) return;
    Entry& entry = *find(Offset(oldest));
    leave(entry);
    put_back(entry);
    return;
  }
  int64_t listed = busy->second.held > 0 && busy->second.delayed == 0 ? oldest : -1;
  if (listed == busy->second.listed) return;
  unlist(busy->second);
  if (listed < 0) return;
  busy->second.listed = listed;
  busy->second.holder->own.insert(listed);
}

void AckCursor::unlist(Key& key) {
  if (key.listed < 0) return;
  key.holder->own.erase(key.listed);
  key.listed = -1;
  drop_if_idle(*key.holder);
}

void AckCursor::drop_if_idle(Holder& holder) {
  if (holder.count == 0 && holder.own.empty() && &holder != recent_) holders_.erase(holder.id);
}

bool AckCursor::untake(Offset offset) {
  Entry* entry = find(offset);
  if (!entry || entry->state != State::held) return false;
  --entry->attempts;
  return release(offset, 0, 0);
}

bool AckCursor::hold_at(Offset offset, HolderId holder, int64_t deadline_ms) {
  if (is_done(offset)) return false;
  Entry* entry = find(offset);
  if (entry && entry->state != State::returned && entry->state != State::parked) return false;
  if (entry) leave(*entry);
  if (!entry) entry = &add(offset);
  hold(*entry, holder, deadline_ms);
  --entry->attempts;
  if (entry->key != 0) update_key(entry->key);
  while (entries_.contains(next_)) ++next_;
  return true;
}

int64_t AckCursor::first_taken(Offset offset, int64_t now_ms) {
  Entry* entry = find(offset);
  if (entry->first_taken == 0) entry->first_taken = now_ms;
  return entry->first_taken;
}

std::optional<Offset> AckCursor::peek(Offset end) {
  // What came back from a snapshot may stand before the next new one.
  int64_t oldest = next_ = done_.first_gap(next_);
  for (bool passes = true; oldest < end.value;) {
    const Entry* entry = find(Offset(oldest));
    if (!entry) break;
    passes = passes && !is_key_wanted(*entry);  // take asks for it on its way
    oldest = done_.first_gap(oldest + 1);
    if (passes) next_ = oldest;
  }
  if (!returned_.empty()) oldest = std::min(oldest, *returned_.begin());
  if (oldest >= end.value) return std::nullopt;
  return Offset(oldest);
}

// --- settling ---

int64_t AckCursor::settle(Offset first, Offset last) {
  int64_t from = std::max(first.value, floor_), to = last.value;
  if (from >= to) return 0;
  forget_range(from, to);
  int64_t before = floor_ + done_.count();
  if (from > floor_) {
    done_.add(from, to);
  } else {
    floor_ = done_.empty() ? to : done_.first_gap(to);
    done_.remove_below(floor_);
    next_ = std::max(next_, floor_);
  }
  return floor_ + done_.count() - before;
}

std::vector<Change> AckCursor::settle_idle(Offset end) {
  std::vector<int64_t> kept;
  entries_.each([&](int64_t offset, const Entry& entry) {
    if (entry.state == State::held && offset < end.value) kept.push_back(offset);
  });
  std::ranges::sort(kept);
  kept.push_back(end.value);
  std::vector<Change> changes;
  int64_t first = floor_;
  for (int64_t last : kept) {
    if (settle(Offset(first), Offset(last)) > 0) changes.push_back({Offset(first), Offset(last), Change::Kind::settle});
    first = last + 1;
  }
  return changes;
}

void AckCursor::forget(Entry& entry) {
  uint64_t key = entry.key;
  leave(entry);
  entries_.erase(entry.offset);
  if (key != 0) update_key(key);
}

void AckCursor::forget_range(int64_t first, int64_t last) {
  if (static_cast<uint64_t>(last - first) <= entries_.size()) {
    for (int64_t offset = first; offset < last; ++offset)
      if (Entry* entry = find(Offset(offset))) forget(*entry);
  } else {
    std::vector<int64_t> inside;
    entries_.each([&](int64_t offset, const Entry&) {
      if (first <= offset && offset < last) inside.push_back(offset);
    });
    for (int64_t offset : inside) forget(*find(Offset(offset)));
  }
  if (entries_.empty() && timers_.capacity() > timers_kept) timers_ = decltype(timers_)();
}

void AckCursor::seek(Offset offset) {
  forget_range(INT64_MIN / 2, offset.value);
  done_.clear();
  floor_ = next_ = offset.value;
}

void AckCursor::apply(const Change& change) {
  switch (change.kind) {
    case Change::Kind::settle: settle(change.first, change.last); return;
    case Change::Kind::seek: seek(change.first); return;
  }
}

void AckCursor::apply(const TakenNote& note) {
  for (int64_t offset = std::max(note.first.value, floor_); offset < note.last.value; ++offset) {
    if (is_done(Offset(offset))) continue;
    Entry* entry = find(Offset(offset));
    if (entry) leave(*entry);
    if (!entry) entry = &add(Offset(offset));
    entry->attempts = note.attempts;
    entry->first_taken = note.first_ms;
    if (note.until_ms == 0) {
      put_back(*entry);
    } else if (note.attempts == 0 || note.first_ms == 0) {
      put_off(*entry, note.until_ms);
    } else {
      hold(*entry, former_holder, note.until_ms);
      --entry->attempts;
    }
    if (entry->key != 0) update_key(entry->key);
  }
}

// --- giving back ---

void AckCursor::give_back(Entry& entry, int64_t due_ms, int64_t now_ms) {
  leave(entry);
  if (due_ms <= now_ms)
    put_back(entry);
  else
    put_off(entry, due_ms);
  if (entry.key != 0) update_key(entry.key);
}

bool AckCursor::release(Offset offset, int64_t due_ms, int64_t now_ms) {
  Entry* entry = find(offset);
  if (!entry || entry->state != State::held) return false;
  give_back(*entry, due_ms, now_ms);
  return true;
}

std::vector<AckCursor::Taken> AckCursor::release_all(HolderId holder) {
  std::vector<Taken> out;
  auto of = holders_.find(holder);
  if (of == holders_.end()) return out;
  for (const Entry* entry = of->second.first; entry; entry = entry->after)
    out.push_back({Offset(entry->offset), entry->attempts});
  std::ranges::sort(out, {}, &Taken::offset);
  for (const Taken& taken : out) give_back(*find(taken.offset), 0, 0);
  return out;
}

bool AckCursor::extend(Offset offset, int64_t deadline_ms) {
  Entry* entry = find(offset);
  if (!entry || entry->state != State::held) return false;
  if (entry->due != never_ms) --timed_;
  entry->due = deadline_ms;
  start_timer(*entry);
  return true;
}

bool AckCursor::delay(Offset offset, int64_t due_ms) {
  if (offset.value < next_ || is_done(offset) || find(offset)) return false;
  put_off(add(offset), due_ms);
  return true;
}

// --- time ---

bool AckCursor::is_running(const Timer& timer) const {
  const Entry* entry = find(Offset(timer.offset));
  return entry && entry->due == timer.due && (entry->state == State::held || entry->state == State::delayed);
}

/// Timers are not looked for when a hold ends in time, which is nearly always; they are dropped when they come up, or
/// all at once when most are stale.
void AckCursor::start_timer(const Entry& entry) {
  if (entry.due == never_ms) return;
  ++timed_;
  timers_.push_back({entry.due, entry.offset});
  std::ranges::push_heap(timers_, std::greater{});
  if (timers_.size() <= 2 * timed_ + timers_kept) return;
  std::erase_if(timers_, [&](const Timer& timer) { return !is_running(timer); });
  std::ranges::sort(timers_);  // ascending is a heap, too
  auto twins = std::ranges::unique(timers_);
  timers_.erase(twins.begin(), twins.end());
}

std::optional<int64_t> AckCursor::next_deadline() {
  while (!timers_.empty() && !is_running(timers_.front())) {
    std::ranges::pop_heap(timers_, std::greater{});
    timers_.pop_back();
  }
  if (timers_.empty()) return std::nullopt;
  return timers_.front().due;
}

std::vector<AckCursor::Due> AckCursor::expire(int64_t now_ms, const Longer& longer) {
  std::vector<Due> out;
  for (auto due = next_deadline(); due && *due <= now_ms; due = next_deadline()) {
    Entry& entry = *find(Offset(timers_.front().offset));
    if (longer && entry.state == State::held) {
      int64_t until = longer(Offset(entry.offset), entry.holder->id);
      if (until > now_ms) {
        extend(Offset(entry.offset), until);
        continue;
      }
    }
    out.push_back({Offset(entry.offset), entry.attempts, std::nullopt});
    if (entry.state == State::held) out.back().holder = entry.holder->id;
    give_back(entry, now_ms, now_ms);
  }
  return out;
}

// --- asking ---

std::optional<AckCursor::Hold> AckCursor::held(Offset offset) const {
  const Entry* entry = find(offset);
  if (!entry || entry->state != State::held) return std::nullopt;
  return Hold{entry->holder->id, entry->attempts, entry->due};
}

uint32_t AckCursor::attempts(Offset offset) const {
  const Entry* entry = find(offset);
  return entry ? entry->attempts : 0;
}

AckCursor::Counts AckCursor::counts(Offset end) const {
  int64_t open = std::max<int64_t>(0, end.value - floor_ - done_.count());
  return {.ready = std::max<int64_t>(0, open - held_ - delayed_), .held = held_, .delayed = delayed_};
}

size_t AckCursor::held_by(HolderId holder) const {
  auto of = holders_.find(holder);
  return of == holders_.end() ? 0 : of->second.count;
}

// Roughly: what the allocator takes for the nodes of the standard containers.
size_t AckCursor::bytes() const {
  constexpr size_t set_node = 64, small_node = 128;
  return sizeof *this + entries_.bytes() + (done_.ranges().size() + returned_.size() + parked_.size()) * set_node +
         (holders_.size() + keys_.size()) * small_node + timers_.capacity() * sizeof(Timer);
}

}  // namespace naru
