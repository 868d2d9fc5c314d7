#include "broker/group_subscription.h"

#include "base/endian.h"

namespace naru {

std::optional<std::vector<std::string_view>> subscribed_topics(ByteView metadata) {
  if (metadata.size() < 6) return {};
  auto version = load_be<int16_t>(metadata.data());
  auto count = load_be<int32_t>(metadata.data() + 2);
  metadata = metadata.subspan(6);
  if (version < 0 || count < 0 || static_cast<size_t>(count) > metadata.size() / 2) return {};
  std::vector<std::string_view> topics;
  topics.reserve(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) {
    if (metadata.size() < 2) return {};
    auto size = load_be<int16_t>(metadata.data());
    metadata = metadata.subspan(2);
    if (size < 0 || static_cast<size_t>(size) > metadata.size()) return {};
    topics.push_back(text(metadata.first(static_cast<size_t>(size))));
    metadata = metadata.subspan(static_cast<size_t>(size));
  }
  return topics;
}

}  // namespace naru
