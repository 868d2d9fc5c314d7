// How the broker is: status, and what programs that know rabbitmqctl ask of a node before they go on.
#include "ctl/command.h"
#include "http/parser.h"
#include "io/exchange.h"

namespace naru::ctl {
namespace {

const Json& at(const Json& json, std::string_view name) {
  static const Json nothing;
  const Json* value = json.find(name);
  return value ? *value : nothing;
}

std::string member(const Json& json, std::string_view name) {
  const Json& value = at(json, name);
  return value.is_null() ? "" : value.text() ? std::string(*value.text()) : to_text(value);
}

bool raised(const Json& node, const char* alarm) { return at(node, alarm).boolean().value_or(false); }

/// What status is made of.
struct Facts {
  Json overview, node;
  int64_t vhosts = 0;
};

std::optional<Facts> facts_of(Call& call) {
  auto overview = call.ask("GET", "/overview");
  if (!overview) return std::nullopt;
  auto nodes = call.ask_list("/nodes");
  if (!nodes) return std::nullopt;
  auto vhosts = call.ask_list("/vhosts");
  if (!vhosts) return std::nullopt;
  if (nodes->items()->empty() || !overview->body.members()) {
    call.exit_code = call.no_naru();
    return std::nullopt;
  }
  return Facts{std::move(overview->body), std::move(nodes->items()->front()), std::ssize(*vhosts->items())};
}

Json alarms_of(const Facts& facts) {
  Json alarms = Json::array();
  if (raised(facts.node, "mem_alarm")) alarms.push("memory");
  if (raised(facts.node, "disk_free_alarm")) alarms.push("disk");
  return alarms;
}

/// rabbitmqctl's names for what there is of it.
Json status_of(const Facts& facts) {
  const Json &node = facts.node, &totals = at(facts.overview, "object_totals");
  Json memory, used, files, counts, out;
  used.set("rss", at(node, "mem_used"));
  memory.set("total", std::move(used)).set("strategy", "rss");
  files.set("total_limit", at(node, "fd_total"))
      .set("total_used", at(node, "fd_used"))
      .set("sockets_limit", at(node, "sockets_total"))
      .set("sockets_used", at(node, "sockets_used"));
  counts.set("connection_count", at(totals, "connections"))
      .set("queue_count", at(totals, "queues"))
      .set("virtual_host_count", facts.vhosts);
  out.set("rabbitmq_version", at(facts.overview, "rabbitmq_version"))
      .set("product_name", at(facts.overview, "product_name"))
      .set("product_version", at(facts.overview, "product_version"))
      .set("erlang_version", "")
      .set("node_name", at(node, "name"))
      .set("pid", number_of(member(node, "os_pid")).value_or(0))
      .set("uptime", at(node, "uptime").integer().value_or(0) / 1000)
      .set("is_under_maintenance", false)
      .set("run_queue", 0)
      .set("data_directory", at(node, "db_dir"))
      .set("disk_free", at(node, "disk_free"))
      .set("disk_free_limit", at(node, "disk_free_limit"))
      .set("vm_memory_high_watermark_limit", at(node, "mem_limit"))
      .set("memory", std::move(memory))
      .set("file_descriptors", std::move(files))
      .set("alarms", alarms_of(facts))
      .set("listeners", at(facts.overview, "listeners"))
      .set("active_plugins", Json::array())
      .set("totals", std::move(counts));
  return out;
}

int status(Call& call) {
  auto facts = facts_of(call);
  if (!facts) return call.exit_code;
  const Json &overview = facts->overview, &node = facts->node;
  if (call.formatter == "json") return call.line(to_text(status_of(*facts))), ok;
  call.banner("Status of node " + member(node, "name") + " ...");
  call.line("Runtime\n");
  call.line("naru version: " + member(overview, "product_version"));
  call.line("Speaks as RabbitMQ version: " + member(overview, "rabbitmq_version"));
  call.line("Node name: " + member(node, "name"));
  call.line("OS PID: " + member(node, "os_pid"));
  call.line("Uptime (ms): " + member(node, "uptime"));
  call.line("\nData directory\n\nNode data directory: " + member(node, "db_dir"));
  call.line("\nMemory\n\nTotal memory used (bytes): " + member(node, "mem_used"));
  call.line("Memory limit (bytes): " + member(node, "mem_limit"));
  call.line(std::string("\nAlarms\n\n") + (raised(node, "mem_alarm")         ? "Memory alarm"
                                           : raised(node, "disk_free_alarm") ? "Free disk space alarm"
                                                                             : "(none)"));
  const Json& totals = at(overview, "object_totals");
  call.line("\nTotals\n\nConnection count: " + member(totals, "connections"));
  call.line("Queue count: " + member(totals, "queues"));
  call.line("Virtual host count: " + std::to_string(facts->vhosts));
  call.line("Messages: " + member(at(overview, "queue_totals"), "messages"));
  return ok;
}

/// A cluster of one.
int cluster_status(Call& call) {
  auto facts = facts_of(call);
  if (!facts) return call.exit_code;
  std::string name = member(facts->node, "name"), cluster = member(facts->overview, "cluster_name");
  if (call.formatter == "json") {
    Json nodes = Json::array(), out;
    nodes.push(name);
    out.set("cluster_name", cluster)
        .set("disk_nodes", nodes)
        .set("ram_nodes", Json::array())
        .set("running_nodes", nodes)
        .set("partitions", Json::object())
        .set("alarms", alarms_of(*facts))
        .set("listeners", at(facts->overview, "listeners"));
    return call.line(to_text(out)), ok;
  }
  call.banner("Cluster status of node " + name + " ...");
  call.line("Basics\n\nCluster name: " + cluster);
  call.line("\nDisk Nodes\n\n" + name + "\n\nRunning Nodes\n\n" + name);
  return ok;
}

int ping(Call& call) {
  call.banner("Will ping naru on " + call.target.admin.text() + ". This only checks if it is running and answers.");
  if (!call.ask("GET", "/whoami")) return call.exit_code;
  call.line("Ping succeeded");
  return ok;
}

/// It listens once it has started.
int await_startup(Call& call) {
  constexpr int64_t between_ms = 500;
  Target once = call.target;
  for (int64_t waited = 0; call.target.timeout_ms == 0 || waited < call.target.timeout_ms; waited += between_ms) {
    auto response = request(once, "GET", "/whoami");
    if (response) return response->ok() ? ok : call.refused(*response);
    io::wait(between_ms);
  }
  return call.error(unavailable, "naru has not started on " + call.target.admin.text());
}

int list_feature_flags(Call& call) {
  static constexpr Column known[] = {{"name", ""}, {"state", ""}, {"stability", ""}, {"provided_by", ""}, {"desc", ""}};
  call.banner("Listing feature flags ...");
  auto columns = chosen_columns(call, known, std::span(known).first(2));
  if (!columns) return call.error(usage_error, columns.error());
  auto all = call.ask_list("/feature-flags");
  return all ? print_list(call, *all, *columns) : call.exit_code;
}

/// Scripts that move on to the next version ask for "all", of which there are none here.
int enable_feature_flag(Call& call) {
  const std::string& name = call.word(0);
  if (name != "all") return call.error(usage_error, "Feature flag \"" + name + "\" is not supported: naru has none");
  call.banner("Enabling all feature flags ...");
  return call.ask("GET", "/whoami") ? ok : call.exit_code;
}

int version(Call& call) {
  auto overview = call.ask("GET", "/overview");
  if (!overview) return call.exit_code;
  call.line(member(overview->body, "rabbitmq_version"));
  return ok;
}

int eval(Call& call) { return call.error(usage_error, "naru has no Erlang that could be evaluated"); }

constexpr Command commands[] = {
    {"status", "", 0, 0, {}, {}, status},
    {"cluster_status", "", 0, 0, {}, {}, cluster_status},
    {"version", "", 0, 0, {}, {}, version},
    {"eval", "<expression>", 0, 64, {}, {}, eval},
    {"ping", "", 0, 0, {}, {}, ping},
    {"await_startup", "", 0, 0, {}, {}, await_startup},
    {"list_feature_flags", "[<column> ...]", 0, 8, {}, {}, list_feature_flags},
    {"enable_feature_flag", "<name> | all", 1, 1, {}, {}, enable_feature_flag},
};

}  // namespace

std::span<const Command> node_commands() { return commands; }

}  // namespace naru::ctl
