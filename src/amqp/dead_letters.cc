#include "amqp/dead_letters.h"

#include "amqp/carbon_copies.h"
#include "amqp/publishing.h"
#include "amqp/record_mapping.h"

namespace naru::amqp {
namespace {

const char* reason(Death why) {
  switch (why) {
    case Death::rejected: return "rejected";
    case Death::expired: return "expired";
    case Death::maxlen: return "maxlen";
    case Death::delivery_limit: return "delivery_limit";
  }
  return "";
}

std::string_view text_in(FieldTableView table, std::string_view name) {
  auto value = table.find(name);
  return value ? value->text().value_or("") : std::string_view();
}

/// What has happened to the message so far, newest first; the death at hand is put in front, or counted. The fields of
/// all but the first one are sorted, as RabbitMQ's are.
FieldArray add_death(FieldTableView headers, std::string_view queue, std::string_view why, FieldTable death) {
  FieldArray rest;
  auto before = headers.find("x-death");
  auto array = before ? before->array() : std::nullopt;
  std::optional<FieldTable> same;
  if (!array) {
    rest.add(death.view());
    return rest;
  }
  for (const FieldValue& value : *array) {
    auto table = value.table();
    if (!table) continue;
    if (!same && text_in(*table, "queue") == queue && text_in(*table, "reason") == why) {
      same = FieldTable(*table);
    } else {
      rest.add(*table);
    }
  }
  if (same) {
    auto count = same->find("count");
    same->set("count", int64_t{count ? count->integer().value_or(0) + 1 : 1});
    death = *same;
  }
  FieldArray all;
  all.add(sorted(death.view()).view());
  for (const FieldValue& value : rest.view()) all.add(*value.table());
  return all;
}

/// A message that comes back to a queue that it died in, without anybody having rejected it meanwhile, goes in a circle
/// for ever.
bool is_cycle(FieldTableView headers, std::string_view queue) {
  auto before = headers.find("x-death");
  auto array = before ? before->array() : std::nullopt;
  if (!array) return false;
  for (const FieldValue& value : *array) {
    auto table = value.table();
    if (!table) continue;
    if (text_in(*table, "reason") == "rejected") return false;
    if (text_in(*table, "queue") == queue) return true;
  }
  return false;
}

}  // namespace

bool DeadLetterExchange::bury(Queue& queue, const StoredRecord& record, Death why, std::vector<uint64_t>& takers) {
  constexpr int depth_max = 50;
  if (depth_ == depth_max) return false;
  ++depth_;
  bool buried = bury_here(queue, record, why, takers);
  if (--depth_ == 0 && !come_to_.empty()) come_to_.clear();
  return buried;
}

bool DeadLetterExchange::bury_here(Queue& queue, const StoredRecord& record, Death why, std::vector<uint64_t>& takers) {
  auto& host = *queue.home;
  Exchange* exchange = host.find_exchange(*queue.settings().dead_letter_exchange);
  if (!exchange) return false;
  Bytes table;
  MappedMessage message =
      read_record(record, {.home = queue.home_name(), .record_time = queue.settings().topic.has_value()}, table);
  Properties* properties = &message.properties;
  FieldTableView headers = properties->headers.value_or(FieldTableView());
  std::vector<std::string_view> copies = keys_in(headers, "CC"), blind_keys = blind_keys_of(record),
                                all_copies = copies;
  all_copies.insert(all_copies.end(), blind_keys.begin(), blind_keys.end());

  FieldArray keys;
  keys.add(message.routing_key);
  for (std::string_view key : copies) keys.add(key);
  FieldTable death;
  death.add("count", int64_t{1})
      .add("reason", std::string_view(reason(why)))
      .add("queue", std::string_view(queue.name))
      .add("time", Timestamp{static_cast<uint64_t>(loop_.wall() / 1000)})
      .add("exchange", message.exchange)
      .add("routing-keys", keys.view());
  if (properties->expiration) death.add("original-expiration", *properties->expiration);
  FieldArray deaths = add_death(headers, queue.name, reason(why), std::move(death));
  FieldTable changed(headers);
  bool is_first = !changed.find("x-death");
  changed.set("x-death", deaths.view());
  if (is_first) {
    changed.set("x-first-death-exchange", message.exchange)
        .set("x-first-death-queue", std::string_view(queue.name))
        .set("x-first-death-reason", std::string_view(reason(why)));
  }
  const auto& new_key = queue.settings().dead_letter_key;
  if (new_key) changed.remove("CC");
  properties->headers = changed.view();
  properties->expiration.reset();
  RoutedMessage routed = route_of(new_key ? std::string_view(*new_key) : message.routing_key, {}, *properties,
                                  mix64(static_cast<uint64_t>(record.offset.value)));
  if (!new_key) routed.more_keys = all_copies;
  std::vector<std::shared_ptr<Queue>> targets;
  host.route(*exchange, routed, targets);
  MappedMessage dead{exchange->definition.name, routed.routing_key, *properties, message.body};
  if (!new_key) dead.blind_keys = blind_keys;
  bool found_place = !targets.empty();
  for (auto& target : targets) {
    if (depth_ > 1 && !come_to_.insert(target->id()).second) continue;
    // Where messages wait for their time no queue comes round again, though it may have one's name.
    if (why != Death::rejected && !target->watcher && is_cycle(changed.view(), target->name)) continue;
    if (std::ranges::count(takers, target->id()) > 0) continue;
    NewRecord made = records_.make(dead, target->name, 0);
    if (target->publish(message_for(*target, dead, made))) {
      takers.push_back(target->id());
    } else {
      found_place = false;
    }
  }
  const QueueSettings& settings = queue.settings();
  bool is_tried_again = settings.keeps_dead_letters && settings.overflow == Overflow::reject_publish;
  if (found_place || !is_tried_again) ++buried[static_cast<size_t>(why)];  // once
  return found_place;
}

}  // namespace naru::amqp
