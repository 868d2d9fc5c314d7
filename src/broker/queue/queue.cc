#include "broker/queue/queue.h"

#include "broker/queue/log_readers.h"
#include "broker/queue/queue_host.h"
#include "broker/queue/queue_leases.h"
#include "broker/queue/topic_feed.h"
#include "broker/queue/topic_source.h"
#include "log/record_batch.h"

namespace naru {
namespace {

constexpr size_t headers_kept = 4 * KiB;  // of memory for the next message's
constexpr size_t batch_bytes_max = MiB;   // of one turn's messages; larger ones get a batch of their own

}  // namespace

Queue::Queue(QueueHost& host, std::string its_name, std::vector<LevelIds> levels, QueueSettings settings)
    : name(std::move(its_name)),
      host_(host),
      settings_(host.shared(std::move(settings))),
      id_(levels[0].stream.value),
      takers_(settings_->single_active_consumer),
      getter_(host.new_holder()),
      burials_(host, *this),
      expiry_(host.loop, [this] { expire_heads(); }) {
  last_used_ms = host.loop.now();
  has_ttl_ = settings_->lifetime_ms.has_value();
  if (settings_->topic) {
    host.enlist(*this);
    return;
  }
  for (const LevelIds& ids : levels) levels_.push_back(std::make_shared<QueueLevel>(ids));
  // A level that never had a message has no log.
  for (size_t i = 0; i < levels_.size(); ++i)
    if (host.store.find(levels[i].stream)) opened(static_cast<uint8_t>(i));
  host.enlist(*this);
}

Queue::~Queue() = default;

Queue::Counters& Queue::Counters::operator+=(const Counters& other) {
  published += other.published;
  delivered += other.delivered;
  redelivered += other.redelivered;
  acked += other.acked;
  got += other.got;
  return *this;
}

void Queue::set_settings(QueueSettings settings) {
  settings_ = host_.shared(std::move(settings));
  has_ttl_ |= settings_->lifetime_ms.has_value();
  for (auto& level : levels_) {
    level->head_seen = Offset(-1);
    if (level->log) level->log->set_settings(log_settings());
  }
  count_backlog();
  host_.mark(*this);
}

LogSettings queue_log_settings(const QueueSettings& settings) {
  LogSettings log;
  log.durability = settings.durability;
  log.retention_ms = log.retention_bytes = -1;
  log.trim_to_cursors = !settings.is_stream;
  log.remove_old = settings.retains();
  if (!settings.retains()) return log;
  log.retention_ms = (settings.is_stream ? settings.max_age_ms : settings.retain_ms).value_or(-1);
  log.retention_bytes = (settings.is_stream ? settings.max_bytes : settings.retain_bytes).value_or(-1);
  // What goes goes by segments: about a quarter of the limit at a time.
  constexpr int64_t bytes_min = MiB, ms_min = 1000;
  if (log.retention_bytes >= 0)
    log.segment_bytes = static_cast<uint64_t>(
        std::clamp<int64_t>(log.retention_bytes / 4, bytes_min, static_cast<int64_t>(log.segment_bytes)));
  if (log.retention_ms >= 0) log.segment_ms = std::clamp<int64_t>(log.retention_ms / 4, ms_min, log.segment_ms);
  log.segment_bytes = settings.segment_bytes.value_or(log.segment_bytes);
  return log;
}

LogSettings Queue::log_settings() const { return queue_log_settings(*settings_); }

QueueLevel& Queue::opened(uint8_t index) {
  QueueLevel& level = *levels_[index];
  if (level.log || level.source) return level;
  level.log = &host_.store.log(level.ids.stream, log_settings());
  if (settings_->retains()) host_.core.note_append(log_settings());
  if (settings_->is_stream) return level;
  level.cursor = &host_.store.cursor(level.ids.cursor, level.ids.stream);
  know_keys(level);
  if (host_.unclean) level.cursor->doubt_below(level.log->bounds().end);
  // What lies here from before may expire too; nobody knows without looking.
  if (level.cursor->floor() < level.log->bounds().end) has_ttl_ = true;
  level.uncounted = level.cursor->floor();
  level.uncounted_end = level.log->bounds().end;
  if (level.cursor->next_deadline()) leases();
  return level;
}

/// For a queue whose messages have keys that count.
void Queue::know_keys(QueueLevel& level) {
  if (settings_->grouped) {
    level.keys = std::make_unique<RecordKeys>("", level.cursor->floor());
    groups_ = std::make_unique<GroupOrder>();
    leases().watch_durable(*level.log);
    return;
  }
  if (fair_ && !settings_->fair_key) level.keys = std::make_unique<RecordKeys>("", level.cursor->floor());
  const auto& key = settings_->order_key ? settings_->order_key : settings_->fair_key;
  if (!key) return;
  level.keys = std::make_unique<RecordKeys>(key->header, level.cursor->floor());
  if (settings_->order_key) level.cursor->order_by_key(*level.keys);
  if (settings_->fair_key && !fair_) fair_ = std::make_unique<FairShare>(settings_->shares);
}

void Queue::look_at_backlog() {
  count_backlog();
  if (has_ttl_) changed();
}

void Queue::changed() { host_.mark(*this); }

bool Queue::publish(const NewMessage& message, MessageId* at) {
  if (erased_) return true;            // by who still had a way to it
  if (settings_->topic) return false;  // no route leads here
  bool full = settings_->overflow != Overflow::drop_head && over_limits(std::ssize(message.body));
  if (full) {
    if (settings_->overflow == Overflow::reject_publish_dlx && settings_->dead_letter_exchange && host_.dead_letters) {
      Bytes headers;
      for (const Header& header : message.headers) append_header(headers, header);
      StoredRecord record;
      record.timestamp = host_.loop.wall();
      record.key = message.key;
      record.value = message.body;
      record.headers = Headers(headers, static_cast<int32_t>(message.headers.size()));
      std::vector<uint64_t> takers;
      host_.dead_letters->bury(*this, record, Death::maxlen, takers);
    }
    return false;
  }
  if (hand_over(message)) return true;
  QueueLevel& level = opened(std::min(message.priority, settings_->max_priority));
  int64_t now = host_.loop.wall(), timestamp = message.timestamp.value_or(now);
  std::optional<int64_t> ttl = settings_->message_ttl_ms;
  if (message.ttl_ms && !settings_->is_stream && (!ttl || *message.ttl_ms < *ttl)) ttl = message.ttl_ms;
  headers_.clear();
  auto header_count = static_cast<int32_t>(message.headers.size());
  if (ttl) {
    std::string expires = std::to_string(now + *ttl);
    append_header(headers_, {expires_header, view(expires)});
    ++header_count;
    has_ttl_ = true;
  }
  for (const Header& header : message.headers) append_header(headers_, header);
  Offset offset = level.next();
  level.buffer(timestamp, message, headers_, header_count);
  if (at)
    *at = {.level = std::min(message.priority, settings_->max_priority),
           .offset = offset,
           .body_bytes = static_cast<uint32_t>(message.body.size())};
  if (watcher) watcher->published(offset, now, message);
  ready_bytes_ += static_cast<int64_t>(message.body.size());
  ++counters_.published;
  if (level.batch.size() >= batch_bytes_max) append_batch(level);
  if (headers_.capacity() > headers_kept) Bytes().swap(headers_);
  changed();
  return true;
}

bool Queue::append_batch(QueueLevel& level) {
  if (level.header.count == 0) return true;
  if (host_.store.is_full()) return false;  // it stays here, unconfirmed, until there is space
  level.seal();
  auto header = peek_header(level.batch);
  CHECK(header);
  auto appended = level.log->append(level.batch, *header);
  if (!appended) return false;
  delay_appended(level, appended->base);
  Offset end = appended->base + level.header.count;
  Bytes batch = level.take_batch();
  if (is_unread() || host_.has_kept_enough()) {
    host_.let_go(level.window);  // a dead letter out of it may be on its way to several queues, of which this is one
  } else {
    level.window.keep(appended->base, end, std::move(batch));
  }
  host_.count_kept(*this, level.window);
  return true;
}

/// A batch that came as one, checked: from a producer of Kafka's, with that one's sequence numbers.
Result<Appended> Queue::append_produced(uint8_t index, std::span<uint8_t> batch, const BatchHeader& header,
                                        int64_t body_bytes) {
  QueueLevel& level = opened(index);
  bool is_repeated = level.log->state().producers.find(header) != nullptr;  // then it takes no place
  if (!is_repeated && settings_->overflow != Overflow::drop_head && over_limits(body_bytes))
    return fail(Code::busy, "the queue is full");
  if (!append_batch(level)) return fail(Code::full, "what came before is not stored yet");
  auto appended = TRY(level.log->append(batch, header));
  if (appended.duplicate) return appended;
  // What is in memory is without gaps.
  if (header.codec() == Codec::none && batch.size() <= batch_bytes_max && !is_unread()) {
    level.window.keep(appended.base, appended.base + header.count, Bytes(batch.begin(), batch.end()));
  } else {
    level.window.clear();
  }
  host_.count_kept(*this, level.window);
  ready_bytes_ += body_bytes;
  counters_.published += static_cast<uint64_t>(header.count);
  if (settings_->message_ttl_ms) has_ttl_ = true;
  changed();
  return appended;
}

uint64_t Queue::mean_bytes() const {
  uint64_t most = 0;
  for (const auto& level : levels_) {
    if (!level->log || level->log->state().segments.empty()) continue;
    const LogState& state = level->log->state();
    size_t last = state.segments.size() - 1;
    if (state.segments[last].bytes == 0 && last > 0) --last;
    int64_t records = state.limit_of(last) - state.segments[last].base;
    if (records > 0) most = std::max(most, state.segments[last].bytes / static_cast<uint64_t>(records));
  }
  return most;
}

/// A stream without readers: nothing of it is wanted soon.
bool Queue::is_unread() const { return settings_->is_stream && !(readers_ && readers_->any()); }

bool Queue::append_batches() {
  bool all = true;
  for (auto& level : levels_) all &= erased_ || append_batch(*level);
  return all;
}

/// Published and not appended, or settled for what is not.
bool Queue::waits_for_space() const {
  return !erased_ && std::ranges::any_of(
                         levels_, [](const auto& level) { return level->header.count > 0 || !level->moved.empty(); });
}

void Queue::drop_kept() {
  for (auto& level : levels_) {
    level->window.clear();
    host_.count_kept(*this, level->window);
  }
  if (readers_) readers_->drop_kept();
}

MessageId Queue::id_of(uint8_t level, Offset offset, size_t body_bytes) const {
  return {.level = level,
          .offset = offset,
          .body_bytes = static_cast<uint32_t>(body_bytes),
          .tenant = levels_[level]->tenant};
}

/// It was of a topic that is gone.
bool Queue::is_stale(const MessageId& id) const { return levels_[id.level]->tenant != id.tenant; }

void Queue::mark_settled(const MessageId& id) {
  if (is_stale(id)) return;
  if (fair_) fair_->done({id.level, id.offset});
  if (groups_) groups_->done(id.offset);
  if (leases_) ready_bytes_ -= leases_->bytes.forget(id);
  levels_[id.level]->mark(id.offset, host_.together_ > 0);
  changed();
}

void Queue::write_down(QueueLevel& level, const Change& change) {
  if (level.source) return level.source->change(change);
  host_.store.change(level.ids.cursor, change);
}

/// One change for each run of offsets: those that were settled in this turn in whatever order.
void Queue::apply_settled(bool all_appended) {
  for (auto& level : levels_) {
    if (erased_) continue;
    if (all_appended) {
      level->move_settled();
    } else if (leases_ && level->cursor) {  // nobody is to get it a second time meanwhile
      for (const QueueLevel::Run& run : level->moved)
        for (int64_t at = run.first; at < run.last; ++at) level->cursor->extend(Offset(at), never_ms);
    }
    level->merge_settled();
    for (const QueueLevel::Run& run : level->settled)
      write_down(*level, {Offset(run.first), Offset(run.last), Change::Kind::settle});
    level->settled.clear();
  }
}

void Queue::end_turn() {
  if (erased_) return;
  if (readers_) readers_->dispatch(levels_[0]->window);
  if (!settings_->is_stream) {
    if (leases_) expire_leases();
    dispatch();
    if (leases_) serve_leases();
    trim_to_limits();
    if (has_ttl_ && !watcher) expire_heads();
  }
  forget_passed();
  if (settings_->retains())
    for (auto& level : levels_)
      if (level->log) apply_retention(*level);
}

/// What nobody will want from memory any more.
void Queue::forget_passed() {
  for (auto& level : levels_) {
    if (level->window.bytes() == 0) continue;
    Offset end = level->end();
    auto head = level->cursor ? level->cursor->peek(end) : std::nullopt;
    Offset needed = head.value_or(end);
    if (level->keys) needed = std::min(needed, level->cursor->first_open(Offset(0)));  // those that wait for a key
    if (readers_ && level == levels_[0])
      needed = std::min(needed, readers_->wanted_from(level->window.kept_from(), end));
    level->window.forget_below(needed);
    host_.count_kept(*this, level->window);
  }
}

/// Whenever a segment is full, as RabbitMQ does it; and the core looks at the age of what is left.
void Queue::apply_retention(QueueLevel& level) {
  host_.core.note_append(level.log->settings());
  Offset active = level.log->active_base();
  if (level.retained_at == active || level.log->bounds().high_watermark < active) return;
  level.retained_at = active;
  (void)level.log->retain(host_.loop.wall()).has_value();
}

Queue::Counts Queue::counts() {
  append_batches();
  apply_settled(host_.append_published());
  trim_to_limits();
  Counts all;
  for (auto& level : levels_) {
    if (!level->log && !level->cursor) continue;
    if (settings_->is_stream) {
      all.ready += level->log->bounds().end - level->log->bounds().begin + level->header.count;
      continue;
    }
    auto counts = level->cursor->counts(level->end());
    all.ready += counts.ready + counts.delayed + level->header.count;
    all.unacked += counts.held;
  }
  int64_t waiting = waiting_ahead();
  all.ready += waiting;  // what was looked ahead to is with nobody
  all.unacked -= waiting;
  return all;
}

int64_t Queue::purge() {
  if (settings_->is_stream) return 0;  // it is not emptied
  append_batches();
  apply_settled(host_.append_published());
  int64_t purged = 0;
  for (auto& level : levels_) {
    if (!level->cursor) continue;
    Offset end = level->end();
    auto counts = level->cursor->counts(end);
    purged += counts.ready + counts.delayed;
    for (const Change& change : level->cursor->settle_idle(end)) {
      write_down(*level, change);
      if (!groups_) continue;  // they think that somebody has what is for later
      for (Offset at = change.first; at < std::min(change.last, looked_to_); ++at) groups_->done(at);
    }
  }
  if (fair_)
    for (const auto& [level, offset] : fair_->clear()) {
      write_down(*levels_[level], {offset, offset + 1, Change::Kind::settle});
      ++purged;
    }
  if (groups_)
    for (Offset offset : groups_->clear_waiting()) {
      write_down(*levels_[0], {offset, offset + 1, Change::Kind::settle});
      ++purged;
    }
  if (leases_) leases_->bytes.purge();
  ready_bytes_ = 0;
  ++purges_;
  changed();
  return purged;
}

int64_t Queue::erase() {
  int64_t ready = counts().ready;
  erased_ = true;
  host_.of_erased[std::to_underlying(settings_->kind())] += counters_;
  host_.strike(*this);
  expiry_.cancel();
  end_leases();
  std::vector<QueueConsumer*> left = readers_ ? readers_->close() : std::vector<QueueConsumer*>();
  for (QueueConsumer* consumer : takers_.close()) left.push_back(consumer);
  for (QueueConsumer* consumer : left) consumer->queue_gone(*this);
  for (auto& level : levels_) {
    level->window.clear();
    host_.count_kept(*this, level->window);
    if (level->source) level->source->erase();
    if (!level->log) continue;
    if (level->cursor) host_.store.forget_cursor(level->ids.cursor);
    host_.store.drop(level->ids.stream);
    level->log = nullptr;
    level->cursor = nullptr;
  }
  return ready;
}

std::optional<Offset> Queue::first_open(Offset from) {
  QueueLevel& level = opened(0);
  Offset first = level.cursor->first_open(from);
  if (first < level.log->bounds().end) return first;
  return std::nullopt;
}

Delivery Queue::delivery(const Next& next, const StoredRecord& record) const {
  const QueueLevel& level = *levels_[next.level];
  bool before = next.taken.attempt > 1 || level.cursor->is_doubtful(next.taken.offset);
  return {.id = id_of(next.level, next.taken.offset, record.body().size()),
          .attempt = next.taken.attempt,
          .redelivered = before,
          .record = record};
}

void Queue::settle(const MessageId& id) {
  ++counters_.acked;
  if (!id.is_copy) mark_settled(id);
}

void Queue::requeue(const MessageId& id, Return how) {
  if (id.is_copy || is_done(id)) return;  // done: with a purge that takes what somebody has, too
  QueueLevel& level = *levels_[id.level];
  uint32_t attempts = level.cursor->attempts(id.offset);
  if (how != Return::looked_at && settings_->delivery_limit) {
    // Attempts include the first one, which was no return.
    if (attempts > *settings_->delivery_limit) return reject(id, Death::delivery_limit);
  }
  if (is_counted(id.level, id.offset)) ready_bytes_ += id.body_bytes;
  if (fair_) fair_->given_back({id.level, id.offset});
  // Who gets it next is told that it was out, not that it failed.
  if (how == Return::looked_at && attempts > 1) level.cursor->uncount(id.offset);
  if (groups_) {
    groups_->returned(id.offset);
  } else {
    give_back(level, id, settings_->retry_delay.after(attempts, how));
  }
  changed();
}

void Queue::give_back(QueueLevel& level, const MessageId& id, int64_t delay_ms) {
  int64_t now = host_.loop.wall(), due = now + delay_ms;
  uint32_t attempts = level.cursor->attempts(id.offset);
  level.cursor->release(id.offset, due, now);
  if (delay_ms == 0) return;
  leases();  // they look at what comes due
  if (!level.source) level.add_note({id.offset, id.offset + 1, attempts, 0, due});
}

void Queue::reject(const MessageId& id, Death why) {
  if (!id.is_copy && !is_done(id)) burials_.find_and_bury(id, why);
}

}  // namespace naru
