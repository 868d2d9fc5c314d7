#pragma once
// What a client may ask of any answer: ?columns=, ?sort=, ?sort_reverse=, and pages of a list.
#include <map>

#include "base/json.h"

namespace naru::management {

/// Reshapes `body`. Else what is wrong with the query.
std::optional<std::string> shape(Json& body, const std::map<std::string, std::string, std::less<>>& query);

}  // namespace naru::management
