// What was acknowledged comes back to a queue's consumers. A page of naru's own.
#include <charconv>
#include <ctime>

#include "broker/policies/age.h"
#include "management/call.h"

namespace naru::management {
namespace {

/// "2026-11-23T04:00:00Z", in ms since 1970.
std::optional<int64_t> parse_time(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (!end || *end) return std::nullopt;
  return timegm(&parts) * 1000;
}

/// What `from` says: the first message there is, an offset, an age or a time.
std::optional<ReadStart> parse_start(const std::string& text, int64_t now_ms) {
  if (text == "first") return ReadStart{ReadStart::Kind::first};
  if (auto time = parse_time(text)) return ReadStart{ReadStart::Kind::time, *time};
  int64_t offset = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error == std::errc() && end == text.data() + text.size() && offset >= 0)
    return ReadStart{ReadStart::Kind::offset, offset};
  if (auto age = parse_age(text)) return ReadStart{ReadStart::Kind::time, now_ms - *age};
  return std::nullopt;
}

io::Task<Reply> replay(Call& call) {
  DeclaredQueue* there = call.site.hosts.find(call.vhost())->find_queue(call.names[1]);
  if (!there) co_return not_found();
  if (auto no = refusal(call, Operation::read, call.vhost(), "queue", call.names[1])) co_return *no;
  if (there->definition.owner != 0) co_return bad_request("another connection's own queue");
  auto offset = number_in(call.body, "from");
  std::string from = offset ? std::to_string(*offset) : text_in(call.body, "from");
  auto start = parse_start(from, call.site.core.loop.wall());
  if (!start)
    co_return bad_request(
        "from: \"first\", an offset, an age such as \"1h\", or a time such as \"2026-11-23T04:00:00Z\"");
  auto queue = there->queue;
  auto replaying = queue->replay(*start);
  auto came_back = co_await replaying;
  if (!came_back) co_return failed(came_back.error());
  auto durable = co_await call.site.core.store.durable(call.site.core.store.journal().end());
  if (!durable) co_return failed(durable.error());
  Json out;
  out.set("messages", *came_back);
  co_return Reply{200, std::move(out)};
}

constexpr Route routes[] = {
    {"POST", "/queues/{vhost}/{}/replay", Needs::management, replay},
};

}  // namespace

std::span<const Route> replay_routes() { return routes; }

}  // namespace naru::management
