#include "sqs/call.h"

#include "base/json.h"

namespace naru::sqs {
namespace {

constexpr std::string_view vhost = "/";
constexpr std::string_view xml_namespace = "http://queue.amazonaws.com/doc/2012-11-05/";

struct ByName {
  std::vector<Action> all;
  ByName() {
    for (auto table : {queue_actions(), attribute_actions(), tag_actions(), permission_actions(), send_actions(),
                       receive_actions(), receipt_actions(), move_task_actions()})
      all.insert(all.end(), table.begin(), table.end());
    std::ranges::sort(all, {}, &Action::name);
  }
};

const std::vector<Action>& actions() {
  static const ByName table;
  return table.all;
}

}  // namespace

std::span<const Action> all_actions() { return actions(); }

const Action* find_action(std::string_view name) {
  const auto& all = actions();
  auto found = std::ranges::lower_bound(all, name, {}, &Action::name);
  return found == all.end() || found->name != name ? nullptr : &*found;
}

void answer_refusal(Call& call, const Refusal& refusal) {
  const ErrorNames& error = names(refusal.code);
  Response& response = call.response;
  std::string_view blame = blamed(refusal.code);
  response.body.clear();
  response.status = error.status;
  if (call.protocol == Protocol::json) {
    response.headers.append("x-amzn-query-error: ").append(error.query).append(";").append(blame).append("\r\n");
    response.body.append(R"({"__type":")").append(error.type).append(R"(","message":)");
    append_json_text(response.body, refusal.message);
    response.body += '}';
    return;
  }
  if (error.query_status) response.status = error.query_status;
  std::string message = refusal.message;
  if (refusal.code == ErrorCode::queue_does_not_exist && message.ends_with("exist."))
    message = message.substr(0, message.size() - 1) + " for this wsdl version.";
  if (call.protocol == Protocol::query_json) {
    Json body, shown;
    shown.set("Type", blame).set("Code", error.query).set("Message", message).set("Detail", Json::object());
    body.set("Error", std::move(shown)).set("RequestId", call.request_id);
    response.body = to_text(body);
    return;
  }
  if (refusal.code == ErrorCode::no_operation) {
    response.body = "<UnknownOperationException/>\n";
    return;
  }
  XmlWriter xml(response.body);
  response.body.append("<?xml version=\"1.0\"?><ErrorResponse xmlns=\"").append(xml_namespace).append("\"><Error>");
  xml("Type", blame);
  xml("Code", error.query);
  xml("Message", message);
  response.body += "<Detail/></Error>";
  xml("RequestId", call.request_id);
  response.body += "</ErrorResponse>";
}

namespace detail {

void begin_result(Call& call, bool has_result) {
  std::string& out = call.response.body;
  if (call.protocol == Protocol::query_json) {
    out.append("{\"").append(call.action).append("Response\":{");
    if (has_result) out.append("\"").append(call.action).append("Result\":");
    return;
  }
  out.append("<?xml version=\"1.0\"?><").append(call.action).append("Response xmlns=\"").append(xml_namespace);
  out += "\">";
  if (has_result) out.append("<").append(call.action).append("Result>");
}

void end_result(Call& call, bool has_result) {
  std::string& out = call.response.body;
  if (call.protocol == Protocol::query_json) {
    if (has_result) out += ',';
    out.append(R"("ResponseMetadata":{"RequestId":")").append(call.request_id).append("\"}}}");
    return;
  }
  if (has_result) out.append("</").append(call.action).append("Result>");
  out.append("<ResponseMetadata><RequestId>").append(call.request_id).append("</RequestId></ResponseMetadata></");
  out.append(call.action).append("Response>");
}

}  // namespace detail

std::optional<Refusal> access_refusal(const Call& call, Operation operation, std::string_view queue) {
  if (call.user.empty() || call.door.users.may(call.user, vhost, operation, queue)) return std::nullopt;
  std::string text = "User: " + call.user + " is not authorized to perform: sqs:" + std::string(call.action);
  text += " on resource: " + arn_of(call.door.settings.place, queue);
  return Refusal{ErrorCode::access_denied, std::move(text)};
}

Reply<QueuePtr> find_queue(Call& call, const Text& url, Operation operation) {
  bool given = url && !url->empty();
  QueueUrl named = parse_queue_url(given ? *url : call.path);
  if (named.name.empty()) {
    if (!given) return std::unexpected(missing_parameter("QueueUrl"));
    return refuse(ErrorCode::invalid_address, "The address " + std::string(*url) + " is not valid for this endpoint.");
  }
  call.token = named.token;
  if (auto refusal = access_refusal(call, operation, named.name)) return std::unexpected(std::move(*refusal));
  QueuePtr queue = call.door.queues.find(named.name);
  if (!queue) return std::unexpected(no_such_queue());
  return queue;
}

std::string queue_url(const Call& call, std::string_view name) {
  const Place& place = call.door.settings.place;
  std::string url;
  if (place.public_url.empty()) {
    url.append("http://").append(call.host);
  } else {
    url = place.public_url;
  }
  return url.append("/").append(place.account).append("/").append(name);
}

Reply<std::string_view> required(const Text& given, std::string_view name) {
  if (!given || given->empty()) return std::unexpected(missing_parameter(name));
  return *given;
}

std::string sequence_text(uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(20 - digits.size(), '0') + digits;
}

Refusal refusal_of(Problem problem, std::string_view receipt) {
  using enum ErrorCode;
  switch (problem) {
    case Problem::no_such_queue: return no_such_queue();
    case Problem::name_taken:
      return {invalid_parameter, "The name is taken by something that is no queue of SQS: a topic or a stream."};
    case Problem::receipt_invalid:
      return {receipt_handle_invalid,
              "The input receipt handle \"" + std::string(receipt) + "\" is not a valid receipt handle."};
    case Problem::receipt_expired: return invalid_value(receipt, "ReceiptHandle", "The receipt handle has expired.");
    case Problem::not_available:
      return invalid_value(receipt, "ReceiptHandle",
                           "Message does not exist or is not available for visibility timeout change.");
    case Problem::visibility_too_long:
      return {invalid_parameter, "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]."};
    case Problem::over_limit:
      return {over_limit, "Too many messages in flight: no more are handed out until some are deleted or visible."};
    case Problem::refused: return {over_limit, "The queue is full: a policy limits it."};
    case Problem::purged_recently:
      return {purge_in_progress, "Only one PurgeQueue operation is allowed every 60 seconds."};
    case Problem::unavailable: return {unavailable, "The broker stops, or its disk is full. Try again later."};
    case Problem::task_running:
      return {invalid_parameter,
              "There is already a task running. Only one active task is allowed for a source queue arn at a given "
              "time."};
    case Problem::not_a_dead_letter_queue:
      return {invalid_parameter, "Source queue must be configured as a Dead Letter Queue."};
    case Problem::no_such_task: return {resource_not_found, "Task does not exist."};
  }
  return {internal, "unknown problem"};
}

}  // namespace naru::sqs
