#include "management/rates.h"

namespace naru::management {
namespace {

constexpr io::Millis shortest_ms = 1000, kept_ms = 300'000;

// The first three stand for themselves, the others in message_stats.
constexpr const char* names[] = {
    "messages", "messages_ready", "messages_unacknowledged", "publish", "deliver_get", "deliver", "get", "redeliver",
    "ack",      "confirm"};

}  // namespace

void Rates::add(Json& out, const std::string& what, const Traffic& traffic, io::Millis now) {
  forget_old(now);
  auto number = [](uint64_t value) { return static_cast<int64_t>(value); };
  const Queue::Counters& seen = traffic.counters;
  std::array<int64_t, count> values{traffic.ready + traffic.unacked,
                                    traffic.ready,
                                    traffic.unacked,
                                    number(seen.published),
                                    number(seen.delivered + seen.got),
                                    number(seen.delivered),
                                    number(seen.got),
                                    number(seen.redelivered),
                                    number(seen.acked),
                                    number(traffic.confirmed)};
  auto [found, is_new] = looks_.try_emplace(what);
  Look& look = found->second;
  // A queue of the same name may be another one by now, with less behind it.
  bool is_another = values[3] < look.values[3];
  if (is_new || is_another) {
    look = {.at = now, .values = values};
  } else if (now - look.at >= shortest_ms) {
    double seconds = static_cast<double>(now - look.at) / 1000;
    for (size_t i = 0; i < count; ++i) look.rates[i] = static_cast<double>(values[i] - look.values[i]) / seconds;
    look.at = now;
    look.values = values;
  }
  look.last_asked = now;
  Json stats;
  for (size_t i = 0; i < count; ++i) {
    if (i == count - 1 && traffic.confirmed == 0) break;  // a queue does not confirm
    Json& to = i < 3 ? out : stats;
    Json details;
    details.set("rate", look.rates[i]);
    to.set(names[i], values[i]).set(std::string(names[i]) + "_details", std::move(details));
  }
  out.set("message_stats", std::move(stats));
}

/// Of queues that are gone, or that nobody asks about any more.
void Rates::forget_old(io::Millis now) {
  if (now - swept_ < kept_ms) return;
  swept_ = now;
  std::erase_if(looks_, [&](const auto& one) { return now - one.second.last_asked > kept_ms; });
}

}  // namespace naru::management
