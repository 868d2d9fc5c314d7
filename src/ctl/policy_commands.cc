// Policies and parameters.
#include "ctl/command.h"
#include "http/parser.h"

namespace naru::ctl {
namespace {

using http::escape;

struct Kind {
  const char *path, *words;
};
constexpr Kind own{"/policies/", "policy"}, by_operator{"/operator-policies/", "operator policy override"};

std::string path_of(const Call& call, const Kind& kind) {
  return kind.path + escape(call.vhost) + "/" + escape(call.word(0));
}

int set(Call& call, const Kind& kind) {
  std::string priority = call.option("--priority", "0");
  call.banner("Setting " + std::string(kind.words) + " \"" + call.word(0) + "\" for pattern \"" + call.word(1) +
              "\" to \"" + call.word(2) + "\" with priority \"" + priority + "\" for vhost \"" + call.vhost + "\" ...");
  auto definition = parse_json(call.word(2));
  if (!definition) return call.error(unavailable, "Could not parse JSON document: " + call.word(2));
  if (priority.empty() || priority.find_first_not_of("0123456789") != priority.npos)
    return call.error(data_error, "priority should be a number");
  Json body;
  body.set("pattern", call.word(1))
      .set("definition", std::move(*definition))
      .set("priority", priority)
      .set("apply-to", call.option("--apply-to", "all"));
  return call.change("PUT", path_of(call, kind), body);
}

int clear(Call& call, const Kind& kind) {
  call.banner("Clearing " + std::string(kind.words) + " \"" + call.word(0) + "\" on vhost \"" + call.vhost + "\" ...");
  auto response = request(call.target, "DELETE", path_of(call, kind));
  if (response && response->status == 404) return call.error(unavailable, "Parameter does not exist");
  if (!response) return call.error(unavailable, response.error().reason);
  return response->ok() ? ok : call.refused(*response);
}

int list(Call& call, const Kind& kind, const std::string& banner) {
  call.banner(banner + " for vhost \"" + call.vhost + "\" ...");
  auto all = call.ask_list(kind.path + escape(call.vhost));
  if (!all) return call.exit_code;
  for (Json& policy : *all->items())
    if (const Json* definition = policy.find("definition")) policy.set("definition", to_text(*definition));
  constexpr Column columns[] = {{"vhost", ""},    {"name", ""},       {"pattern", ""},
                                {"apply-to", ""}, {"definition", ""}, {"priority", ""}};
  return print_list(call, *all, columns);
}

int set_policy(Call& call) { return set(call, own); }
int clear_policy(Call& call) { return clear(call, own); }
int list_policies(Call& call) { return list(call, own, "Listing policies"); }
int set_operator_policy(Call& call) { return set(call, by_operator); }
int clear_operator_policy(Call& call) { return clear(call, by_operator); }
int list_operator_policies(Call& call) { return list(call, by_operator, "Listing operator policy overrides"); }

std::string parameter_path(const Call& call) {
  return "/parameters/" + escape(call.word(0)) + "/" + escape(call.vhost) + "/" + escape(call.word(1));
}

int set_parameter(Call& call) {
  call.banner("Setting runtime parameter \"" + call.word(1) + "\" for component \"" + call.word(0) + "\" to \"" +
              call.word(2) + "\" in vhost \"" + call.vhost + "\" ...");
  auto value = parse_json(call.word(2));
  if (!value) return call.error(unavailable, "Could not parse JSON document: " + call.word(2));
  Json body;
  body.set("value", std::move(*value));
  return call.change("PUT", parameter_path(call), body);
}

int clear_parameter(Call& call) {
  call.banner("Clearing runtime parameter \"" + call.word(1) + "\" for component \"" + call.word(0) + "\" on vhost \"" +
              call.vhost + "\" ...");
  return call.change("DELETE", parameter_path(call));
}

int list_parameters(Call& call) {
  call.banner("Listing runtime parameters for vhost \"" + call.vhost + "\" ...");
  auto all = call.ask_list("/parameters");
  if (!all) return call.exit_code;
  std::erase_if(*all->items(), [&](const Json& one) { return one.text_of("vhost") != call.vhost; });
  for (Json& one : *all->items())
    if (const Json* value = one.find("value")) one.set("value", to_text(*value));
  constexpr Column columns[] = {{"component", ""}, {"name", ""}, {"value", ""}};
  return print_list(call, *all, columns);
}

int set_global_parameter(Call& call) {
  call.banner("Setting global runtime parameter \"" + call.word(0) + "\" to \"" + call.word(1) + "\" ...");
  auto value = parse_json(call.word(1));
  if (!value) return call.error(unavailable, "Could not parse JSON document: " + call.word(1));
  Json body;
  body.set("value", std::move(*value));
  return call.change("PUT", "/global-parameters/" + escape(call.word(0)), body);
}

int clear_global_parameter(Call& call) {
  call.banner("Clearing global runtime parameter \"" + call.word(0) + "\" ...");
  return call.change("DELETE", "/global-parameters/" + escape(call.word(0)));
}

int list_global_parameters(Call& call) {
  call.banner("Listing global runtime parameters ...");
  auto all = call.ask_list("/global-parameters");
  if (!all) return call.exit_code;
  for (Json& one : *all->items())
    if (const Json* value = one.find("value")) one.set("value", to_text(*value));
  constexpr Column columns[] = {{"name", ""}, {"value", ""}};
  return print_list(call, *all, columns);
}

constexpr std::string_view policy_options[] = {"--priority", "--apply-to"};
constexpr const char* policy_usage =
    "[-p <vhost>] [--priority <priority>] [--apply-to <apply-to>] <name> <pattern> <definition>";

constexpr Command commands[] = {
    {"set_policy", policy_usage, 3, 3, policy_options, {}, set_policy},
    {"clear_policy", "[-p <vhost>] <name>", 1, 1, {}, {}, clear_policy},
    {"list_policies", "[-p <vhost>]", 0, 0, {}, {}, list_policies},
    {"set_operator_policy", policy_usage, 3, 3, policy_options, {}, set_operator_policy},
    {"clear_operator_policy", "[-p <vhost>] <name>", 1, 1, {}, {}, clear_operator_policy},
    {"list_operator_policies", "[-p <vhost>]", 0, 0, {}, {}, list_operator_policies},
    {"set_parameter", "[-p <vhost>] <component> <name> <value>", 3, 3, {}, {}, set_parameter},
    {"clear_parameter", "[-p <vhost>] <component> <name>", 2, 2, {}, {}, clear_parameter},
    {"list_parameters", "[-p <vhost>]", 0, 0, {}, {}, list_parameters},
    {"set_global_parameter", "<name> <value>", 2, 2, {}, {}, set_global_parameter},
    {"clear_global_parameter", "<name>", 1, 1, {}, {}, clear_global_parameter},
    {"list_global_parameters", "", 0, 0, {}, {}, list_global_parameters},
};

}  // namespace

std::span<const Command> policy_commands() { return commands; }

}  // namespace naru::ctl
