// What waits at x-delayed-message exchanges: to be looked at, and to be taken out. Pages of naru's own.
#include <charconv>

#include "amqp/delay_schedule.h"
#include "management/call.h"

namespace naru::management {
namespace {

constexpr int64_t listed_max = 10'000;

/// The queue of an exchange that delays; none if it is another one, or there is none.
std::shared_ptr<Queue> waiting_at(const Call& call) {
  Exchange* exchange = call.site.hosts.find(call.vhost())->find_exchange(call.names[1]);
  return exchange ? exchange->delayed : nullptr;
}

amqp::DelaySchedule& schedule(Queue& queue) { return static_cast<amqp::DelaySchedule&>(*queue.watcher); }

io::Task<Reply> list(Call& call) {
  if (auto no = refusal(call, Operation::read, call.vhost(), "exchange", call.names[1])) co_return *no;
  auto queue = waiting_at(call);
  if (!queue) co_return not_found();
  auto wanted = call.query.find("count");
  int64_t count = 100;
  if (wanted != call.query.end())
    std::from_chars(wanted->second.data(), wanted->second.data() + wanted->second.size(), count);
  auto next = schedule(*queue).next(static_cast<size_t>(std::clamp<int64_t>(count, 0, listed_max)));
  Json messages = Json::array();
  for (const auto& waiting : next) {
    StoredRecord record;
    auto read = co_await queue->read(waiting.offset, &record);
    bool here = read == RecordWindow::Found::here;
    if (queue->is_erased()) co_return not_found();
    if (!here || queue->is_settled(waiting.offset)) continue;
    Bytes table;
    amqp::MappedMessage message = amqp::read_record(record, {.home = queue->name}, table);
    Json one;
    one.set("id", waiting.offset.value)
        .set("due", waiting.due_ms)
        .set("exchange", message.exchange)
        .set("routing_key", message.routing_key)
        .set("payload_bytes", message.body.size());
    if (message.properties.message_id) one.set("message_id", *message.properties.message_id);
    messages.push(std::move(one));
  }
  Json out;
  out.set("messages_delayed", queue->counts().ready).set("messages", std::move(messages));
  co_return Reply{200, std::move(out)};
}

io::Task<Reply> cancel(Call& call) {
  if (auto no = refusal(call, Operation::write, call.vhost(), "exchange", call.names[1])) co_return *no;
  auto queue = waiting_at(call);
  if (!queue) co_return not_found();
  const std::string& text = call.name();
  int64_t id = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0) co_return bad_request("an id is a number");
  if (!schedule(*queue).cancel(Offset(id))) co_return not_found();
  co_return no_content();
}

constexpr Route routes[] = {
    {"GET", "/exchanges/{vhost}/{}/delayed", Needs::management, list},
    {"DELETE", "/exchanges/{vhost}/{}/delayed/{}", Needs::management, cancel},
};

}  // namespace

std::span<const Route> delayed_routes() { return routes; }

}  // namespace naru::management
