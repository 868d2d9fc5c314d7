#pragma once
// What handlers of topics share: what Kafka calls a refusal, and changes of the catalog.
#include "broker/topics.h"
#include "kafka/errors.h"

namespace naru::kafka {

/// What Kafka calls the refusal of a change to the catalog.
ErrorCode topic_error(Code code);

/// What is wrong with a topic's name, as Kafka says it; nothing if it is fine.
std::optional<std::string> topic_name_message(std::string_view name);

/// The topic that this name would collide with: Kafka takes '.' and '_' for the same. Null if there is none.
TopicPtr colliding_topic(const Catalog& catalog, std::string_view name);

/// Topics that Kafka keeps its own state in. Naru has none; whoever makes one gets an ordinary topic.
bool is_internal_topic(std::string_view name);

/// Runs a change of the catalog, on core 0, again while another change of the same topic is on its way.
template <class Change>
auto change_catalog(Core& first, Change change) -> decltype(change()) {
  constexpr int attempts_max = 1000;
  for (int attempt = 1;; ++attempt) {
    auto result = co_await change();
    if (result || result.error().code != Code::conflict || attempt == attempts_max) co_return result;
    co_await first.loop.sleep_until(first.loop.now() + 1);
  }
}

}  // namespace naru::kafka
