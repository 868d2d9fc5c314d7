#include "broker/queue/queue.h"

#include "broker/queue/queue_host.h"
#include "log/record_batch.h"

namespace naru {
namespace {

constexpr size_t batch_bytes_max = MiB;  // of one turn's messages; larger ones get a batch of their own

}  // namespace

Queue::Queue(QueueHost& host, std::string its_name, std::vector<Level> levels, QueueSettings settings)
    : name(std::move(its_name)),
      host_(host),
      settings_(std::move(settings)),
      getter_(host.new_holder()),
      expiry_(host.loop, [this] { expire_heads(); }) {
  for (const Level& level : levels) levels_.push_back(std::make_unique<Open>(level));
  // A level that never had a message has no log.
  for (size_t i = 0; i < levels_.size(); ++i)
    if (host.store.find(levels[i].stream)) opened(static_cast<uint8_t>(i));
  last_used_ms = host.loop.now();
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
  settings_ = std::move(settings);
  for (auto& level : levels_)
    if (level->log) level->log->set_settings(log_settings());
  host_.mark(*this);
}

LogSettings Queue::log_settings() const {
  LogSettings log;
  log.durability = settings_.durability;
  log.retention_ms = log.retention_bytes = -1;
  log.trim_to_cursors = true;
  return log;
}

Queue::Open& Queue::opened(uint8_t index) {
  Open& level = *levels_[index];
  if (level.log) return level;
  level.log = &host_.store.log(level.id.stream, log_settings());
  level.cursor = &host_.store.cursor(level.id.cursor, level.id.stream);
  if (host_.unclean) level.recovered_end = level.log->bounds().end;
  // What lies here from before may expire too; nobody knows without looking.
  if (level.cursor->floor() < level.log->bounds().end) has_ttl_ = true;
  return level;
}

void Queue::changed() { host_.mark(*this); }

bool Queue::publish(const NewMessage& message) {
  bool full = settings_.overflow != Overflow::drop_head && over_limits(/*for_one_more=*/true);
  if (full) {
    if (settings_.overflow == Overflow::reject_publish_dlx && host_.dead_letters) {
      Bytes headers;
      for (const Header& header : message.headers) append_header(headers, header);
      StoredRecord record;
      record.timestamp = host_.loop.wall();
      record.key = message.key;
      record.value = message.body;
      record.headers = Headers(headers, static_cast<int32_t>(message.headers.size()));
      host_.dead_letters->bury(*this, record, Death::maxlen);
    }
    return false;
  }
  Open& level = opened(std::min(message.priority, settings_.max_priority));
  int64_t now = host_.loop.wall();
  if (level.header.count == 0) {
    level.batch.resize(batch_header_bytes);
    level.header.base_timestamp = now;
  }
  std::optional<int64_t> ttl = settings_.message_ttl_ms;
  if (message.ttl_ms && (!ttl || *message.ttl_ms < *ttl)) ttl = message.ttl_ms;
  headers_.clear();
  auto header_count = static_cast<int32_t>(message.headers.size());
  if (ttl) {
    std::string at = std::to_string(now + *ttl);
    append_header(headers_, {expires_header, view(at)});
    ++header_count;
    has_ttl_ = true;
  }
  for (const Header& header : message.headers) append_header(headers_, header);
  append_record(level.batch, now - level.header.base_timestamp, level.header.count, message.key, message.body, headers_,
                header_count);
  ++level.header.count;
  level.header.max_timestamp = now;
  ready_bytes_ += static_cast<int64_t>(message.body.size());
  ++counters_.published;
  if (level.batch.size() >= batch_bytes_max) append_batch(level);
  changed();
  return true;
}

bool Queue::append_batch(Open& level) {
  if (level.header.count == 0) return true;
  level.header.last_offset_delta = level.header.count - 1;
  seal_batch(level.batch, level.header);
  auto header = peek_header(level.batch);
  CHECK(header);
  auto appended = level.log->append(level.batch, *header);
  if (!appended) return false;  // no space: it stays here, unconfirmed, until there is
  size_t before = level.window.bytes();
  level.window.keep(appended->base, appended->base + level.header.count, std::move(level.batch));
  level.batch = {};
  level.header = {};
  host_.count_kept(*this, before, level.window.bytes());
  return true;
}

bool Queue::append_batches() {
  bool all = true;
  for (auto& level : levels_) all &= erased_ || append_batch(*level);
  return all;
}

size_t Queue::drop_kept() {
  size_t freed = 0;
  for (auto& level : levels_) freed += level->window.clear();
  return freed;
}

void Queue::mark_settled(const MessageId& id) {
  auto& settled = levels_[id.level]->settled;
  int64_t offset = id.offset.value;
  if (!settled.empty() && settled.back().last == offset) {
    ++settled.back().last;
  } else {
    settled.push_back({offset, offset + 1});
  }
  changed();
}

/// One change for each run of offsets: those that were settled in this turn in whatever order.
void Queue::apply_settled() {
  for (auto& level : levels_) {
    if (level->settled.empty() || erased_) continue;
    auto places = std::exchange(level->settled, {});
    std::ranges::sort(places, {}, &Place::first);
    for (size_t i = 0; i < places.size();) {
      Place run = places[i];
      for (++i; i < places.size() && places[i].first <= run.last; ++i) run.last = std::max(run.last, places[i].last);
      host_.store.change(level->id.cursor, {Offset(run.first), Offset(run.last), Change::Kind::settle});
    }
    places.clear();
    level->settled = std::move(places);  // its memory
  }
}

void Queue::end_turn() {
  if (erased_) return;
  dispatch();
  trim_to_limits();
  if (has_ttl_) expire_heads();
  for (auto& level : levels_) {
    if (!level->log || level->window.bytes() == 0) continue;
    auto head = level->cursor->peek(level->log->bounds().end);
    size_t before = level->window.bytes();
    level->window.forget_below(head ? *head : level->log->bounds().end);
    host_.count_kept(*this, before, level->window.bytes());
  }
}

Queue::Counts Queue::counts() {
  append_batches();
  apply_settled();
  trim_to_limits();
  Counts all;
  for (auto& level : levels_) {
    if (!level->log) continue;
    auto counts = level->cursor->counts(level->log->bounds().end);
    all.ready += counts.ready + counts.delayed + level->header.count;
    all.unacked += counts.held;
  }
  return all;
}

int64_t Queue::purge() {
  append_batches();
  apply_settled();
  int64_t purged = 0;
  for (auto& level : levels_) {
    if (!level->log) continue;
    Offset end = level->log->bounds().end;
    purged += level->cursor->counts(end).ready;
    for (const Change& change : level->cursor->settle_ready(end)) host_.store.change(level->id.cursor, change);
  }
  ready_bytes_ = 0;
  changed();
  return purged;
}

int64_t Queue::erase() {
  int64_t ready = counts().ready;
  erased_ = true;
  host_.of_erased[settings_.counts_deliveries] += counters_;
  expiry_.cancel();
  for (auto& [priority, list] : ready_) list.clear();
  for (QueueConsumer* consumer : std::exchange(consumers_, {})) consumer->queue_gone(*this);
  active_ = nullptr;
  for (auto& level : levels_) {
    host_.count_kept(*this, level->window.bytes(), 0);
    level->window.clear();
    if (!level->log) continue;
    host_.store.forget_cursor(level->id.cursor);
    host_.store.drop(level->id.stream);
    level->log = nullptr;
    level->cursor = nullptr;
  }
  return ready;
}

bool Queue::over_limits(bool for_one_more) {
  if (!settings_.max_length && !settings_.max_bytes) return false;
  int64_t ready = for_one_more ? 1 : 0;
  for (auto& level : levels_)
    if (level->log) ready += level->cursor->counts(level->log->bounds().end).ready + level->header.count;
  return (settings_.max_length && ready > *settings_.max_length) ||
         (settings_.max_bytes && ready_bytes_ > *settings_.max_bytes && ready > 0);
}

Delivery Queue::delivery(const Next& next, const StoredRecord& record) const {
  const Open& level = *levels_[next.level];
  bool before = next.taken.attempt > 1 || next.taken.offset < level.recovered_end;
  return {.id = {next.level, next.taken.offset, static_cast<uint32_t>(record.body().size())},
          .attempt = next.taken.attempt,
          .redelivered = before,
          .record = record};
}

bool Queue::has_expired(const StoredRecord& record) const {
  if (!has_ttl_) return false;
  if (!record.expires_ms) return false;
  // To live for no time at all means: for whoever waits already. expire_heads takes what nobody wanted.
  bool now_or_never = *record.expires_ms == record.timestamp;
  return *record.expires_ms < host_.loop.wall() && !now_or_never;
}

void Queue::settle(const MessageId& id) {
  ++counters_.acked;
  mark_settled(id);
}

void Queue::requeue(const MessageId& id, bool counts) {
  if (erased_) return;
  apply_settled();
  Open& level = *levels_[id.level];
  if (counts && settings_.delivery_limit) {
    // Attempts include the first one, which was no return.
    if (level.cursor->attempts(id.offset) > *settings_.delivery_limit) return reject(id, Death::delivery_limit);
  }
  ready_bytes_ += id.body_bytes;
  int64_t now = host_.loop.wall();
  level.cursor->release(id.offset, now, now);
  changed();
}

void Queue::reject(const MessageId& id, Death why) {
  if (erased_) return;
  if (!settings_.dead_letter_exchange || !host_.dead_letters) return mark_settled(id);
  StoredRecord record;
  switch (levels_[id.level]->window.find(id.offset, &record)) {
    case RecordWindow::Found::here: return die(id, record, why);
    case RecordWindow::Found::gone: return mark_settled(id);
    case RecordWindow::Found::elsewhere: return reject_later(id, why).detach();
  }
}

io::Task<> Queue::reject_later(MessageId id, Death why) {
  auto self = shared_from_this();
  StoredRecord record;
  bool here = co_await find(id.level, id.offset, &record);
  if (erased_) co_return;
  if (here) {
    die(id, record, why);
  } else {
    mark_settled(id);
  }
}

void Queue::die(const MessageId& id, const StoredRecord& record, Death why) {
  if (settings_.dead_letter_exchange && host_.dead_letters) host_.dead_letters->bury(*this, record, why);
  mark_settled(id);
}

}  // namespace naru
