// Tags of queues: TagQueue, UntagQueue, ListQueueTags.
#include "sqs/call.h"
#include "sqs/messages/queue.h"

namespace naru::sqs {
namespace {

constexpr size_t tags_max = 50, key_chars_max = 128, value_chars_max = 256;

std::unexpected<Refusal> wrong(std::string text) { return refuse(ErrorCode::invalid_parameter, std::move(text)); }

size_t characters(std::string_view utf8) {
  auto begins = [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; };
  return static_cast<size_t>(std::ranges::count_if(utf8, begins));
}

}  // namespace

Reply<Tags> check_tags(const TextMap& given, const Tags& present, std::string_view queue) {
  Tags tags;
  for (const auto& [key, value] : given) {
    if (key.empty() || characters(key) > key_chars_max)
      return wrong("Tag keys must be between 1 and 128 characters in length.");
    if (characters(value) > value_chars_max) return wrong("Tag values must be between 0 and 256 characters in length.");
    tags.insert_or_assign(std::string(key), std::string(value));
  }
  Tags all = present;
  for (const auto& [key, value] : tags) all.insert_or_assign(key, value);
  if (all.size() > tags_max) return wrong("Too many tags added for queue " + std::string(queue) + ".");
  return tags;
}

namespace {

io::Task<Reply<Nothing>> tag_queue(Call& call, TagRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::configure);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  if (request.tags.empty()) co_return std::unexpected(missing_parameter("Tags"));
  auto tags = check_tags(request.tags, (*queue)->tags(), (*queue)->name());
  if (!tags) co_return std::unexpected(std::move(tags.error()));
  auto tagging = (*queue)->tag(std::move(*tags));
  auto tagged = co_await tagging;
  if (!tagged) co_return std::unexpected(refusal_of(tagged.error()));
  co_return Nothing();
}

io::Task<Reply<Nothing>> untag_queue(Call& call, UntagRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::configure);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  if (request.keys.empty()) co_return std::unexpected(missing_parameter("TagKeys"));
  std::vector<std::string> keys(request.keys.begin(), request.keys.end());
  auto untagging = (*queue)->untag(std::move(keys));
  auto untagged = co_await untagging;
  if (!untagged) co_return std::unexpected(refusal_of(untagged.error()));
  co_return Nothing();
}

io::Task<Reply<ListTagsResult>> list_tags(Call& call, QueueRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::read);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  ListTagsResult result;
  for (const auto& [key, value] : (*queue)->tags()) result.tags.emplace_back(key, value);
  co_return result;
}

constexpr Action actions[] = {action<tag_queue>("TagQueue"), action<untag_queue>("UntagQueue"),
                              action<list_tags>("ListQueueTags")};

}  // namespace

std::span<const Action> tag_actions() { return actions; }

}  // namespace naru::sqs
