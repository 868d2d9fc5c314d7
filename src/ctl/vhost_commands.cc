// Virtual hosts and their limits.
#include "ctl/command.h"
#include "http/parser.h"

namespace naru::ctl {
namespace {

using http::escape;

std::string path_of(const std::string& vhost) { return "/vhosts/" + escape(vhost); }

int add_vhost(Call& call) {
  call.banner("Adding vhost \"" + call.word(0) + "\" ...");
  Json body = Json::object();
  if (call.has("--description")) body.set("description", call.option("--description"));
  if (call.has("--tags")) body.set("tags", call.option("--tags"));
  if (call.has("--default-queue-type")) body.set("default_queue_type", call.option("--default-queue-type"));
  return call.change("PUT", path_of(call.word(0)), body);
}

int delete_vhost(Call& call) {
  call.banner("Deleting vhost \"" + call.word(0) + "\" ...");
  auto there = request(call.target, "GET", path_of(call.word(0)));
  if (there && there->status == 404)
    return call.error(data_error, "Virtual host '" + call.word(0) + "' does not exist");
  return call.change("DELETE", path_of(call.word(0)));
}

constexpr Column columns[] = {{"name", ""},    {"description", ""},  {"tags", ""}, {"default_queue_type", ""},
                              {"tracing", ""}, {"cluster_state", ""}};

int list_vhosts(Call& call) {
  call.banner("Listing vhosts ...");
  auto chosen = chosen_columns(call, columns, std::span(columns).first(1));
  if (!chosen) return call.error(usage_error, chosen.error());
  auto all = call.ask_list("/vhosts");
  return all ? print_list(call, *all, *chosen) : call.exit_code;
}

std::string limits_path(const Call& call) { return "/parameters/vhost-limits/" + escape(call.vhost) + "/limits"; }

int set_vhost_limits(Call& call) {
  call.banner("Setting vhost limits to \"" + call.word(0) + "\" for vhost \"" + call.vhost + "\" ...");
  auto limits = parse_json(call.word(0));
  if (!limits || !limits->members()) return call.error(data_error, "Could not parse JSON document");
  Json body;
  body.set("value", std::move(*limits));
  return call.change("PUT", limits_path(call), body);
}

int clear_vhost_limits(Call& call) {
  call.banner("Clearing vhost \"" + call.vhost + "\" limits ...");
  auto response = request(call.target, "DELETE", limits_path(call));
  if (!response) return call.error(unavailable, response.error().reason);
  return response->ok() || response->status == 404 ? ok : call.refused(*response);
}

int list_vhost_limits(Call& call) {
  bool global = call.has("--global");
  call.banner(global ? std::string("Listing limits for all vhosts ...")
                     : "Listing limits for vhost \"" + call.vhost + "\" ...");
  auto all = call.ask_list(global ? "/vhost-limits" : "/vhost-limits/" + escape(call.vhost));
  constexpr Column limits[] = {{"vhost", ""}, {"limits", "value"}};
  if (!all) return call.exit_code;
  for (Json& one : *all->items())  // shown as JSON, unlike arguments
    if (const Json* value = one.find("value")) one.set("value", to_text(*value));
  if (!global && call.formatter == "table") {  // of one virtual host there is but one line
    call.line(all->items()->empty() ? "" : std::string(all->items()->front().text_of("value")));
    return ok;
  }
  return print_list(call, *all, limits);
}

constexpr std::string_view limit_flags[] = {"--global"};
constexpr std::string_view add_options[] = {"--description", "--tags", "--default-queue-type"};

constexpr Command commands[] = {
    {"add_vhost", "<vhost> [--description <text>] [--tags <tag,...>]", 1, 1, add_options, {}, add_vhost},
    {"delete_vhost", "<vhost>", 1, 1, {}, {}, delete_vhost},
    {"list_vhosts", "[<column> ...]", 0, 16, {}, {}, list_vhosts},
    {"set_vhost_limits", "[-p <vhost>] <definition>", 1, 1, {}, {}, set_vhost_limits},
    {"clear_vhost_limits", "[-p <vhost>]", 0, 0, {}, {}, clear_vhost_limits},
    {"list_vhost_limits", "[-p <vhost>] [--global]", 0, 0, {}, limit_flags, list_vhost_limits},
};

}  // namespace

std::span<const Command> vhost_commands() { return commands; }

}  // namespace naru::ctl
