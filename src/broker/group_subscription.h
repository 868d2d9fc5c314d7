#pragma once
// The one thing a broker reads of what consumers tell each other in their metadata: which topics they subscribe to.
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace naru {

/// Topic names at the head of a Kafka ConsumerProtocolSubscription; they borrow `metadata`. None if it is not one.
/// All versions begin alike: i16 version, i32 count, then each name as i16 length and bytes.
std::optional<std::vector<std::string_view>> subscribed_topics(ByteView metadata);

}  // namespace naru
