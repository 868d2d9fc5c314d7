// DeleteTopics, v0-6. Deletes topics with their records and with what groups had read of them.
// * v1 throttle time  * v4 flexible  * v5 error message  * v6 by id
// Not here: quotas (v5 THROTTLING_QUOTA_EXCEEDED), delete.topic.enable=false; the timeout is read and dropped.
#include "kafka/messages/20_delete_topics.h"

#include <set>

#include "kafka/api.h"
#include "kafka/topic_errors.h"

namespace naru::kafka {
namespace {

using Answer = DeleteTopicsResponse::Topic;

void refuse(Answer& answer, ErrorCode code, const char* message) {
  answer.error_code = code;
  answer.error_message = message;
}

/// Runs on core 0. `answer` says what is to go: a name or an id.
io::Task<> remove(Core& first, Answer& answer) {
  bool by_name = answer.name.has_value(), by_id = !answer.topic_id.is_none();
  if (by_name && by_id)
    co_return refuse(answer, ErrorCode::invalid_request, "You may not specify both topic name and topic id.");
  if (!by_name && !by_id)
    co_return refuse(answer, ErrorCode::invalid_request, "Neither topic name nor id were specified.");
  TopicPtr topic = by_id ? first.catalog()->find(answer.topic_id) : first.catalog()->find(*answer.name);
  if (!topic && by_id)
    co_return refuse(answer, ErrorCode::unknown_topic_id, "This server does not host this topic ID.");
  if (!topic)
    co_return refuse(answer, ErrorCode::unknown_topic_or_partition, "This server does not host this topic-partition.");
  answer.name = topic->name;
  answer.topic_id = topic->id;
  for (int attempt = 1;; ++attempt) {
    auto removed = co_await first.broker.topics->remove(topic->name);
    if (removed) co_return;
    // Another change of the topic may be on its way; then it is there after that.
    bool there = first.catalog()->find(topic->id) != nullptr;
    if (!there || removed.error().code != Code::not_found || attempt == 1000)
      co_return refuse(answer, topic_error(removed.error().code), removed.error().reason);
    co_await first.loop.sleep_until(first.loop.now() + 1);
  }
}

/// Runs on core 0.
io::Task<DeleteTopicsResponse> remove_all(Core& first, std::vector<DeleteTopicsRequest::Topic> wanted) {
  DeleteTopicsResponse response;
  std::set<std::string_view> names, names_twice;
  std::set<Uuid> ids, ids_twice;
  for (const auto& [name, id] : wanted) {
    if (name && !names.insert(*name).second) names_twice.insert(*name);
    if (!name && !ids.insert(id).second) ids_twice.insert(id);
  }
  names.clear(), ids.clear();
  for (const auto& [name, id] : wanted) {
    if (name ? !names.insert(*name).second : !ids.insert(id).second) continue;
    auto& answer = response.responses.emplace_back();
    answer.name = name;
    answer.topic_id = id;
    if (name && names_twice.contains(*name)) {
      refuse(answer, ErrorCode::invalid_request, "Duplicate topic name.");
    } else if (!name && !id.is_none() && ids_twice.contains(id)) {
      refuse(answer, ErrorCode::invalid_request, "Duplicate topic id.");
    } else {
      co_await remove(first, answer);
    }
  }
  co_return response;
}

io::Task<DeleteTopicsResponse> handle(Context& on, const DeleteTopicsRequest& request) {
  auto wanted = request.topics;
  for (std::string_view name : request.topic_names) wanted.push_back({name, {}});
  auto remove_there = [&](Core& first) { return remove_all(first, std::move(wanted)); };
  co_return co_await naru::on(on.core, on.core.broker.first(), remove_there);
}

}  // namespace

extern const Handler delete_topics{20, handle_with<DeleteTopicsRequest, DeleteTopicsResponse, handle>};

}  // namespace naru::kafka
