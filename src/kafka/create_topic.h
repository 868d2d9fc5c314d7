#pragma once
// Whether a topic may be made, in Kafka's words: shared by CreateTopics and by Metadata, which makes topics too.
#include "broker/topic_config.h"
#include "kafka/topic_errors.h"

namespace naru::kafka {

struct Refusal {
  ErrorCode code = ErrorCode::none;
  std::string message;
};

/// Kafka takes at most so many partitions in one request.
inline constexpr int64_t partitions_per_request_max = 10'000;

/// What is wrong with this name for a new topic, as it is now.
std::optional<Refusal> check_new_name(const Catalog& catalog, std::string_view name);

}  // namespace naru::kafka
