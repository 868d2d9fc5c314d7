#pragma once
// What a client may ask of any answer: ?columns=, ?sort=, ?sort_reverse=, and pages of a list.
#include <map>

#include "base/json.h"

namespace naru::management {

struct ListingProblem {
  std::string error, reason;
};

/// Whether a list has pages. Of the others ?page= changes nothing, with RabbitMQ's.
enum class Pages : uint8_t { none, some };

/// Reshapes `body`. Else what is wrong with the query.
std::optional<ListingProblem> shape(Json& body, const std::map<std::string, std::string, std::less<>>& query,
                                    Pages pages);

}  // namespace naru::management
