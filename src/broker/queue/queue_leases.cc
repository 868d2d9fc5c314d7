#include "broker/queue/queue_leases.h"

#include "broker/queue/queue_host.h"
#include "broker/queue/topic_source.h"

namespace naru {
namespace {

constexpr int served_max = 1000;                  // in one turn, then others have theirs
constexpr size_t groups_looked_at_max = 120'000;  // messages, as SQS looks at

}  // namespace

QueueLeases& Queue::leases() {
  if (!leases_) leases_ = std::make_unique<QueueLeases>(host_.loop, host_.new_holder(), [this] { changed(); });
  return *leases_;
}

// --- asking ---

void Queue::ask(LeaseTaker& taker) {
  auto& all = leases();
  taker.list_ = &all.asking;
  taker.place_ = all.asking.insert(all.asking.end(), &taker);
  last_used_ms = host_.loop.now();
  changed();
}

void Queue::forget(LeaseTaker& taker) {
  if (!taker.list_) return;
  taker.list_->erase(taker.place_);
  taker.list_ = nullptr;
  for (const MessageId& id : std::exchange(taker.at_once_, {})) extend_lease(id, 0);
}

void Queue::finish(LeaseTaker& taker, Filled how) {
  forget(taker);
  taker.done(how == Filled::limited ? LeaseTaker::End::limited : LeaseTaker::End::answered);
}

/// Those who have waited for longest first, then those who came in this turn.
void Queue::serve_leases() {
  auto& all = *leases_;
  int served = 0;
  bool some = true;
  while (!loading_ && !erased_ && served < served_max && some && !all.parked.empty()) {
    LeaseTaker& taker = *all.parked.front();
    Filled how = fill(taker);
    if (how == Filled::loading) break;
    some = how == Filled::some;
    if (some) finish(taker, how), ++served;
  }
  while (!loading_ && !erased_ && served < served_max && !all.asking.empty()) {
    LeaseTaker& taker = *all.asking.front();
    Filled how = fill(taker);
    if (how == Filled::loading) break;
    ++served;
    if (how == Filled::some || !taker.waits) {
      finish(taker, how);
    } else {
      all.parked.splice(all.parked.end(), all.asking, taker.place_);
      taker.list_ = &all.parked;
    }
  }
  if (erased_) return;
  if (served == served_max) changed();
  write_notes();
  plan_leases();
}

Queue::Filled Queue::fill(LeaseTaker& taker) {
  auto& all = *leases_;
  auto how = [&] { return taker.taken_ > 0 ? Filled::some : Filled::none; };
  taker.moved_ = 0;
  while (taker.taken_ < taker.max && taker.moved_ < taker.moves_max) {
    if (lease_counts().leased >= leased_max) return taker.taken_ > 0 ? Filled::some : Filled::limited;
    if (load_ahead()) return Filled::loading;
    all.filling = &taker;
    auto next = take_next(all.holder);
    all.filling = nullptr;
    if (!next) {
      auto unknown = first_unknown();
      if (!unknown) return how();
      load_and_go_on(*unknown).detach();
      return Filled::loading;
    }
    StoredRecord record;
    switch (levels_[next->level]->window.find(next->taken.offset, &record)) {
      case RecordWindow::Found::elsewhere:
        put_back(*next);
        load_and_go_on(*next).detach();
        return Filled::loading;
      case RecordWindow::Found::gone: mark_settled(id_of(next->level, next->taken.offset)); break;
      case RecordWindow::Found::here: lease_out(taker, *next, record); break;
    }
  }
  return how();
}

void Queue::lease_out(LeaseTaker& taker, const Next& next, const StoredRecord& record) {
  AckCursor& cursor = *levels_[next.level]->cursor;
  Delivery out = delivery(next, record);
  if (is_counted(next.level, next.taken.offset)) ready_bytes_ -= out.id.body_bytes;
  if (has_expired(record, out.attempt == 1)) return burials_.bury(out.id, record, Death::expired);
  int64_t now = host_.loop.wall();
  int64_t first = cursor.first_taken(out.id.offset, now);
  if (taker.offer(*this, out, first) == LeaseTaker::Answer::moved) {
    ++taker.moved_;
    QueueHost::Together together(host_);
    return mark_settled(out.id);
  }
  if (settings_->max_bytes && is_counted(next.level, next.taken.offset)) leases_->bytes.out(out.id);
  ++counters_.delivered;
  if (out.attempt > 1) ++counters_.redelivered;
  ++taker.taken_;
  // One that is held for no time stays out until the taker has all: it is not to get it twice.
  // That time has an end as well: a crash may come before the taker has all.
  constexpr int64_t at_once_ms = 60'000;
  int64_t until = now + (taker.lease_ms > 0 ? taker.lease_ms : at_once_ms);
  cursor.extend(out.id.offset, until);
  if (taker.lease_ms <= 0) return taker.at_once_.push_back(out.id);
  levels_[out.id.level]->add_note({out.id.offset, out.id.offset + 1, out.attempt, first, until});
}

// --- groups ---

bool Queue::is_looked_ahead() const { return groups_->size() >= groups_looked_at_max; }

Offset Queue::known_end(const QueueLevel& level) const {
  return settings_->grouped ? level.log->bounds().high_watermark : level.end();
}

/// What nobody has is held by the queue itself until its turn comes.
void Queue::look_at_groups() {
  QueueLevel& level = *levels_[0];
  AckCursor& cursor = *level.cursor;
  while (!is_looked_ahead()) {
    Offset known = level.keys->learn(level.window, cursor, known_end(level));
    looked_to_ = cursor.first_open(looked_to_);
    if (looked_to_ >= known) return;
    for (; looked_to_ < known; looked_to_ = cursor.first_open(looked_to_ + 1)) {
      uint64_t group = level.keys->key_of(looked_to_);
      if (group == 0) group = RecordKeys::own_key(looked_to_);
      groups_->add(looked_to_, group, !cursor.hold_at(looked_to_, getter_, never_ms));
    }
  }
}

std::optional<Queue::Next> Queue::take_grouped() {
  if (!levels_[0]->cursor) return std::nullopt;
  look_at_groups();
  AckCursor& cursor = *levels_[0]->cursor;
  GroupOrder::Turn alone;
  while (auto offset = groups_->next(leases_->filling ? leases_->filling->turn_ : alone)) {
    if (!cursor.is_done(*offset)) return Next{0, {*offset, cursor.count(*offset)}};
    groups_->done(*offset);
  }
  return std::nullopt;
}

void Queue::share_fairly() {
  if (fair_ || groups_ || settings_->order_key || settings_->is_stream || settings_->topic) return;
  FairShare::Shares shares = settings_->shares;
  shares.quiet_first = true;
  fair_ = std::make_unique<FairShare>(std::move(shares));
  for (auto& level : levels_)
    if (level->cursor) level->keys = std::make_unique<RecordKeys>("", level->cursor->floor());
}

// --- having ---

std::optional<AckCursor::Hold> Queue::lease(const MessageId& id) {
  if (erased_ || id.level >= levels_.size() || is_stale(id) || !levels_[id.level]->cursor) return std::nullopt;
  auto hold = levels_[id.level]->cursor->held(id.offset);
  if (!hold || hold->deadline_ms == never_ms) return std::nullopt;
  return hold;
}

bool Queue::extend_lease(const MessageId& id, int64_t until_ms) {
  auto hold = lease(id);
  if (!hold) return false;
  AckCursor& cursor = *levels_[id.level]->cursor;
  int64_t now = host_.loop.wall(), first = cursor.first_taken(id.offset, now);
  if (until_ms > now) {
    cursor.extend(id.offset, until_ms);
  } else if (groups_ && groups_->is_out(id.offset)) {
    cursor.extend(id.offset, never_ms);
    groups_->returned(id.offset);
  } else {  // also one of a group, held since before the start, that was not looked at yet: it is found in its turn
    cursor.release(id.offset, now, now);
    if (fair_) fair_->given_back({id.level, id.offset});
  }
  if (until_ms <= now) ready_bytes_ += leases().bytes.back(id);
  levels_[id.level]->add_note({id.offset, id.offset + 1, hold->attempt, first, until_ms > now ? until_ms : 0});
  changed();
  return true;
}

bool Queue::is_done(const MessageId& id) const {
  return erased_ || id.level >= levels_.size() || is_stale(id) || !levels_[id.level]->cursor ||
         levels_[id.level]->cursor->is_done(id.offset);
}

int32_t Queue::epoch_of(const MessageId& id) const {
  const QueueLevel& level = *levels_[id.level];
  return level.log && id.offset < level.log->bounds().end ? level.log->epoch_at(id.offset) : INT32_MAX;
}

uint32_t Queue::attempts(const MessageId& id) const {
  return is_done(id) ? 0 : levels_[id.level]->cursor->attempts(id.offset);
}

int64_t Queue::first_taken(const MessageId& id) {
  return levels_[id.level]->cursor->first_taken(id.offset, host_.loop.wall());
}

bool Queue::renew_lease(const MessageId& id, int64_t until_ms) {
  if (erased_ || groups_ || fair_ || id.level >= levels_.size() || !levels_[id.level]->cursor) return false;
  AckCursor& cursor = *levels_[id.level]->cursor;
  if (id.offset >= levels_[id.level]->end() || cursor.attempts(id.offset) == 0) return false;
  if (!cursor.hold_at(id.offset, leases().holder, until_ms)) return false;
  ready_bytes_ -= leases_->bytes.again(id);
  int64_t first = cursor.first_taken(id.offset, host_.loop.wall());
  levels_[id.level]->add_note({id.offset, id.offset + 1, cursor.attempts(id.offset), first, until_ms});
  changed();
  return true;
}

void Queue::undo_lease(const MessageId& id) {
  auto hold = lease(id);
  if (!hold) return;
  levels_[id.level]->cursor->uncount(id.offset);
  extend_lease(id, 0);
}

void Queue::set_lease_rule(std::function<int64_t(const MessageId&)> longer) { leases().longer = std::move(longer); }

void Queue::expire_leases() {
  auto& all = *leases_;
  int64_t now = host_.loop.wall();
  for (size_t i = 0; i < levels_.size(); ++i) {
    if (!levels_[i]->cursor) continue;
    AckCursor& cursor = *levels_[i]->cursor;
    auto due = cursor.next_deadline();
    if (!due || *due > now) continue;
    auto level = static_cast<uint8_t>(i);
    AckCursor::Longer longer;
    if (all.longer)
      longer = [&](Offset offset, HolderId) {
        int64_t until = all.longer({level, offset});
        // Whoever starts again after a crash does not take it for over.
        if (until > now)
          levels_[level]->add_note(
              {offset, offset + 1, cursor.attempts(offset), cursor.first_taken(offset, now), until});
        return until;
      };
    for (const AckCursor::Due& one : cursor.expire(now, longer)) {
      if (one.holder) ready_bytes_ += all.bytes.back({level, one.offset});
      if (fair_ && one.holder) fair_->given_back({level, one.offset});
      if (groups_ && groups_->is_out(one.offset)) {
        cursor.hold_at(one.offset, getter_, never_ms);
        groups_->returned(one.offset);
      }
    }
  }
  write_notes();
  plan_leases();
}

/// One timer for whatever runs out next.
void Queue::plan_leases() {
  int64_t next = never_ms;
  for (auto& level : levels_)
    if (level->cursor) next = std::min(next, level->cursor->next_deadline().value_or(never_ms));
  if (next >= never_ms - 1) return leases_->timer.cancel();
  io::Millis at = host_.loop.now() + std::max<int64_t>(next - host_.loop.wall(), 0);
  if (leases_->timer.deadline() != at) leases_->timer.arm(at);
}

// --- delays, notes, counts ---

/// A batch has been appended, and some of its messages are for later.
void Queue::delay_appended(QueueLevel& level, Offset base) {
  if (level.delays.empty()) return;
  leases();
  for (auto [number, until] : std::exchange(level.delays, {})) {
    Offset offset = base + number;
    if (!level.cursor || !level.cursor->delay(offset, until)) continue;
    level.add_note({offset, offset + 1, 0, 0, until});
  }
  write_notes();
}

void Queue::write_notes() {
  for (auto& level : levels_) {
    if (level->notes.empty()) continue;
    for (const TakenNote& note : level->notes) host_.store.note_taken(level->ids.cursor, note);
    level->notes.clear();
  }
}

Queue::LeaseCounts Queue::lease_counts() {
  LeaseCounts all;
  for (auto& level : levels_) {
    if (!level->cursor) continue;
    auto counts = level->cursor->counts(level->end());
    all.ready += counts.ready + level->header.count - static_cast<int64_t>(level->delays.size());
    all.leased += counts.held;
    all.delayed += counts.delayed + static_cast<int64_t>(level->delays.size());
  }
  int64_t waiting = waiting_ahead();
  all.ready += waiting;
  all.leased -= waiting;
  return all;
}

void Queue::clear() {
  append_batches();
  apply_settled(host_.append_published());
  if (fair_) fair_->reset();
  if (groups_) groups_ = std::make_unique<GroupOrder>();
  for (auto& level : levels_) {
    if (!level->cursor) continue;
    level->notes.clear();
    Offset first = level->cursor->floor(), last = level->end();
    if (first < last) write_down(*level, {first, last, Change::Kind::settle});
  }
  if (leases_) leases_->bytes.clear();
  ready_bytes_ = 0;
  ++purges_;
  changed();
}

void Queue::end_leases() {
  if (!leases_) return;
  leases_->timer.cancel();
  leases_->longer = nullptr;
  for (auto* list : {&leases_->parked, &leases_->asking})
    while (!list->empty()) {
      LeaseTaker& taker = *list->front();
      forget(taker);
      taker.done(LeaseTaker::End::gone);
    }
}

}  // namespace naru
