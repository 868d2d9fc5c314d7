#include "amqp/delay_schedule.h"

#include <charconv>

#include "amqp/carbon_copies.h"
#include "amqp/publishing.h"

namespace naru::amqp {
namespace {

constexpr int in_one_turn = 256;                // then others have theirs
constexpr io::Millis blocked_ms = 200;          // until a full disk is looked at again
constexpr io::Millis timer_ms_max = 3'600'000;  // the clock on the wall may be set meanwhile

/// What the header says as the record has it: decimal text, whatever type it had (docs/mapping.md).
int64_t delay_in(std::string_view text) {
  double ms = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  return error == std::errc() && ms >= 1 && ms < 1e15 ? static_cast<int64_t>(ms) : 0;
}

int64_t delay_of(const StoredRecord& record) {
  for (const Header& header : record.headers)
    if (header.name == "x-delay" && header.value) return delay_in(text(*header.value));
  return 0;
}

}  // namespace

DelaySchedule::DelaySchedule(QueueHost& queues, VirtualHost& host, std::string exchange, Queue& queue)
    : queues_(queues),
      host_(host),
      exchange_(std::move(exchange)),
      queue_(queue),
      timer_(queues.loop,
             [this] {
               if (!releasing_) release().detach();
             }),
      recovered_end_(queue.end()) {
  // Not now: the queue is being made.
  queues_.loop.post([this, alive = queue_.weak_from_this()] {
    if (auto queue_alive = alive.lock()) find_all().detach();
  });
}

void DelaySchedule::published(Offset offset, int64_t now_ms, const NewMessage& message) {
  int64_t delay = 0;
  for (const Header& header : message.headers)
    if (header.name == "x-delay" && header.value) delay = delay_in(text(*header.value));
  index_.push({now_ms + delay, offset});
  plan();
}

/// What was there at the start: its times are in the messages themselves.
io::Task<> DelaySchedule::find_all() {
  auto queue = queue_.shared_from_this();
  int found = 0;
  auto at = queue->first_open(Offset(0));
  while (at && *at < recovered_end_) {
    StoredRecord record;
    auto read = co_await queue->read(*at, &record);
    if (queue->is_erased()) co_return;
    if (read == RecordWindow::Found::elsewhere && queues_.core.stopping) co_return;
    if (read == RecordWindow::Found::elsewhere) continue;  // the disk fails: it is asked again
    if (read == RecordWindow::Found::here) index_.push({record.timestamp + delay_of(record), *at});
    if (++found % in_one_turn == 0) co_await queues_.loop.sleep_until(queues_.loop.now() + 1);
    if (queue->is_erased()) co_return;
    at = queue->first_open(Offset(at->value + 1));
  }
  complete_ = true;
  plan();
}

void DelaySchedule::plan() {
  if (!complete_ || releasing_ || index_.empty()) return;
  io::Millis wait = std::clamp<int64_t>(index_.top().due_ms - queues_.loop.wall(), 0, timer_ms_max);
  timer_.arm(queues_.loop.now() + wait);
}

/// Lets those go on whose time has come, in the order of their times. A message is at its next queue before it leaves
/// this one, so that a crash may double it, but not lose it.
io::Task<> DelaySchedule::release() {
  auto queue = queue_.shared_from_this();
  releasing_ = true;
  for (int sent = 0; !queue->is_erased() && !index_.empty();) {
    Waiting next = index_.top();
    if (next.due_ms > queues_.loop.wall()) break;
    if (queues_.is_blocked()) {
      co_await queues_.loop.sleep_until(queues_.loop.now() + blocked_ms);
      continue;
    }
    if (next.offset >= queue->end()) {  // it came in this turn and is not in the log yet
      co_await queues_.loop.sleep_until(queues_.loop.now() + 1);
      continue;
    }
    index_.pop();
    if (cancelled_.erase(next.offset.value) > 0) continue;
    StoredRecord record;
    auto read = co_await queue->read(next.offset, &record);
    if (queue->is_erased()) break;
    if (read == RecordWindow::Found::elsewhere) {  // the disk fails: it is asked again
      index_.push(next);
      if (queues_.core.stopping) co_return;
      continue;
    }
    if (read == RecordWindow::Found::here) send(record);
    {
      QueueHost::Together together(queues_);
      queue->settle({.level = 0, .offset = next.offset, .body_bytes = 0});
    }
    if (++sent % in_one_turn == 0) co_await queues_.loop.sleep_until(queues_.loop.now() + 1);
  }
  releasing_ = false;
  if (!queue->is_erased()) plan();
}

void DelaySchedule::send(const StoredRecord& record) {
  Exchange* exchange = host_.find_exchange(exchange_);
  if (!exchange) return;
  Bytes table;
  MappedMessage message = read_record(record, {.home = queue_.name}, table);
  // Who gets it sees that it was delayed, and no exchange delays it again.
  FieldTable headers(message.properties.headers.value_or(FieldTableView()));
  int64_t delay = delay_of(record);
  if (delay <= INT32_MAX) {
    headers.set("x-delay", static_cast<int32_t>(-delay));
  } else {
    headers.set("x-delay", -delay);
  }
  auto keys = keys_in(message.properties.headers.value_or(FieldTableView()), "CC");
  auto blind_keys = blind_keys_of(record);
  for (std::string_view key : keys_in(message.properties.headers.value_or(FieldTableView()), "BCC"))
    blind_keys.push_back(key);  // where it was stored before these were apart
  headers.remove("BCC");
  keys.insert(keys.end(), blind_keys.begin(), blind_keys.end());
  message.blind_keys = blind_keys;
  message.properties.headers = headers.view();
  RoutedMessage routed =
      route_of(message.routing_key, keys, message.properties, static_cast<uint64_t>(record.offset.value));
  std::vector<std::shared_ptr<Queue>> targets;
  host_.route(*exchange, routed, targets);
  for (auto& target : targets)
    (void)target->publish(message_for(*target, message, records_.make(message, target->name, 0)));
}

std::vector<DelaySchedule::Waiting> DelaySchedule::next(size_t most) const {
  std::vector<Waiting> all;
  for (const Waiting& one : Readable::items(index_))
    if (!cancelled_.contains(one.offset.value)) all.push_back(one);
  most = std::min(most, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<long>(most));
  all.resize(most);
  return all;
}

bool DelaySchedule::cancel(Offset offset) {
  auto is_it = [offset](const Waiting& one) { return one.offset == offset; };
  if (offset >= queue_.end() || std::ranges::none_of(Readable::items(index_), is_it)) return false;
  if (!cancelled_.insert(offset.value).second) return false;
  MessageId id{.level = 0, .offset = offset, .body_bytes = 0};
  queue_.settle(id);
  return true;
}

}  // namespace naru::amqp
