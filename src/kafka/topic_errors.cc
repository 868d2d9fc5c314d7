#include "kafka/topic_errors.h"

namespace naru::kafka {

ErrorCode topic_error(Code code) {
  switch (code) {
    case Code::not_found: return ErrorCode::unknown_topic_or_partition;
    case Code::exists: return ErrorCode::topic_already_exists;
    case Code::invalid: return ErrorCode::invalid_request;
    case Code::out_of_range: return ErrorCode::offset_out_of_range;
    case Code::timeout:
    case Code::busy:
    case Code::closed:
    case Code::conflict: return ErrorCode::request_timed_out;  // clients ask again
    case Code::full:
    case Code::io:
    case Code::corrupt: return ErrorCode::kafka_storage_error;
    case Code::unsupported: return ErrorCode::unsupported_version;
    case Code::too_large:
    case Code::fenced:
    case Code::duplicate:
    case Code::out_of_order: return ErrorCode::unknown_server_error;
  }
  CHECK(false && "a code without a Kafka error");
}

std::optional<std::string> topic_name_message(std::string_view name) {
  if (!topic_name_error(name)) return std::nullopt;
  std::string quoted = "'" + std::string(name) + "'";
  if (name.empty()) return "Topic name is invalid: the empty string is not allowed";
  if (name == "." || name == "..") return "Topic name is invalid: " + quoted + " is not allowed";
  if (name.size() > 249)
    return "Topic name is invalid: the length of " + quoted + " is longer than the max allowed length 249";
  return "Topic name is invalid: " + quoted +
         " contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
}

TopicPtr colliding_topic(const Catalog& catalog, std::string_view name) {
  if (name.find_first_of("._") == std::string_view::npos) return nullptr;
  auto same = [](char a, char b) { return a == b || ((a == '.' || a == '_') && (b == '.' || b == '_')); };
  for (const TopicPtr& topic : catalog.topics)
    if (topic->name != name && std::ranges::equal(topic->name, name, same)) return topic;
  return nullptr;
}

bool is_internal_topic(std::string_view name) {
  return name == "__consumer_offsets" || name == "__transaction_state" || name == "__share_group_state";
}

}  // namespace naru::kafka
