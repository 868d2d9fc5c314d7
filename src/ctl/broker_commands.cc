// Queues that are emptied or deleted, connections that are closed, definitions, and how the broker is.
#include <cstdio>
#include <fstream>
#include <sstream>

#include "ctl/command.h"
#include "http/parser.h"

namespace naru::ctl {
namespace {

using http::escape;

std::string queue_path(const Call& call) { return "/queues/" + escape(call.vhost) + "/" + escape(call.word(0)); }

int no_queue(const Call& call) { return call.error(usage_error, "Queue not found"); }

int purge_queue(Call& call) {
  call.banner("Purging queue '" + call.word(0) + "' in vhost '" + call.vhost + "' ...");
  auto response = request(call.target, "DELETE", queue_path(call) + "/contents");
  if (!response) return call.error(unavailable, response.error().reason);
  if (response->status == 404) return no_queue(call);
  return response->ok() ? ok : call.refused(*response);
}

int delete_queue(Call& call) {
  std::string query;
  for (const char* condition : {"if-empty", "if-unused"})
    if (call.has("--" + std::string(condition)) || call.has("-" + std::string(condition + 3, 1)))
      query += (query.empty() ? "?" : "&") + std::string(condition) + "=true";
  call.banner("Deleting queue '" + call.word(0) + "' on vhost '" + call.vhost + "' ...");
  auto there = request(call.target, "GET", queue_path(call));
  if (there && there->status == 404) return no_queue(call);
  auto response = call.ask("DELETE", queue_path(call) + query);
  if (!response) return call.exit_code;
  const Json* ready = there ? there->body.find("messages_ready") : nullptr;
  call.banner("Queue was successfully deleted with " + std::to_string(ready ? ready->integer().value_or(0) : 0) +
              " ready messages");
  return ok;
}

int close_connection(Call& call) {
  call.banner("Closing connection " + call.word(0) + ", reason: " + call.word(1) + "...");
  return call.change("DELETE", "/connections/" + escape(call.word(0)), {}, call.word(1));
}

int close_all_connections(Call& call) {
  bool everywhere = call.has("--global") || !call.vhost_given;
  call.banner("Closing all connections " + (everywhere ? "on node" : "in vhost " + call.vhost) +
              ", reason: " + call.word(0) + "...");
  auto all = call.ask("GET", everywhere ? "/connections" : "/vhosts/" + escape(call.vhost) + "/connections");
  if (!all) return call.exit_code;
  size_t closed = 0, limit = static_cast<size_t>(std::atoll(call.option("--limit", "0").c_str()));
  for (const Json& one : *all->body.items()) {
    if (limit > 0 && closed == limit) break;
    std::string path = "/connections/" + escape(one.text_of("name"));
    auto response = request(call.target, "DELETE", path, {}, call.word(0));
    if (!response) return call.error(unavailable, response.error().reason);
    if (response->ok()) ++closed;  // the others had gone meanwhile
  }
  call.banner("Closed " + std::to_string(closed) + " connections");
  return ok;
}

int close_all_user_connections(Call& call) {
  call.banner("Closing all connections of user " + call.word(0) + ", reason: " + call.word(1) + " ...");
  return call.change("DELETE", "/connections/username/" + escape(call.word(0)), {}, call.word(1));
}

int export_definitions(Call& call) {
  std::string file = call.words.empty() ? "-" : call.word(0);
  bool to_output = file == "-";
  if (!to_output) call.banner("Exporting definitions in JSON to a file at \"" + file + "\" ...");
  auto definitions = call.ask("GET", "/definitions");
  if (!definitions) return call.exit_code;
  std::string text = to_text(definitions->body);
  if (to_output) return call.line(text), ok;
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text << '\n';
  out.close();
  return out ? ok : call.error(software_error, "cannot write " + file);
}

int import_definitions(Call& call) {
  std::string file = call.words.empty() ? "-" : call.word(0), text;
  if (file == "-") {
    call.banner("Importing definitions in JSON from standard input ...");
    for (int c; (c = std::getchar()) != EOF;) text += static_cast<char>(c);
  } else {
    call.banner("Importing definitions in JSON from a file at \"" + file + "\" ...");
    std::ifstream in(file, std::ios::binary);
    std::ostringstream all;
    if (!in) return call.error(66, "File " + file + " does not exist");
    all << in.rdbuf();
    text = all.str();
  }
  auto definitions = parse_json(text);
  if (!definitions || !definitions->members()) return call.error(data_error, "The file is no JSON object");
  return call.change("POST", "/definitions", *definitions);
}

int set_cluster_name(Call& call) {
  call.banner("Setting cluster name to " + call.word(0) + " ...");
  Json body;
  body.set("name", call.word(0));
  return call.change("PUT", "/cluster-name", body);
}

int set_memory_limit(Call& call) {
  Json body;
  std::string limit = call.words.size() == 2 ? call.word(0) + " " + call.word(1) : call.word(0);
  call.banner("Setting memory threshold on naru to " + (call.words.size() == 2 ? call.word(1) + " (absolute)" : limit) +
              " ...");
  body.set("vm_memory_high_watermark", limit);
  return call.change("PUT", "/alarms", body);
}

int set_disk_limit(Call& call) {
  Json body;
  std::string limit = call.words.size() == 2 ? call.word(0) + " " + call.word(1) : call.word(0);
  call.banner("Setting disk free limit on naru to " + limit + " ...");
  body.set("disk_free_limit", limit);
  return call.change("PUT", "/alarms", body);
}

std::string delayed_path(const Call& call) {
  return "/exchanges/" + escape(call.vhost) + "/" + escape(call.word(0)) + "/delayed";
}

int list_delayed(Call& call) {
  static constexpr Column columns[] = {
      {"id", ""}, {"due", ""}, {"routing_key", ""}, {"payload_bytes", ""}, {"message_id", ""}};
  call.banner("Listing delayed messages of exchange '" + call.word(0) + "' in vhost '" + call.vhost + "' ...");
  auto response = call.ask("GET", delayed_path(call) + "?count=" + call.option("--limit", "100"));
  if (!response) return call.exit_code;
  const Json* messages = response->body.find("messages");
  return messages ? print_list(call, *messages, columns) : ok;
}

int cancel_delayed(Call& call) {
  call.banner("Cancelling delayed message " + call.word(1) + " of exchange '" + call.word(0) + "' in vhost '" +
              call.vhost + "' ...");
  return call.change("DELETE", delayed_path(call) + "/" + escape(call.word(1)));
}

std::string member(const Json& json, std::string_view name) {
  const Json* value = json.find(name);
  return !value ? "" : value->text() ? std::string(*value->text()) : to_text(*value);
}

int status(Call& call) {
  auto overview = call.ask("GET", "/overview");
  if (!overview) return call.exit_code;
  auto nodes = call.ask("GET", "/nodes");
  if (!nodes || !nodes->body.items() || nodes->body.items()->empty()) return call.exit_code;
  const Json& node = nodes->body.items()->front();
  if (call.formatter == "json") {
    Json out;
    out.set("overview", overview->body).set("node", node);
    return call.line(to_text(out)), ok;
  }
  const Json* totals = overview->body.find("object_totals");
  const Json* messages = overview->body.find("queue_totals");
  call.banner("Status of node " + member(node, "name") + " ...");
  call.line("Runtime\n");
  call.line("naru version: " + member(overview->body, "product_version"));
  call.line("Speaks as RabbitMQ version: " + member(overview->body, "rabbitmq_version"));
  call.line("Node name: " + member(node, "name"));
  call.line("Uptime (ms): " + member(node, "uptime"));
  call.line("\nData directory\n\nNode data directory: " + member(node, "db_dir"));
  call.line("\nMemory\n\nTotal memory used (bytes): " + member(node, "mem_used"));
  call.line("Memory limit (bytes): " + member(node, "mem_limit"));
  auto raised = [&](const char* name) { return node.find(name) && node.find(name)->boolean().value_or(false); };
  call.line(std::string("\nAlarms\n\n") + (raised("mem_alarm")         ? "Memory alarm"
                                           : raised("disk_free_alarm") ? "Free disk space alarm"
                                                                       : "(none)"));
  call.line("\nTotals\n\nConnection count: " + member(*totals, "connections"));
  call.line("Queue count: " + member(*totals, "queues"));
  call.line("Virtual host count: " + std::to_string(call.ask("GET", "/vhosts")->body.items()->size()));
  call.line("Messages: " + member(*messages, "messages"));
  return ok;
}

int ping(Call& call) {
  call.banner("Will ping naru on " + call.target.admin.text() + ". This only checks if it is running and answers.");
  if (!call.ask("GET", "/whoami")) return call.exit_code;
  call.line("Ping succeeded");
  return ok;
}

constexpr std::string_view delete_flags[] = {"--if-empty", "--if-unused", "-e", "-u"};
constexpr std::string_view close_flags[] = {"--global"}, close_options[] = {"--limit", "--per-connection-delay"};
constexpr std::string_view format_options[] = {"--format"}, delayed_options[] = {"--limit", "--formatter"};

constexpr Command commands[] = {
    {"purge_queue", "[-p <vhost>] <queue>", 1, 1, {}, {}, purge_queue},
    {"delete_queue", "[-p <vhost>] <queue> [--if-empty] [--if-unused]", 1, 1, {}, delete_flags, delete_queue},
    {"close_connection", "<connection> <explanation>", 2, 2, {}, {}, close_connection},
    {"close_all_connections", "[-p <vhost> --limit <limit>] [--global] <explanation>", 1, 1, close_options, close_flags,
     close_all_connections},
    {"close_all_user_connections", "<username> <explanation>", 2, 2, {}, {}, close_all_user_connections},
    {"export_definitions", "[<file> | -]", 0, 1, format_options, {}, export_definitions},
    {"import_definitions", "[<file> | -]", 0, 1, format_options, {}, import_definitions},
    {"set_cluster_name", "<name>", 1, 1, {}, {}, set_cluster_name},
    {"set_vm_memory_high_watermark", "<fraction> | absolute <size>", 1, 2, {}, {}, set_memory_limit},
    {"set_disk_free_limit", "<size> | mem_relative <fraction>", 1, 2, {}, {}, set_disk_limit},
    {"list_delayed", "[-p <vhost>] <exchange> [--limit <limit>]", 1, 1, delayed_options, {}, list_delayed},
    {"cancel_delayed", "[-p <vhost>] <exchange> <id>", 2, 2, {}, {}, cancel_delayed},
    {"status", "", 0, 0, {}, {}, status},
    {"ping", "", 0, 0, {}, {}, ping},
};

}  // namespace

std::span<const Command> broker_commands() { return commands; }

}  // namespace naru::ctl
