#include "sqs/live_queue.h"

#include "sqs/receiver.h"

namespace naru::sqs {
namespace {

constexpr int64_t visibility_ms_max = 12 * 3600 * 1000L;
constexpr io::Millis purge_pause_ms = 60'000;

}  // namespace

LiveQueue::LiveQueue(Engine& engine, std::shared_ptr<naru::Queue> queue, QueueRow row)
    : engine_(engine), queue_(std::move(queue)) {
  set_row(std::move(row));
  if (queue_->settings().grouped) sent_ = std::make_unique<Deduplication>(engine.key());
  if (row_.is_shared) queue_->share_fairly();
}

LiveQueue::~LiveQueue() {
  if (leases_.settings().mode != LeaseSettings::Mode::off) queue_->set_lease_rule(nullptr);
}

void LiveQueue::set_row(QueueRow row) {
  row_ = std::move(row);
  auto before = leases_.settings().mode;
  leases_.set(lease_settings(row_.tags));
  if (leases_.settings().mode == before) return;
  if (leases_.settings().mode == LeaseSettings::Mode::off) return queue_->set_lease_rule(nullptr);
  queue_->set_lease_rule([this](const naru::MessageId& id) {
    io::Loop& loop = engine_.core().loop;
    return leases_.longer(id, loop.now(), loop.wall());
  });
}

void LiveQueue::holder_gone(const Holder& holder) {
  if (leases_.settings().mode != LeaseSettings::Mode::strict) return;
  for (const auto& [id, attempt] : leases_.end(holder)) {
    auto lease = queue_->lease(id);
    if (lease && lease->attempt == attempt) queue_->extend_lease(id, 0);
  }
}

QueueCounts LiveQueue::counts() {
  auto counts = queue_->lease_counts();
  return {.visible = counts.ready, .in_flight = counts.leased, .delayed = counts.delayed};
}

/// Answers of what was done in this turn, once that is on disk.
template <class T>
io::Task<std::vector<Outcome<T>>> LiveQueue::when_durable(std::vector<Outcome<T>> answers) {
  bool any = std::ranges::any_of(answers, [](const auto& answer) { return answer.has_value(); });
  if (!any) co_return answers;
  bool durable = co_await engine_.durable();
  if (!durable)
    for (auto& answer : answers) answer = fail(Problem::unavailable);
  co_return answers;
}

// --- sending ---

io::Task<std::vector<Outcome<Sent>>> LiveQueue::send(std::span<const Outgoing> messages) {
  auto self = shared_from_this();
  std::vector<Outcome<Sent>> answers;
  answers.reserve(messages.size());
  for (const Outgoing& message : messages) {
    if (is_gone()) {
      answers.push_back(fail(Problem::no_such_queue));
    } else if (engine_.is_unavailable()) {
      answers.push_back(fail(Problem::unavailable));
    } else {
      answers.push_back(store(message));
    }
  }
  co_return co_await when_durable(std::move(answers));
}

Outcome<Sent> LiveQueue::store(const Outgoing& message) {
  bool is_fifo = queue_->settings().grouped;
  int64_t now = engine_.core().loop.wall();
  std::string_view scope = attributes().deduplicate_per_group ? message.group.value_or("") : std::string_view();
  if (is_fifo && message.deduplication)
    if (auto* first = sent_->find(scope, *message.deduplication, now))
      return Sent{to_hex_text(first->message_id), static_cast<uint64_t>(first->offset.value) + 1};
  if (message.group && !is_fifo && !row_.is_shared) {
    // Written down later: if a crash comes first, the next message with a group says it again.
    queue_->share_fairly();
    engine_.change_row(*this, [](QueueRow& row) { row.is_shared = true; }).detach();
  }
  Uuid id = engine_.core().random.uuid();
  Sent sent{.message_id = to_hex_text(id)};
  NewMessage out{.body = view(message.body), .headers = headers_.make(message, sent.message_id)};
  if (message.group) out.key = view(*message.group);
  int32_t delay = is_fifo ? attributes().delay : message.delay.value_or(attributes().delay);
  if (delay > 0) out.delayed_to = now + delay * 1000L;
  naru::MessageId at;
  if (!queue_->publish(out, &at)) return fail(Problem::refused);
  if (!is_fifo) return sent;
  sent.sequence = static_cast<uint64_t>(at.offset.value) + 1;
  if (message.deduplication) sent_->add(scope, *message.deduplication, {id, at.offset, now});
  return sent;
}

bool LiveQueue::take_over(const Record& record, const Journey& journey) {
  if (is_gone()) return false;
  NewMessage out{.key = record.key, .body = record.value.value_or(ByteView()), .timestamp = record.timestamp};
  out.headers = headers_.move(record, journey);
  return queue_->publish(out);
}

bool LiveQueue::take_anew(const Record& record) {
  if (is_gone()) return false;
  NewMessage out{.key = record.key, .body = record.value.value_or(ByteView())};
  std::string id = to_hex_text(engine_.core().random.uuid());
  out.headers = headers_.renew(record, id);
  return queue_->publish(out);
}

io::Task<Result<void>> LiveQueue::remember() {
  auto self = shared_from_this();
  Log* log = engine_.host().queue_log(StreamId(queue_->id()));
  if (!sent_ || !log) co_return Result<void>();
  int64_t now = engine_.core().loop.wall();
  CO_TRY(auto found, log->find_time(now - deduplication_ms));
  if (!found) co_return Result<void>();
  constexpr size_t run_bytes = MiB;
  RecordWindow window;
  StoredRecord record;
  Offset at = std::max(found->offset, row_.purged_to), end = log->bounds().high_watermark;
  while (at < end) {
    auto where = window.find(at, &record);
    if (where == RecordWindow::Found::elsewhere) {
      auto loading = window.load(engine_.core().loop, *log, at, run_bytes);
      CO_TRY_VOID(co_await loading);
      continue;
    }
    if (where == RecordWindow::Found::here) {
      auto known = deduplication_of(record);
      auto id = known ? uuid_of_hex_text(known->second) : std::nullopt;
      std::string_view scope =
          attributes().deduplicate_per_group && record.key ? text(*record.key) : std::string_view();
      // One that came from another queue was sent there.
      Journey journey = journey_of(record);
      bool is_first = journey.receives_before == 0 && !journey.was_moved;
      if (id && is_first && record.timestamp + deduplication_ms > now)
        sent_->add(scope, known->first, {*id, at, record.timestamp});
    }
    ++at;
  }
  co_return Result<void>();
}

// --- receipts ---

Outcome<Receipt> LiveQueue::check(std::string_view handle) const {
  if (is_gone()) return fail(Problem::no_such_queue);
  auto receipt = decode_receipt(handle, engine_.key());
  if (!receipt || receipt->queue != queue_->id()) return fail(Problem::receipt_invalid);
  return *receipt;
}

/// The message that the receipt is for is no longer there.
bool LiveQueue::is_done(const Receipt& receipt) const {
  if (queue_->is_done(receipt.message)) return true;
  bool is_of_this_run = receipt.epoch == engine_.core().store.epoch();
  return !is_of_this_run && queue_->epoch_of(receipt.message) > receipt.epoch;
}

Outcome<void> LiveQueue::remove_one(std::string_view handle) {
  Receipt receipt = TRY(check(handle));
  if (is_done(receipt)) return {};
  auto lease = queue_->lease(receipt.message);
  bool is_holder = lease && lease->attempt == receipt.attempt;
  if (!is_holder && queue_->settings().grouped) return fail(Problem::receipt_expired);
  leases_.remove(receipt.message);
  queue_->settle(receipt.message);
  return {};
}

io::Task<std::vector<Outcome<void>>> LiveQueue::remove(std::span<const std::string_view> receipts) {
  auto self = shared_from_this();
  std::vector<Outcome<void>> answers;
  answers.reserve(receipts.size());
  for (std::string_view receipt : receipts) answers.push_back(remove_one(receipt));
  co_return co_await when_durable(std::move(answers));
}

Outcome<void> LiveQueue::change_one(const Visibility& change) {
  Receipt receipt = TRY(check(change.receipt));
  if (is_done(receipt)) return fail(Problem::not_available);
  int64_t now = engine_.core().loop.wall(), until = now + change.seconds * 1000L;
  if (until > receipt.received_ms + visibility_ms_max && change.seconds > 0) return fail(Problem::visibility_too_long);
  auto lease = queue_->lease(receipt.message);
  bool is_holder = lease && lease->attempt == receipt.attempt;
  if (is_holder) {
    leases_.change(receipt.message, change.seconds * 1000L);
    queue_->extend_lease(receipt.message, change.seconds > 0 ? until : 0);
    return {};
  }
  if (queue_->settings().grouped) return fail(Problem::receipt_expired);
  // Its time is over; if nobody else has had it since, it is held again.
  if (!lease && change.seconds > 0 && queue_->attempts(receipt.message) == receipt.attempt)
    queue_->renew_lease(receipt.message, until);
  return {};
}

std::vector<Outcome<void>> LiveQueue::change_visibility(std::span<const Visibility> changes) {
  std::vector<Outcome<void>> answers;
  answers.reserve(changes.size());
  for (const Visibility& change : changes) answers.push_back(change_one(change));
  return answers;
}

void LiveQueue::give_back(std::span<const Incoming> messages) {
  for (const Incoming& message : messages) {
    auto receipt = check(message.receipt);
    if (!receipt) continue;
    auto lease = queue_->lease(receipt->message);
    if (!lease || lease->attempt != receipt->attempt) continue;
    leases_.remove(receipt->message);
    queue_->undo_lease(receipt->message);
  }
}

// --- the rest ---

io::Task<Outcome<void>> LiveQueue::purge() {
  auto self = shared_from_this();
  if (is_gone()) co_return fail(Problem::no_such_queue);
  io::Millis now = engine_.core().loop.now();
  if (purged_at_ && now < *purged_at_ + purge_pause_ms) co_return fail(Problem::purged_recently);
  if (engine_.is_unavailable()) co_return fail(Problem::unavailable);
  purged_at_ = now;
  queue_->clear();
  leases_.clear();
  if (sent_) {
    sent_->clear();
    Offset end = queue_->end();
    auto changing = engine_.change_row(*this, [end](QueueRow& row) { row.purged_to = end; });
    CO_TRY_VOID(co_await changing);
  }
  bool durable = co_await engine_.durable();
  if (!durable) co_return fail(Problem::unavailable);
  co_return Outcome<void>();
}

io::Task<Outcome<void>> LiveQueue::set_attributes(Attributes attributes) {
  auto self = shared_from_this();
  int64_t now = engine_.now_s();
  attributes.is_fifo = this->attributes().is_fifo;
  auto edit = [&](QueueRow& row) {
    row.attributes = attributes;
    row.has_attributes = true;
    row.modified_s = now;
  };
  auto changing = engine_.change_row(*this, edit);
  co_return co_await changing;
}

io::Task<Outcome<void>> LiveQueue::tag(Tags tags) {
  auto self = shared_from_this();
  auto edit = [&](QueueRow& row) {
    for (const auto& [key, value] : tags) row.tags.insert_or_assign(key, value);
  };
  auto changing = engine_.change_row(*this, edit);
  co_return co_await changing;
}

io::Task<Outcome<void>> LiveQueue::untag(std::vector<std::string> keys) {
  auto self = shared_from_this();
  auto edit = [&](QueueRow& row) {
    for (const std::string& key : keys) row.tags.erase(key);
  };
  auto changing = engine_.change_row(*this, edit);
  co_return co_await changing;
}

}  // namespace naru::sqs
