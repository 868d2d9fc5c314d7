#pragma once
// Attributes of queues between the texts that clients give and see and what the engine keeps.
#include <functional>

#include "sqs/queue.h"
#include "sqs/wire/fields.h"
#include "sqs/wire/names.h"
#include "sqs/wire/refusal.h"

namespace naru::sqs {

/// Looks up the dead-letter queue of a policy: its attributes, or nothing if there is no such queue.
using FindAttributes = std::function<const Attributes*(std::string_view queue)>;

struct AttributeChange {
  std::string_view queue;  // its name
  bool is_new = false;     // it is being created
  const FindAttributes& find;
};
/// Puts what was given into `into`; an empty text takes away what may be absent.
Reply<void> apply_attributes(const TextMap& given, const AttributeChange& change, Attributes& into);

/// The attribute as clients see it; nothing if the queue has none of that name. Not those that count (below).
std::optional<std::string> attribute_text(const Attributes& attributes, std::string_view name);
/// An attribute that was given at creation and is another one in the queue that is there already.
std::optional<std::string_view> first_difference(const TextMap& given, const Attributes& wanted,
                                                 const Attributes& there);

/// What was asked for, in the service's order; all of it for "All".
using NamedTexts = std::vector<std::pair<std::string_view, std::string>>;
Reply<NamedTexts> view_attributes(MessageQueue& queue, const Place& place, const Texts& names);

}  // namespace naru::sqs
