#include "sqs/call.h"

namespace naru::sqs {

bool Door::has_secrets() {
  if (seen_version_ == users.version()) return has_secrets_;
  seen_version_ = users.version();
  auto has = [](const auto& one) { return !one.second.access_secret.empty(); };
  has_secrets_ = std::ranges::any_of(users.all(), has);
  return has_secrets_;
}

namespace {

void line(std::string& out, const char* type, const char* name, const char* help, uint64_t value) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ");
  out.append(type).append("\n").append(name).append(" ").append(std::to_string(value)).append("\n");
}

}  // namespace

std::string metrics(const Door& door) {
  std::string out;
  line(out, "gauge", "naru_sqs_connections", "Connections of SQS clients.", door.sessions.size());
  line(out, "gauge", "naru_sqs_receives_waiting", "ReceiveMessage requests that are not answered yet.",
       door.counters.receiving);
  line(out, "counter", "naru_sqs_requests_refused_total", "Requests answered with a status of 400 or more.",
       door.counters.refused);
  line(out, "counter", "naru_sqs_requests_failed_total", "Requests answered with a status of 500 or more.",
       door.counters.failed);
  out += "# HELP naru_sqs_requests_total Requests by action.\n# TYPE naru_sqs_requests_total counter\n";
  for (const Action& action : all_actions()) {
    auto found = door.requests_by_action.find(action.name);
    uint64_t count = found == door.requests_by_action.end() ? 0 : found->second;
    out.append("naru_sqs_requests_total{action=\"").append(action.name).append("\"} ");
    out.append(std::to_string(count)).append("\n");
  }
  return out;
}

}  // namespace naru::sqs
