#include "kafka/create_topic.h"

namespace naru::kafka {

std::optional<Refusal> check_new_name(const Catalog& catalog, std::string_view name) {
  if (auto message = topic_name_message(name)) return Refusal{ErrorCode::invalid_topic_exception, *message};
  if (catalog.find(name))
    return Refusal{ErrorCode::topic_already_exists, "Topic '" + std::string(name) + "' already exists."};
  if (TopicPtr other = colliding_topic(catalog, name))
    return Refusal{ErrorCode::invalid_topic_exception,
                   "Topic '" + std::string(name) + "' collides with existing topic: " + other->name};
  return std::nullopt;
}

}  // namespace naru::kafka
