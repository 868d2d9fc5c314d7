#include "sqs/wire/queue_attributes.h"

#include <algorithm>

#include "sqs/wire/policies.h"
#include "sqs/wire/query_reader.h"

namespace naru::sqs {
namespace {

enum class Kind : uint8_t { number, truth, choice, policy, redrive, redrive_allow, text, read_only, fifo_queue };
enum class For : uint8_t { any, fifo, fifo_by_choice };

struct Row {
  std::string_view name;
  Kind kind;
  int64_t min = 0, max = 0;
  int32_t Attributes::* number = nullptr;  // else it is kept as a text
  bool Attributes::* truth = nullptr;
  std::array<std::string_view, 2> choices{};  // the first one holds where none was made
  For queues = For::any;
};

// In the order in which the service shows them.
constexpr Row rows[] = {
    {.name = "QueueArn", .kind = Kind::read_only},
    {.name = "ApproximateNumberOfMessages", .kind = Kind::read_only},
    {.name = "ApproximateNumberOfMessagesNotVisible", .kind = Kind::read_only},
    {.name = "ApproximateNumberOfMessagesDelayed", .kind = Kind::read_only},
    {.name = "CreatedTimestamp", .kind = Kind::read_only},
    {.name = "LastModifiedTimestamp", .kind = Kind::read_only},
    {"VisibilityTimeout", Kind::number, 0, 43200, &Attributes::visibility},
    {"MaximumMessageSize", Kind::number, 1024, 1'048'576, &Attributes::message_bytes_max},
    {"MessageRetentionPeriod", Kind::number, 60, 1'209'600, &Attributes::retention},
    {"DelaySeconds", Kind::number, 0, 900, &Attributes::delay},
    {"ReceiveMessageWaitTimeSeconds", Kind::number, 0, 20, &Attributes::wait},
    {.name = "Policy", .kind = Kind::policy},
    {.name = "RedrivePolicy", .kind = Kind::redrive},
    {.name = "RedriveAllowPolicy", .kind = Kind::redrive_allow},
    {.name = "KmsMasterKeyId", .kind = Kind::text},
    {.name = "KmsDataKeyReusePeriodSeconds", .kind = Kind::number, .min = 60, .max = 86'400},
    {.name = "SqsManagedSseEnabled", .kind = Kind::truth},
    {.name = "FifoQueue", .kind = Kind::fifo_queue},
    {.name = "ContentBasedDeduplication",
     .kind = Kind::truth,
     .truth = &Attributes::content_based_deduplication,
     .queues = For::fifo},
    {.name = "DeduplicationScope",
     .kind = Kind::choice,
     .truth = &Attributes::deduplicate_per_group,
     .choices = {"queue", "messageGroup"},
     .queues = For::fifo_by_choice},
    {.name = "FifoThroughputLimit",
     .kind = Kind::choice,
     .choices = {"perQueue", "perMessageGroupId"},
     .queues = For::fifo_by_choice},
};

const Row* find_row(std::string_view name) {
  auto found = std::ranges::find(rows, name, &Row::name);
  return found == std::end(rows) ? nullptr : found;
}

std::unexpected<Refusal> unknown_attribute(std::string_view name) {
  return refuse(ErrorCode::invalid_attribute_name, "Unknown Attribute " + std::string(name) + ".");
}

std::unexpected<Refusal> wrong_value(std::string_view name, std::string_view reason = "") {
  std::string text = "Invalid value for the parameter " + std::string(name) + ".";
  if (!reason.empty()) text.append(" Reason: ").append(reason);
  return refuse(ErrorCode::invalid_attribute_value, std::move(text));
}

void set_text(Attributes& into, std::string_view name, std::string_view value) {
  if (value.empty()) {
    into.texts.erase(std::string(name));
  } else {
    into.texts.insert_or_assign(std::string(name), std::string(value));
  }
}

Text text_of(const Attributes& attributes, std::string_view name) {
  auto found = attributes.texts.find(name);
  return found == attributes.texts.end() ? Text() : Text(found->second);
}

Reply<void> apply_number(const Row& row, std::string_view value, Attributes& into) {
  Number number = parse_integer(value);
  if (!number || *number < row.min || *number > row.max) return wrong_value(row.name);
  if (row.number) {
    into.*row.number = static_cast<int32_t>(*number);
  } else {
    set_text(into, row.name, std::to_string(*number));
  }
  return {};
}

Reply<void> apply_truth(const Row& row, std::string_view value, Attributes& into) {
  if (value != "true" && value != "false") return wrong_value(row.name);
  if (row.truth) {
    into.*row.truth = value == "true";
  } else {
    set_text(into, row.name, value);
  }
  return {};
}

Reply<void> apply_choice(const Row& row, std::string_view value, Attributes& into) {
  if (value != row.choices[0] && value != row.choices[1]) return wrong_value(row.name);
  if (row.truth) into.*row.truth = value == row.choices[1];
  set_text(into, row.name, value);
  return {};
}

Reply<void> apply_fifo(std::string_view value, const AttributeChange& change, Attributes& into) {
  if (value != "true" && value != "false") return wrong_value("FifoQueue");
  if (!change.is_new && into.is_fifo && value == "false")
    return wrong_value("FifoQueue", "Modifying queue type is not supported.");
  if (!into.is_fifo) return unknown_attribute("FifoQueue");
  return {};
}

/// The target's own word on who may use it.
Reply<void> check_allowed(const Attributes& target, std::string_view source, std::string_view policy) {
  auto allow = text_of(target, "RedriveAllowPolicy");
  if (!allow) return {};
  auto parsed = parse_redrive_allow_policy(*allow);
  if (!parsed || parsed->allows(source)) return {};
  return std::unexpected(
      invalid_value(policy, "RedrivePolicy", "The dead letter queue does not allow this queue as a source queue."));
}

Reply<void> apply_redrive(std::string_view value, const AttributeChange& change, Attributes& into) {
  set_text(into, "RedrivePolicy", value);
  into.redrive.reset();
  if (value.empty()) return {};
  auto redrive = parse_redrive_policy(value, into.is_fifo, change.find);
  if (!redrive) return std::unexpected(std::move(redrive.error()));
  const Attributes* target = change.find(redrive->target);
  if (auto allowed = check_allowed(*target, change.queue, value); !allowed) return allowed;
  into.redrive = std::move(*redrive);
  return {};
}

Reply<void> apply_policy_text(const Row& row, std::string_view value, Attributes& into) {
  if (!value.empty()) {
    if (row.kind == Kind::policy) {
      if (auto fine = check_policy(value); !fine) return fine;
    } else if (auto allow = parse_redrive_allow_policy(value); !allow) {
      return std::unexpected(std::move(allow.error()));
    }
  }
  set_text(into, row.name, value);
  return {};
}

Reply<void> apply(const Row& row, std::string_view value, const AttributeChange& change, Attributes& into) {
  if (row.queues == For::fifo && !into.is_fifo) return unknown_attribute(row.name);
  if (row.queues == For::fifo_by_choice && !into.is_fifo)
    return refuse(ErrorCode::invalid_attribute_name,
                  "You can specify the " + std::string(row.name) + " only when FifoQueue is set to true.");
  switch (row.kind) {
    case Kind::number: return apply_number(row, value, into);
    case Kind::truth: return apply_truth(row, value, into);
    case Kind::choice: return apply_choice(row, value, into);
    case Kind::fifo_queue: return apply_fifo(value, change, into);
    case Kind::redrive: return apply_redrive(value, change, into);
    case Kind::policy:
    case Kind::redrive_allow: return apply_policy_text(row, value, into);
    case Kind::text: set_text(into, row.name, value); return {};
    case Kind::read_only: break;
  }
  return unknown_attribute(row.name);
}

/// One kind of encryption at a time. A key turns the other kind off.
Reply<void> check_encryption(const TextMap& given, Attributes& into) {
  auto has = [&](std::string_view name) {
    auto found = std::ranges::find(given, name, &TextMap::value_type::first);
    return found != given.end() && !found->second.empty() ? found->second : std::string_view();
  };
  bool key = !has("KmsMasterKeyId").empty(), managed = has("SqsManagedSseEnabled") == "true";
  if (key && managed)
    return refuse(ErrorCode::invalid_attribute_name,
                  "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or "
                  "SQS SSE.");
  if (key) set_text(into, "SqsManagedSseEnabled", "false");
  if (managed) set_text(into, "KmsMasterKeyId", "");
  return {};
}

}  // namespace

Reply<void> apply_attributes(const TextMap& given, const AttributeChange& change, Attributes& into) {
  for (const auto& [name, value] : given) {
    const Row* row = find_row(name);
    if (!row) return unknown_attribute(name);
    if (auto applied = apply(*row, value, change, into); !applied) return applied;
  }
  return check_encryption(given, into);
}

std::optional<std::string> attribute_text(const Attributes& attributes, std::string_view name) {
  const Row* row = find_row(name);
  if (!row || row->kind == Kind::read_only) return std::nullopt;
  if (row->queues != For::any && !attributes.is_fifo) return std::nullopt;
  if (row->number) return std::to_string(attributes.*row->number);
  if (row->kind == Kind::choice) return std::string(text_of(attributes, name).value_or(row->choices[0]));
  if (row->truth) return attributes.*row->truth ? "true" : "false";
  if (row->kind == Kind::fifo_queue) return attributes.is_fifo ? std::optional<std::string>("true") : std::nullopt;
  if (auto text = text_of(attributes, name)) return std::string(*text);
  if (name == "SqsManagedSseEnabled") return "true";
  if (name == "KmsDataKeyReusePeriodSeconds" && text_of(attributes, "KmsMasterKeyId")) return "300";
  return std::nullopt;
}

std::optional<std::string_view> first_difference(const TextMap& given, const Attributes& wanted,
                                                 const Attributes& there) {
  for (const auto& [name, value] : given)
    if (attribute_text(wanted, name) != attribute_text(there, name)) return name;
  return std::nullopt;
}

Reply<NamedTexts> view_attributes(MessageQueue& queue, const Place& place, const Texts& names) {
  bool all = std::ranges::find(names, "All") != names.end();
  for (std::string_view name : names)
    if (name != "All" && !find_row(name)) return unknown_attribute(name);
  const Attributes& attributes = queue.attributes();
  QueueCounts counts = queue.counts();
  NamedTexts out;
  for (const Row& row : rows) {
    if (!all && std::ranges::find(names, row.name) == names.end()) continue;
    std::optional<std::string> value;
    if (row.kind != Kind::read_only) {
      value = attribute_text(attributes, row.name);
    } else if (row.name == "QueueArn") {
      value = arn_of(place, queue.name());
    } else {
      value = std::to_string(row.name == "ApproximateNumberOfMessages"             ? counts.visible
                             : row.name == "ApproximateNumberOfMessagesNotVisible" ? counts.in_flight
                             : row.name == "ApproximateNumberOfMessagesDelayed"    ? counts.delayed
                             : row.name == "CreatedTimestamp"                      ? queue.created_s()
                                                                                   : queue.modified_s());
    }
    if (value) out.emplace_back(row.name, std::move(*value));
  }
  return out;
}

}  // namespace naru::sqs
