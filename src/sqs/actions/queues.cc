// Queues come, go and are listed.
#include "base/base64.h"
#include "sqs/call.h"
#include "sqs/messages/queue.h"
#include "sqs/wire/queue_attributes.h"

namespace naru::sqs {
namespace {

constexpr size_t listed_max = 1000;

std::unexpected<Refusal> wrong(std::string text) { return refuse(ErrorCode::invalid_parameter, std::move(text)); }

/// A FIFO queue's name ends in .fifo and nobody else's does.
Reply<void> check_name(std::string_view name, bool is_fifo) {
  if (is_fifo && (!is_queue_name(name) || !is_fifo_name(name)))
    return wrong(
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with "
        ".fifo suffix and be 1 to 80 in length.");
  if (!is_fifo && !is_plain_name(name))
    return wrong("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  return {};
}

bool wants_fifo(const TextMap& attributes) {
  return std::ranges::find(attributes, TextMap::value_type("FifoQueue", "true")) != attributes.end();
}

FindAttributes attributes_finder(Call& call) {
  return [&call](std::string_view name) -> const Attributes* {
    QueuePtr queue = call.door.queues.find(name);
    return queue ? &queue->attributes() : nullptr;
  };
}

io::Task<Reply<QueueUrlResult>> create_queue(Call& call, CreateQueueRequest& request) {
  auto name = required(request.name, "QueueName");
  if (!name) co_return std::unexpected(std::move(name.error()));
  Attributes wanted;
  wanted.is_fifo = wants_fifo(request.attributes);
  auto fine = check_name(*name, wanted.is_fifo);
  if (!fine) co_return std::unexpected(std::move(fine.error()));
  auto refusal = access_refusal(call, Operation::configure, *name);
  if (refusal) co_return std::unexpected(std::move(*refusal));
  FindAttributes find = attributes_finder(call);
  AttributeChange change{*name, true, find};
  auto applied = apply_attributes(request.attributes, change, wanted);
  if (!applied) co_return std::unexpected(std::move(applied.error()));
  auto tags = check_tags(request.tags, {}, *name);
  if (!tags) co_return std::unexpected(std::move(tags.error()));
  auto creating = call.door.queues.create(std::string(*name), wanted, std::move(*tags));
  auto created = co_await creating;
  if (!created) co_return std::unexpected(refusal_of(created.error()));
  if (!created->is_new) {
    auto difference = first_difference(request.attributes, wanted, created->queue->attributes());
    if (difference)
      co_return refuse(
          ErrorCode::queue_name_exists,
          "A queue already exists with the same name and a different value for attribute " + std::string(*difference));
  }
  QueueUrlResult result;
  result.url = queue_url(call, *name);
  co_return result;
}

io::Task<Reply<QueueUrlResult>> get_queue_url(Call& call, GetQueueUrlRequest& request) {
  auto name = required(request.name, "QueueName");
  if (!name) co_return std::unexpected(std::move(name.error()));
  if (!is_queue_name(*name))
    co_return wrong("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  auto refusal = access_refusal(call, Operation::read, *name);
  if (refusal && !access_refusal(call, Operation::write, *name)) refusal.reset();
  if (refusal) co_return std::unexpected(std::move(*refusal));
  if (!call.door.queues.find(*name)) co_return std::unexpected(no_such_queue());
  QueueUrlResult result;
  result.url = queue_url(call, *name);
  co_return result;
}

/// How many to list, and behind which name: a token is the last name that was listed.
struct Page {
  size_t max = listed_max;
  bool is_asked = false;  // only then is there a token for the next one
  std::string after;
};

Reply<Page> parse_page(const Number& max, const Text& token) {
  Page page;
  if (max) {
    if (*max < 1 || *max > static_cast<int64_t>(listed_max))
      return wrong(
          "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.");
    page.max = static_cast<size_t>(*max);
    page.is_asked = true;
  }
  if (!token || token->empty()) return page;
  auto after = from_base64(*token);
  if (!after || !is_queue_name(*after)) return wrong("Invalid or expired next token.");
  page.after = std::move(*after);
  return page;
}

/// Of one name more than the page has: whether there is another page.
std::optional<std::string> next_token(std::vector<std::string>& found, const Page& page) {
  if (found.size() <= page.max) return std::nullopt;
  found.resize(page.max);
  if (!page.is_asked) return std::nullopt;
  return to_base64(found.back());
}

io::Task<Reply<ListQueuesResult>> list_queues(Call& call, ListQueuesRequest& request) {
  auto page = parse_page(request.max, request.next_token);
  if (!page) co_return std::unexpected(std::move(page.error()));
  auto found = call.door.queues.list(request.prefix.value_or(""), page->after, page->max + 1);
  ListQueuesResult result;
  result.next_token = next_token(found, *page);
  for (const std::string& name : found) result.urls.push_back(queue_url(call, name));
  co_return result;
}

io::Task<Reply<ListSourcesResult>> list_sources(Call& call, ListSourcesRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::read);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  auto page = parse_page(request.max, request.next_token);
  if (!page) co_return std::unexpected(std::move(page.error()));
  auto found = call.door.queues.dead_letter_sources((*queue)->name(), page->after, page->max + 1);
  ListSourcesResult result;
  result.next_token = next_token(found, *page);
  for (const std::string& name : found) result.urls.push_back(queue_url(call, name));
  co_return result;
}

io::Task<Reply<Nothing>> delete_queue(Call& call, QueueRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::configure);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  auto removing = call.door.queues.remove((*queue)->name());
  auto removed = co_await removing;
  if (!removed) co_return std::unexpected(refusal_of(removed.error()));
  co_return Nothing();
}

io::Task<Reply<Nothing>> purge_queue(Call& call, QueueRequest& request) {
  auto queue = find_queue(call, request.queue_url, Operation::read);
  if (!queue) co_return std::unexpected(std::move(queue.error()));
  auto purging = (*queue)->purge();
  auto purged = co_await purging;
  if (purged) co_return Nothing();
  Refusal refusal = refusal_of(purged.error());
  if (purged.error() == Problem::purged_recently)
    refusal.message = "Only one PurgeQueue operation on " + (*queue)->name() + " is allowed every 60 seconds.";
  co_return std::unexpected(std::move(refusal));
}

constexpr Action actions[] = {
    action<create_queue>("CreateQueue"), action<get_queue_url>("GetQueueUrl"),
    action<list_queues>("ListQueues"),   action<list_sources>("ListDeadLetterSourceQueues"),
    action<delete_queue>("DeleteQueue"), action<purge_queue>("PurgeQueue"),
};

}  // namespace

std::span<const Action> queue_actions() { return actions; }

}  // namespace naru::sqs
