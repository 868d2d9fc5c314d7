#include "sqs/wire/policies.h"

#include <algorithm>

#include "sqs/wire/query_reader.h"

namespace naru::sqs {
namespace {

constexpr size_t allowed_sources_max = 10, actions_max = 7;

std::unexpected<Refusal> wrong_format(std::string_view attribute, std::string_view reason = "") {
  std::string text = "Invalid value for the parameter " + std::string(attribute) + ".";
  if (!reason.empty()) text.append(" Reason: ").append(reason);
  return refuse(ErrorCode::invalid_attribute_value, std::move(text));
}

std::optional<Json> parse_map(std::string_view text) {
  auto parsed = parse_json(text);
  if (!parsed || !parsed->members()) return std::nullopt;
  return std::move(*parsed);
}

}  // namespace

Reply<Redrive> parse_redrive_policy(std::string_view text, bool source_is_fifo, const FindAttributes& find) {
  auto wrong = [&](std::string_view reason) { return std::unexpected(invalid_value(text, "RedrivePolicy", reason)); };
  auto policy = parse_map(text);
  if (!policy) return wrong_format("RedrivePolicy", "Redrive policy is not a valid JSON map.");
  const Json *count = policy->find("maxReceiveCount"), *target = policy->find("deadLetterTargetArn");
  if (!count) return wrong("Redrive policy does not contain mandatory attribute: maxReceiveCount.");
  if (!target) return wrong("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
  if (policy->members()->size() > 2)
    return wrong("Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].");
  Number receives = count->integer() ? Number(count->integer()) : parse_integer(count->text().value_or(""));
  if (!receives || *receives < 1 || *receives > 1000) {
    std::string shown = count->text() ? std::string(*count->text()) : to_text(*count);
    return wrong("Invalid value for maxReceiveCount: " + shown + ", valid values are from 1 to 1000 both inclusive.");
  }
  std::string_view arn = target->text().value_or("");
  if (!arn.starts_with("arn:") || std::ranges::count(arn, ':') != 5)
    return wrong("Invalid value for deadLetterTargetArn.");
  auto name = queue_of_arn(arn);
  if (!name) return wrong("Only SQS queues are valid resources for deadLetterTargetArn.");
  const Attributes* there = find(*name);
  if (!there) return wrong("Dead letter target does not exist.");
  if (there->is_fifo != source_is_fifo) return wrong("Dead-letter queue must be same type of queue as the source..");
  return Redrive{std::string(*name), static_cast<uint32_t>(*receives)};
}

bool RedriveAllowed::allows(std::string_view queue) const {
  return who == Who::all || (who == Who::listed && std::ranges::find(queues, queue) != queues.end());
}

Reply<RedriveAllowed> parse_redrive_allow_policy(std::string_view text) {
  constexpr std::string_view name = "RedriveAllowPolicy";
  auto unsupported = [&] {
    return wrong_format(name,
                        "Amazon SQS can't create the redrive allow policy, as it\u2019s in an unsupported format.");
  };
  auto wrong = [&](std::string_view reason) {
    return std::unexpected(
        invalid_value(text, name, "Amazon SQS can't create the redrive allow policy. " + std::string(reason)));
  };
  auto policy = parse_map(text);
  if (!policy) return unsupported();
  for (const auto& [key, value] : *policy->members())
    if (key != "redrivePermission" && key != "sourceQueueArns") return unsupported();
  std::string_view who = policy->text_of("redrivePermission");
  const Json* sources = policy->find("sourceQueueArns");
  RedriveAllowed allowed;
  if (who == "byQueue") {
    allowed.who = RedriveAllowed::Who::listed;
  } else if (who == "denyAll") {
    allowed.who = RedriveAllowed::Who::nobody;
  } else if (who != "allowAll") {
    return unsupported();
  }
  if (sources && !sources->items()) return unsupported();
  if (sources) {
    for (const Json& item : *sources->items()) {
      if (!item.text()) return unsupported();
      allowed.queues.emplace_back(queue_of_arn(*item.text()).value_or(""));
    }
  }
  if (allowed.who != RedriveAllowed::Who::listed && sources)
    return wrong("To specify one or more source queue ARNs, you must set redrivePermission to byQueue.");
  if (allowed.who == RedriveAllowed::Who::listed && allowed.queues.empty())
    return wrong(
        "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.");
  if (allowed.queues.size() > allowed_sources_max)
    return wrong("The maximum number of source queue ARNs you can specify is 10.");
  return allowed;
}

Reply<void> check_policy(std::string_view text) {
  if (!parse_map(text)) return wrong_format("Policy");
  return {};
}

namespace {

// What may be allowed to others: queues and their messages, not what only the owner may change.
constexpr std::string_view permitted_actions[] = {"*",
                                                  "SendMessage",
                                                  "ReceiveMessage",
                                                  "DeleteMessage",
                                                  "ChangeMessageVisibility",
                                                  "GetQueueAttributes",
                                                  "GetQueueUrl",
                                                  "ListDeadLetterSourceQueues",
                                                  "PurgeQueue"};

/// A list of one is that one.
Json one_or_list(Json::Array all) { return all.size() == 1 ? std::move(all[0]) : Json(std::move(all)); }

Json* find_member(Json& object, std::string_view name) {
  for (auto& [key, value] : *object.members())
    if (key == name) return &value;
  return nullptr;
}

/// The statements, as a list even where there is one alone.
Json::Array statements_of(Json& policy) {
  Json* statements = find_member(policy, "Statement");
  if (!statements) return {};
  if (statements->items()) return std::move(*statements->items());
  Json::Array one;
  one.push_back(std::move(*statements));
  return one;
}

}  // namespace

Reply<std::string> add_permission(std::string_view text, std::string_view queue_arn, std::string_view label,
                                  const Texts& accounts, const Texts& actions) {
  if (actions.size() > actions_max)
    return refuse(ErrorCode::over_limit, std::to_string(actions.size()) + " Actions were found, maximum allowed is " +
                                             std::to_string(actions_max) + ".");
  for (std::string_view action : actions)
    if (std::ranges::find(permitted_actions, action) == std::end(permitted_actions))
      return std::unexpected(invalid_value("SQS:" + std::string(action), "ActionName",
                                           "Please refer to the appropriate WSDL for a list of valid actions. "));
  Json policy = parse_map(text).value_or(Json());
  if (policy.is_null()) {
    policy.set("Version", "2008-10-17");
    policy.set("Id", std::string(queue_arn) + "/SQSDefaultPolicy");
  }
  Json::Array statements = statements_of(policy);
  for (const Json& statement : statements)
    if (statement.text_of("Sid") == label) return std::unexpected(invalid_value(label, "Label", "Already exists."));
  Json::Array principals, allowed;
  for (std::string_view account : accounts) principals.push_back("arn:aws:iam::" + std::string(account) + ":root");
  for (std::string_view action : actions) allowed.push_back("SQS:" + std::string(action));
  Json principal, statement;
  principal.set("AWS", one_or_list(std::move(principals)));
  statement.set("Sid", label).set("Effect", "Allow").set("Principal", std::move(principal));
  statement.set("Action", one_or_list(std::move(allowed))).set("Resource", queue_arn);
  statements.push_back(std::move(statement));
  policy.set("Statement", std::move(statements));
  return to_text(policy);
}

Reply<std::string> remove_permission(std::string_view text, std::string_view label) {
  Json policy = parse_map(text).value_or(Json::object());
  Json::Array statements = statements_of(policy);
  auto is_meant = [&](const Json& statement) { return statement.text_of("Sid") == label; };
  if (std::erase_if(statements, is_meant) == 0)
    return std::unexpected(invalid_value(label, "Label", "can't find label."));
  if (statements.empty()) return std::string();
  policy.set("Statement", std::move(statements));
  return to_text(policy);
}

}  // namespace naru::sqs
