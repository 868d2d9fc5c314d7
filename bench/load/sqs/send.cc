// send: SendMessage, or SendMessageBatch, one request under way on each connection.
#include <string>

#include "crowd.h"

namespace naru::load::sqs {
namespace {

std::string request_for(const Settings& settings, int64_t queue) {
  const std::string body(static_cast<size_t>(settings.bytes), 'x');
  std::string text = R"({"QueueUrl":")" + queue_url(settings, queue) + '"';
  if (settings.batch == 1) return Connection::request("SendMessage", text + R"(,"MessageBody":")" + body + "\"}");
  text += R"(,"Entries":[)";
  for (int64_t i = 0; i < settings.batch; ++i)
    text += (i > 0 ? "," : "") + (R"({"Id":")" + std::to_string(i)) + R"(","MessageBody":")" + body + "\"}";
  return Connection::request("SendMessageBatch", text + "]}");
}

}  // namespace

int run_send(const Settings& settings) {
  create_queues(settings);
  std::vector<std::string> requests;
  for (int64_t i = 0; i < settings.queues; ++i) requests.push_back(request_for(settings, i));
  const auto per_request = static_cast<uint64_t>(settings.batch);
  const uint64_t most = settings.seconds > 0 ? ~uint64_t{0} : static_cast<uint64_t>(settings.messages);
  uint64_t sent = 0, taken = 0;
  Crowd crowd(settings);
  const auto again = [&](size_t index, Connection& connection) {
    if (sent >= most || crowd.is_over()) return false;
    sent += per_request;
    connection.send(requests[index % requests.size()]);
    return true;
  };
  crowd.run(again, [&](size_t index, Connection& connection) {
    if (connection.body().find("\"Failed\":[{") != std::string_view::npos)
      crowd.errors.broken("a batch with failed entries");
    taken += per_request;
    return again(index, connection);
  });
  return crowd.report("send", taken);
}

}  // namespace naru::load::sqs
