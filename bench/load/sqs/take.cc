// take: ReceiveMessage and the delete of what came, in turn on each connection, until nothing comes or the time is
// over.
#include <string>

#include "crowd.h"

namespace naru::load::sqs {
namespace {

std::string delete_request(const std::string& url, const std::vector<std::string_view>& handles) {
  const std::string text = R"({"QueueUrl":")" + url + '"';
  if (handles.size() == 1)
    return Connection::request("DeleteMessage", text + R"(,"ReceiptHandle":")" + std::string(handles[0]) + "\"}");
  std::string entries;
  for (size_t i = 0; i < handles.size(); ++i) {
    entries += i == 0 ? R"({"Id":")" : R"(,{"Id":")";
    entries.append(std::to_string(i)).append(R"(","ReceiptHandle":")").append(handles[i]).append("\"}");
  }
  return Connection::request("DeleteMessageBatch", text + R"(,"Entries":[)" + entries + "]}");
}

}  // namespace

int run_take(const Settings& settings) {
  std::vector<std::string> urls, receives;
  for (int64_t i = 0; i < settings.queues; ++i) {
    urls.push_back(queue_url(settings, i));
    receives.push_back(Connection::request(
        "ReceiveMessage",
        R"({"QueueUrl":")" + urls.back() + R"(","MaxNumberOfMessages":)" + std::to_string(settings.batch) + "}"));
  }
  std::vector<size_t> held(
      static_cast<size_t>(settings.connections));  // by connection: messages whose delete is under way
  std::vector<std::string_view> handles;
  uint64_t taken = 0;
  Crowd crowd(settings);
  const auto receive = [&](size_t index, Connection& connection) {
    if (crowd.is_over()) return false;
    connection.send(receives[index % receives.size()]);
    return true;
  };
  crowd.run(receive, [&](size_t index, Connection& connection) {
    if (held[index] > 0) {
      if (connection.body().find("\"Failed\":[{") != std::string_view::npos)
        crowd.errors.broken("a delete that failed");
      taken += held[index];
      held[index] = 0;
      return receive(index, connection);
    }
    handles.clear();
    for_each_member(connection.body(), "ReceiptHandle", [&](std::string_view handle) { handles.push_back(handle); });
    if (handles.empty()) return false;
    held[index] = handles.size();
    connection.send(delete_request(urls[index % urls.size()], handles));
    return true;
  });
  return crowd.report("take", taken);
}

}  // namespace naru::load::sqs
